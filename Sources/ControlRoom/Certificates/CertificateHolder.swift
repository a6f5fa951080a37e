// For whom a certificate of the cluster is made out, and under which names others know them.

import Foundation
import Glibc
import HTTP2
import SwiftASN1
import X509

/// A node, or somebody who calls nodes.
public struct CertificateHolder: Sendable, Hashable {
    /// What its certificate is good for.
    public enum Kind: String, Sendable, Hashable {
        /// Serves, and calls other nodes: carries a name of ``HTTP2/NodeNames/cluster``.
        case node
        /// Only calls: carries no name that makes it a node.
        case client
    }

    /// What it is.
    public let kind: Kind
    /// Its name for people.
    public let name: String
    /// DNS names and addresses by which it is reached.
    public let hosts: [String]

    /// A node.
    ///
    /// - Parameters:
    ///   - name: A label of a DNS name: small letters, digits, `-`, at most 63.
    ///   - hosts: DNS names, `*.` for one label, IPv4 and IPv6 addresses; at least one.
    /// - Throws: `usage` naming what cannot be written into a certificate.
    public init(node name: String, hosts: [String]) throws(RoomError) {
        guard name.wholeMatch(of: /[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/) != nil else {
            throw RoomError(
                .usage,
                "'\(name)' cannot name a node: it becomes part of a DNS name, which takes small "
                    + "letters, digits and '-' between them, at most 63"
            )
        }
        try Self.check(name)
        guard !hosts.isEmpty else {
            throw RoomError(
                .usage,
                "a node needs at least one host by which it is reached",
                next: "opsroom certs node \(name) --host \(HostName.current)"
            )
        }
        for host in hosts where Self.address(host) == nil {
            let label = /[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?/
            let plain = host.hasPrefix("*.") ? host.dropFirst(2) : host[...]
            let labels = plain.split(separator: ".", omittingEmptySubsequences: false)
            guard host.utf8.count <= 253, labels.allSatisfy({ $0.wholeMatch(of: label) != nil })
            else {
                throw RoomError(
                    .usage,
                    "'\(host)' is no host: --host takes a DNS name or an address, without a port"
                )
            }
        }
        self.kind = .node
        self.name = name
        self.hosts = hosts
    }

    /// Somebody who calls nodes.
    ///
    /// - Parameter name: Letters, digits, `.`, `-`, `_`, `@`, at most 63.
    /// - Throws: `usage`.
    public init(client name: String) throws(RoomError) {
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._@-]{0,62}/) != nil else {
            throw RoomError(
                .usage,
                "'\(name)' cannot name a client: letters, digits, '.', '-', '_', '@', at most 63"
            )
        }
        try Self.check(name)
        self.kind = .client
        self.name = name
        self.hosts = []
    }

    /// The files of an authority are called so.
    private static func check(_ name: String) throws(RoomError) {
        guard name != "ca" else {
            throw RoomError(.usage, "'ca' is the authority's own name; take another one")
        }
    }

    // MARK: For the authority

    /// The names in the certificate: first the one that says who it is.
    var names: [GeneralName] {
        switch self.kind {
        case .client: [.uniformResourceIdentifier(Self.clientPrefix + self.name)]
        case .node:
            [.dnsName(NodeNames.dnsName(ofNode: self.name))]
                + self.hosts.map { host in
                    Self.address(host).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
                        ?? .dnsName(host.lowercased())
                }
        }
    }

    /// What the key may be used for.
    var usages: [ExtendedKeyUsage.Usage] {
        self.kind == .node ? [.serverAuth, .clientAuth] : [.clientAuth]
    }

    /// What the URI of a client's certificate begins with.
    static let clientPrefix = "opsroom://client/"

    /// The bytes of an IPv4 or IPv6 address; `nil` for a name.
    private static func address(_ text: String) -> [UInt8]? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
        var v6 = in6_addr()
        if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
        return nil
    }
}
