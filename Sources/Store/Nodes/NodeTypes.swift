// What the store tells about nodes.

public import PulserIR

/// A node as others see it.
public struct NodeRow: Sendable, Hashable {
    /// Its identity.
    public var epoch: NodeEpoch
    /// Its name for people.
    public var name: String
    /// Where it lives: one address has one live node.
    public var address: String
    /// `joining`, `active` or `draining`.
    public var status: String
    /// Milliseconds until its lease ends; negative when it is over.
    public var leaseMilliseconds: Int64
    /// Shards it owns.
    public var shards: Int64
    /// What it was built from.
    public var build: String
}
