// Names a shard together with the right to write for it.

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
