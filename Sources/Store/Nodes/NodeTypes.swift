// What the store tells about nodes and the shards they own.

/// A node's identity: one per process life, never reused.
public struct NodeEpoch: Sendable, Hashable, Comparable {
    /// The number in the database.
    public let number: Int64

    /// Names a node.
    public init(_ number: Int64) { self.number = number }

    /// Orders by age.
    public static func < (left: NodeEpoch, right: NodeEpoch) -> Bool { left.number < right.number }
}

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

/// A shard that this node owns.
public struct OwnedShard: Sendable, Hashable {
    /// 0 to 1,023.
    public var shard: Int32
    /// The generation at which it is owned.
    public var generation: Int64

    /// Names it.
    public init(shard: Int32, generation: Int64) {
        self.shard = shard
        self.generation = generation
    }
}
