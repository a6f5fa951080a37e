// Decides what a cluster's own authority signs: its nodes, their clients, and the same again later.

import Crypto
public import Foundation
import SwiftASN1
import X509

/// An authority that a cluster's nodes trust, and nobody else.
///
/// Keys are P-256, signatures ECDSA with SHA-256. What it signs never outlives it, begins an hour
/// early for clocks that differ, and brings the authority's certificate in its file.
public struct CertificateAuthority: Sendable {
    /// How long an authority holds when nothing is said.
    public static let days = 3_650
    /// How long what it signs holds when nothing is said.
    public static let leafDays = 365

    /// Its certificate in PEM form.
    public let pem: String
    /// Its own name.
    public let name: String
    private let certificate: Certificate
    private let key: Certificate.PrivateKey
    private let place: String

    /// Makes one.
    ///
    /// - Parameters:
    ///   - name: Its name for people.
    ///   - days: How long it holds.
    ///   - now: The time.
    /// - Returns: The authority, and its key in PEM form.
    /// - Throws: `failed` when the name cannot be written into a certificate.
    public static func make(
        name: String,
        days: Int = Self.days,
        now: Date = .now
    ) throws(RoomError) -> (authority: CertificateAuthority, key: String) {
        let secret = P256.Signing.PrivateKey()
        let key = Certificate.PrivateKey(secret)
        let certificate = try Self.signing(name) {
            let subject = try DistinguishedName { CommonName(name) }
            let identifier = SubjectKeyIdentifier(hash: key.publicKey)
            return try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: key.publicKey,
                notValidBefore: now - 3_600,
                notValidAfter: now + Double(days) * 86_400,
                issuer: subject,
                subject: subject,
                extensions: Certificate.Extensions {
                    // What it signs signs nothing itself.
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    identifier
                    AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
                },
                issuerPrivateKey: key
            )
        }
        let authority = try Self(certificate, key, place: name)
        return (authority, secret.pemRepresentation + "\n")
    }

    /// Takes what a folder holds.
    ///
    /// - Parameters:
    ///   - pem: The authority's certificate.
    ///   - keyPEM: Its key.
    ///   - place: The folder, for sentences.
    /// - Throws: `usage` when they cannot be read, are of no authority, or do not belong together.
    public init(pem: String, keyPEM: String, place: String) throws(RoomError) {
        guard let certificate = try? Certificate(pemEncoded: pem),
            let key = try? Certificate.PrivateKey(pemEncoded: keyPEM)
        else {
            throw RoomError(.usage, "\(place) holds no certificate and key in PEM form")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw RoomError(.usage, "the certificate in \(place) is not one of an authority")
        }
        guard certificate.publicKey == key.publicKey else {
            throw RoomError(
                .usage,
                "the key in \(place) does not belong to the authority's certificate there"
            )
        }
        try self.init(certificate, key, place: place)
    }

    private init(
        _ certificate: Certificate,
        _ key: Certificate.PrivateKey,
        place: String
    ) throws(RoomError) {
        self.certificate = certificate
        self.key = key
        self.place = place
        self.name = certificate.subject.commonName ?? place
        self.pem = try Self.text(certificate)
    }

    /// When its time is over.
    public var end: Date { self.certificate.notValidAfter }

    /// Signs a certificate with a key of its own.
    ///
    /// - Parameters:
    ///   - holder: For whom.
    ///   - days: How long it shall hold; not longer than the authority.
    ///   - now: The time.
    /// - Returns: The certificate with the authority's behind it, and its key.
    /// - Throws: `failed` when a name cannot be written into a certificate, or the authority's own time
    ///   is over.
    public func issue(
        _ holder: CertificateHolder,
        days: Int = Self.leafDays,
        now: Date = .now
    ) throws(RoomError) -> CertificatePair {
        let secret = P256.Signing.PrivateKey()
        let certificate = try Self.signing(holder.name) {
            let subject = try DistinguishedName { CommonName(holder.name) }
            let publicKey = Certificate.PublicKey(secret.publicKey)
            let extensions = try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage(holder.usages)
                SubjectAlternativeNames(holder.names)
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: self.key.publicKey).keyIdentifier
                )
            }
            return try self.sign(publicKey, subject, extensions, days, now)
        }
        return CertificatePair(
            certificate: try Self.text(certificate) + self.pem,
            key: secret.pemRepresentation + "\n"
        )
    }

    /// Signs once more what it has signed before: the same names and the same key, so that one file
    /// changes and nobody sees a half of the new pair.
    ///
    /// - Parameters:
    ///   - path: The file; its first certificate counts, expired or not.
    ///   - days: How long the new one shall hold; `nil` for the usual time.
    ///   - now: The time.
    /// - Returns: The file's new text.
    /// - Throws: `notFound` when there is no file, `usage` when it holds no certificate, `conflict` when somebody else signed it, `failed` when
    ///   the authority's own time is over and this is not its own certificate.
    public func renew(
        _ path: String,
        days: Int? = nil,
        now: Date = .now
    ) throws(RoomError) -> String {
        let pem = try TextFile.require(path)
        guard let old = try? PEMDocument.parseMultiple(pemString: pem).first,
            let old = try? Certificate(pemDocument: old)
        else { throw RoomError(.usage, "\(path) holds no certificate in PEM form") }
        guard self.key.publicKey.isValidSignature(old.signature, for: old) else {
            throw RoomError(
                .conflict,
                "\(path) was not signed by the authority '\(self.name)'",
                next: "opsroom certs show \(ShellWord.quoted(path))"
            )
        }
        let isOwn = old.publicKey == self.key.publicKey
        let certificate = try Self.signing(path) {
            try self.sign(
                old.publicKey,
                old.subject,
                old.extensions,
                days ?? (isOwn ? Self.days : Self.leafDays),
                now,
                isOwn: isOwn
            )
        }
        return try Self.text(certificate) + (isOwn ? "" : self.pem)
    }

    private func sign(
        _ publicKey: Certificate.PublicKey,
        _ subject: DistinguishedName,
        _ extensions: Certificate.Extensions,
        _ days: Int,
        _ now: Date,
        isOwn: Bool = false
    ) throws -> Certificate {
        guard isOwn || self.end > now else {
            throw RoomError(
                .failed,
                "the authority in \(self.place) expired on \(CertificateReport.day(self.end)); it "
                    + "signs nothing until it is renewed",
                next: "opsroom certs renew \(ShellWord.quoted(self.place + "/ca.pem")) --ca "
                    + ShellWord.quoted(self.place)
            )
        }
        let end = now + Double(days) * 86_400
        return try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: now - 3_600,
            notValidAfter: isOwn ? end : min(end, self.end),
            issuer: self.certificate.subject,
            subject: subject,
            extensions: extensions,
            issuerPrivateKey: self.key
        )
    }

    private static func signing(
        _ what: String,
        _ body: () throws -> Certificate
    ) throws(RoomError) -> Certificate {
        do {
            return try body()
        } catch let error as RoomError {
            throw error
        } catch {
            throw RoomError(.failed, "no certificate can be made for '\(what)': \(error)")
        }
    }

    private static func text(_ certificate: Certificate) throws(RoomError) -> String {
        do {
            return try certificate.serializeAsPEM().pemString + "\n"
        } catch {
            throw RoomError(.failed, "a certificate cannot be written: \(error)")
        }
    }
}

/// A certificate chain and the key of its first certificate, in PEM form.
public struct CertificatePair: Sendable, Hashable {
    /// The chain.
    public var certificate: String
    /// The key.
    public var key: String
}

extension DistinguishedName {
    /// The name for people.
    var commonName: String? {
        for relative in self {
            for attribute in relative where attribute.type == .RDNAttributeType.commonName {
                return String(attribute.value) ?? attribute.value.description
            }
        }
        return nil
    }
}
