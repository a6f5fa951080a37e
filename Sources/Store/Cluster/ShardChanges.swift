// What a reader of the shard table gets, and how it asks for what changes after it.

public import PulserIR

/// Shards as they were at one moment.
public struct ShardChanges: Sendable, Hashable {
    /// What to ask with next time: every change that is not in here is told then.
    public var horizon: Int64
    /// The shards, by number.
    public var shards: [ShardView]

    /// Bundles an answer.
    public init(horizon: Int64, shards: [ShardView]) {
        self.horizon = horizon
        self.shards = shards
    }
}
