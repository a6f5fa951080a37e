// What a certificate's file says to people: for whom, by whom, until when.

public import Foundation
import Glibc
import HTTP2
import SwiftASN1
import X509

/// The first certificate of a file.
public struct CertificateReport: Sendable, Hashable {
    /// What the certificate is good for.
    public enum Kind: String, Sendable, Hashable {
        /// Signs others.
        case authority
        /// Makes its holder a node of the cluster.
        case node
        /// Calls nodes.
        case client
        /// Something else, made elsewhere.
        case other
    }

    /// The file.
    public var path: String
    /// What it is good for.
    public var kind: Kind
    /// Its holder's name for people.
    public var name: String
    /// The name of who signed it.
    public var issuer: String
    /// DNS names, addresses and URIs it is made out for.
    public var names: [String]
    /// Not valid before.
    public var begin: Date
    /// Not valid after.
    public var end: Date

    /// Reads a file.
    ///
    /// - Parameter path: PEM, its first certificate counts.
    /// - Throws: `notFound` when there is no file, `usage` when it holds no certificate.
    public init(reading path: String) throws(RoomError) {
        let text = try TextFile.require(path)
        guard let document = try? PEMDocument.parseMultiple(pemString: text).first,
            let certificate = try? Certificate(pemDocument: document)
        else { throw RoomError(.usage, "\(path) holds no certificate in PEM form") }
        let alternatives = (try? certificate.extensions.subjectAlternativeNames).map { Array($0) }
        self.path = path
        self.names = (alternatives ?? []).compactMap(Self.text)
        self.name = certificate.subject.commonName ?? self.names.first ?? "nobody"
        self.issuer = certificate.issuer.commonName ?? "\(certificate.issuer)"
        self.begin = certificate.notValidBefore
        self.end = certificate.notValidAfter
        if case .isCertificateAuthority? = try? certificate.extensions.basicConstraints {
            self.kind = .authority
        } else if NodeNames.cluster.acceptsNode(names: self.names) {
            self.kind = .node
        } else if self.names.contains(where: { $0.hasPrefix(CertificateHolder.clientPrefix) }) {
            self.kind = .client
        } else {
            self.kind = .other
        }
    }

    /// Whether its time is over.
    ///
    /// - Parameter now: The time.
    /// - Returns: True behind its end.
    public func isExpired(at now: Date = .now) -> Bool { self.end < now }

    /// Days until it ends, rounded; negative when it has.
    ///
    /// - Parameter now: The time.
    /// - Returns: Days.
    public func daysLeft(at now: Date = .now) -> Int {
        Int((self.end.timeIntervalSince(now) / 86_400).rounded())
    }

    /// A date as `2027-11-21`, in UTC.
    ///
    /// - Parameter date: The date.
    /// - Returns: Its day.
    public static func day(_ date: Date) -> String {
        String(date.formatted(.iso8601).prefix(10))
    }

    private static func text(_ name: GeneralName) -> String? {
        switch name {
        case .dnsName(let name): return name
        case .uniformResourceIdentifier(let uri): return uri
        case .ipAddress(let address):
            var bytes = Array(address.bytes)
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard bytes.count == 4 || bytes.count == 16 else { return nil }
            let family = bytes.count == 4 ? AF_INET : AF_INET6
            guard inet_ntop(family, &bytes, &text, socklen_t(text.count)) != nil else { return nil }
            return String(
                decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
        default: return nil
        }
    }
}
