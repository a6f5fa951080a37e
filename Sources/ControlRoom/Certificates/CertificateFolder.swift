// Where certificates and keys lie: folders that only their owner enters, keys that only they read.

import Foundation
import Glibc

/// A folder with certificates.
public struct CertificateFolder: Sendable, Hashable {
    /// The authority's certificate.
    public static let authorityFile = "ca.pem"
    /// The authority's key.
    public static let authorityKeyFile = "ca.key"

    /// Where it is.
    public let path: String

    /// Names a folder, which need not exist.
    ///
    /// - Parameter path: Where it is, without a `/` at its end.
    public init(_ path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// Where a file of it is.
    ///
    /// - Parameter name: The file's name.
    /// - Returns: Its path.
    public func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// The authority whose files are here.
    ///
    /// - Returns: The authority.
    /// - Throws: `notFound` when there is none, `refused` when others can read its key, or what
    ///   ``CertificateAuthority/init(pem:keyPEM:place:)`` throws.
    public func authority() throws(RoomError) -> CertificateAuthority {
        try CertificateAuthority(pem: self.authorityPEM(), keyPEM: self.key(), place: self.path)
    }

    /// The certificate of the authority here.
    private func authorityPEM() throws(RoomError) -> String {
        do {
            return try TextFile.require(self.file(Self.authorityFile))
        } catch  where error.code == .notFound {
            throw RoomError(
                .notFound,
                "\(self.path) holds no authority: \(Self.authorityFile) is not there",
                next: "opsroom certs ca --out \(ShellWord.quoted(self.path))"
            )
        }
    }

    private func key() throws(RoomError) -> String {
        let path = self.file(Self.authorityKeyFile)
        let text = try TextFile.require(path)
        guard let facts = FileFacts(following: path), facts.mode & 0o077 == 0 else {
            throw RoomError(
                .refused,
                "\(path) signs for the whole cluster, and others can read it",
                next: "chmod 600 \(ShellWord.quoted(path))"
            )
        }
        return text
    }

    /// Makes the folder's authority.
    ///
    /// - Parameters:
    ///   - name: Its name for people.
    ///   - days: How long it holds.
    ///   - isReplacing: Whether one that is there is replaced; all that it signed is void then.
    /// - Throws: `conflict` when there is one, `failed` when it cannot be written.
    public func makeAuthority(
        name: String,
        days: Int = CertificateAuthority.days,
        isReplacing: Bool = false
    ) throws(RoomError) {
        let (authority, key) = try CertificateAuthority.make(name: name, days: days)
        let pair = CertificatePair(certificate: authority.pem, key: key)
        try self.write(pair, as: "ca", isReplacing: isReplacing)
    }

    /// Writes a pair as `<name>.pem` and `<name>.key`, and the authority's certificate beside it.
    ///
    /// - Parameters:
    ///   - pair: What to write.
    ///   - name: The files' name.
    ///   - authority: Who signed it; `nil` writes the pair alone.
    ///   - isReplacing: Whether files that are there are replaced.
    /// - Throws: `conflict` when a file is there, or the folder has another authority's certificate;
    ///   `failed` when one cannot be written. What was there is there still.
    public func write(
        _ pair: CertificatePair,
        as name: String,
        signedBy authority: CertificateAuthority? = nil,
        isReplacing: Bool = false
    ) throws(RoomError) {
        try self.make()
        if let authority { try self.bring(authority, isReplacing: isReplacing) }
        let key = WholeFile(path: self.file("\(name).key"), text: pair.key)
        let certificate = WholeFile(
            path: self.file("\(name).pem"),
            text: pair.certificate,
            mode: 0o644
        )
        for path in [certificate.path, key.path] where !isReplacing && FileFacts(path) != nil {
            throw Self.taken(path)
        }
        try Self.write(key, isReplacing)
        try Self.write(certificate, isReplacing)
    }

    /// Nodes need the authority's certificate where they run, and nothing else of it.
    private func bring(
        _ authority: CertificateAuthority,
        isReplacing: Bool
    ) throws(RoomError) {
        let path = self.file(Self.authorityFile)
        if let text = try? TextFile.require(path), text == authority.pem { return }
        // A folder that signs itself keeps what it signs with.
        guard FileFacts(self.file(Self.authorityKeyFile)) == nil else {
            throw RoomError(
                .conflict,
                "\(self.path) belongs to another authority than '\(authority.name)'"
            )
        }
        try Self.write(WholeFile(path: path, text: authority.pem, mode: 0o644), isReplacing)
    }

    /// Writes a renewed certificate in its old one's place.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The file's new text.
    /// - Throws: `failed` when it cannot be written.
    public static func replace(_ path: String, with text: String) throws(RoomError) {
        try Self.write(WholeFile(path: path, text: text, mode: 0o644), true)
    }

    private func make() throws(RoomError) {
        guard let reason = DataDirectory.makeDirectories(self.path) else { return }
        throw RoomError(.failed, "the folder \(self.path) cannot be made: \(reason)")
    }

    private static func write(_ file: WholeFile, _ isReplacing: Bool) throws(RoomError) {
        do {
            try file.write(isReplacing: isReplacing)
        } catch  where error.isTaken {
            throw Self.taken(file.path)
        } catch {
            throw RoomError(
                .failed,
                "\(file.path) cannot be written: \(error.reason)",
                next: "ls -ld \(ShellWord.quoted(file.path))"
            )
        }
    }

    private static func taken(_ path: String) -> RoomError {
        let shown = path.hasSuffix(".key") ? String(path.dropLast(4)) + ".pem" : path
        return RoomError(
            .conflict,
            "\(path) is there already; --force replaces it"
                + (path.hasSuffix("/ca.pem") ? ", and all that it signed is void then" : ""),
            next: "opsroom certs show \(ShellWord.quoted(shown))"
        )
    }
}
