// Names what a node knows about a shard from the database.

/// A shard as the shard table shows it.
public struct ShardView: Sendable, Hashable {
    /// 0 to 1,023.
    public var shard: Int32
    /// Who may write for it; `nil` while it is free.
    public var owner: NodeEpoch?
    /// Rises by one at every change of owner.
    public var generation: Int64
    /// Where it is between two owners.
    public var state: ShardState
    /// Who gets it next; only while it is handed off.
    public var target: NodeEpoch?
    /// How long after the reading the owner must still wait before effects that no fence can refuse;
    /// zero or less for not at all. Until then the owner before might still act on its lease.
    public var effectsIn: Duration

    /// Describes a shard.
    public init(
        shard: Int32,
        owner: NodeEpoch?,
        generation: Int64,
        state: ShardState,
        target: NodeEpoch? = nil,
        effectsIn: Duration = .zero
    ) {
        self.shard = shard
        self.owner = owner
        self.generation = generation
        self.state = state
        self.target = target
        self.effectsIn = effectsIn
    }
}
