// Decides whether a verified certificate belongs to a node of ours.

/// The names by which nodes are known: DNS names, `*.` names for one label, URIs.
public struct NodeNames: Sendable, Hashable {
    private let exact: Set<String>
    private let suffixes: Set<String>

    /// A list of names; an empty one accepts nobody.
    ///
    /// - Parameter names: DNS names such as `a.nodes.example`, patterns such as `*.nodes.example`
    ///   that stand for exactly one label, URIs such as `spiffe://example/node/a`.
    public init(_ names: some Sequence<String>) {
        var exact: Set<String> = []
        var suffixes: Set<String> = []
        for name in names {
            if name.hasPrefix("*.") {
                suffixes.insert(String(name.dropFirst()).lowercased())
            } else {
                exact.insert(Self.normal(name))
            }
        }
        self.exact = exact
        self.suffixes = suffixes
    }

    /// Every node of a cluster whose own authority is the only one that is trusted: it signs
    /// ``dnsName(ofNode:)`` for nodes alone, and for nobody who merely calls them.
    public static let cluster = NodeNames(["*" + Self.suffix])

    private static let suffix = ".nodes.opsroom.internal"

    /// The name that makes its holder a node. A client that gives it as
    /// ``ClientTLS/serverName`` knows which node it speaks to, wherever that listens.
    ///
    /// - Parameter name: A label of a DNS name.
    /// - Returns: A name below the top-level domain `internal`, which the world's DNS leaves alone.
    public static func dnsName(ofNode name: String) -> String { name + Self.suffix }

    /// Whether one of a verified certificate's names is on the list.
    ///
    /// - Parameter names: ``RequestOrigin/certificateNames``.
    /// - Returns: True for a node.
    public func acceptsNode(names: [String]) -> Bool {
        names.contains { name in
            let name = Self.normal(name)
            if self.exact.contains(name) { return true }
            // A certificate for a pattern is not a node, nor is a URI an answer to a pattern.
            guard let dot = name.firstIndex(of: "."), dot != name.startIndex,
                !name.hasPrefix("*"), !name.contains("/")
            else { return false }
            return self.suffixes.contains(String(name[dot...]))
        }
    }

    /// DNS names are compared without regard to case, URIs as they are.
    private static func normal(_ name: String) -> String {
        name.contains("://") ? name : name.lowercased()
    }
}
