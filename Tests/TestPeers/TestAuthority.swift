// Certificates for tests, made in this process: an authority and what it signs.

import Crypto
import Foundation
public import HTTP2
import SwiftASN1
import X509

/// An authority that nobody else trusts.
public struct TestAuthority: Sendable {
    /// A certificate chain and its key, in PEM form.
    public struct Pair: Sendable {
        /// The chain.
        public var certificate: String
        /// The key of its first certificate.
        public var key: String
    }

    /// The authority's own certificate, in PEM form.
    public let pem: String
    private let name: DistinguishedName
    private let key: P256.Signing.PrivateKey

    /// Makes one.
    ///
    /// - Throws: When the name cannot be written into a certificate.
    public init(_ commonName: String = "Test Authority") throws {
        self.key = P256.Signing.PrivateKey()
        self.name = try DistinguishedName { CommonName(commonName) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(self.key.publicKey),
            notValidBefore: Date.now.addingTimeInterval(-3_600),
            notValidAfter: Date.now.addingTimeInterval(86_400),
            issuer: self.name,
            subject: self.name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key)
        )
        self.pem = try certificate.serializeAsPEM().pemString + "\n"
    }

    /// Signs a certificate.
    ///
    /// - Parameters:
    ///   - names: DNS names; URIs contain `://`.
    ///   - addresses: IPv4 addresses.
    ///   - begin: Seconds from now.
    ///   - end: Seconds from now.
    /// - Returns: The certificate and its key.
    /// - Throws: When a name cannot be written into a certificate.
    public func issue(
        _ names: [String] = ["localhost"],
        addresses: [[UInt8]] = [[127, 0, 0, 1]],
        begin: Double = -3_600,
        end: Double = 86_400
    ) throws -> Pair {
        let key = P256.Signing.PrivateKey()
        let alternatives =
            names.map { name in
                name.contains("://")
                    ? GeneralName.uniformResourceIdentifier(name) : .dnsName(name)
            }
            + addresses.map {
                GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...]))
            }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date.now.addingTimeInterval(begin),
            notValidAfter: Date.now.addingTimeInterval(end),
            issuer: self.name,
            subject: DistinguishedName { CommonName(names.first ?? "nobody") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(alternatives)
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key)
        )
        return Pair(
            certificate: try certificate.serializeAsPEM().pemString + "\n",
            key: key.pemRepresentation + "\n"
        )
    }
}

/// The files of an authority and of a server it vouches for.
public struct TestCertificates: Sendable {
    /// Where the files are.
    public let folder: TemporaryFolder
    /// Who vouches.
    public let authority: TestAuthority
    /// The file of its certificate.
    public let authorityPath: String

    /// Makes `authority.pem` and the pairs `server` and `client`.
    ///
    /// - Throws: When they cannot be written.
    public init() throws {
        self.folder = try TemporaryFolder()
        self.authority = try TestAuthority()
        self.authorityPath = try self.folder.write(self.authority.pem, to: "authority.pem")
        try self.write(self.authority.issue(), "server")
        try self.write(self.authority.issue(["spiffe://test/node/a", "a.nodes.test"]), "client")
    }

    /// What a server needs that asks for no client certificate.
    public var server: ServerTLS {
        ServerTLS(certificatePath: self.path("server.pem"), keyPath: self.path("server.key"))
    }

    /// What a client needs that has no certificate.
    public var client: ClientTLS {
        var tls = ClientTLS()
        tls.authorityPath = self.authorityPath
        return tls
    }

    /// Where a file is.
    public func path(_ name: String) -> String { "\(self.folder.path)/\(name)" }

    /// Writes `<name>.pem` and `<name>.key`.
    ///
    /// - Throws: When they cannot be written.
    public func write(_ pair: TestAuthority.Pair, _ name: String) throws {
        try self.folder.write(pair.certificate, to: "\(name).pem")
        try self.folder.write(pair.key, to: "\(name).key")
    }
}
