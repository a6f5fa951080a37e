// What a certificate's file tells those who want to connect: for whom it is made out, and by whom.

internal import NIOSSL
internal import SwiftASN1
internal import X509

/// A server's certificate as its clients will see it.
public struct CertificateFile: Sendable, Hashable {
    /// DNS names and IPv4 addresses it is made out for; `*.` stands for one label.
    public let names: [String]
    /// Whether the file brings the authority that clients must trust: one that signed itself.
    public let hasAuthority: Bool

    /// Reads a file.
    ///
    /// - Parameter path: PEM, the server's certificate first.
    /// - Throws: `certificate` when it cannot be read.
    public init(reading path: String) throws(HTTP2Error) {
        let bytes = try PEMFiles.read(path, what: "certificate file")
        let chain = try PEMFiles.certificates(in: bytes, of: path, what: "certificate file")
        let parsed = chain.compactMap { certificate in
            (try? certificate.toDERBytes()).flatMap { try? Certificate(derEncoded: $0) }
        }
        self.names =
            (try? parsed.first?.extensions.subjectAlternativeNames)?.compactMap(Self.text) ?? []
        self.hasAuthority = parsed.contains { $0.issuer == $0.subject }
    }

    /// Whether it is made out for a host.
    ///
    /// - Parameter host: A name or an IPv4 address.
    /// - Returns: Whether clients that connect to it by that name are content.
    public func covers(_ host: String) -> Bool {
        self.names.contains { ClientTLSContext.name($0, covers: host) }
    }

    private static func text(_ name: GeneralName) -> String? {
        switch name {
        case .dnsName(let name): name
        case .ipAddress(let address) where address.bytes.count == 4:
            address.bytes.map(String.init).joined(separator: ".")
        default: nil
        }
    }
}
