// What an operator sees of the cluster.

public import PulserIR

/// The cluster at one moment.
public struct ClusterStatus: Sendable, Hashable {
    /// Members and coordinator.
    public var view: ClusterView
    /// How long the coordinator's term goes on; zero without one. It is prolonged all the time.
    public var termLeft: Duration
    /// The protocol that all nodes speak.
    public var protocolSpoken: Int32
    /// What each member holds, in the order of ``ClusterView/nodes``.
    public var nodes: [NodeStanding]
    /// Votes that stand.
    public var suspicions: [Suspicion]
    /// Shards that nobody owns.
    public var freeShards: Int64
    /// Shards that are handed off.
    public var handOffs: [ShardStanding]
}

/// A node with what it holds.
public struct NodeStanding: Sendable, Hashable {
    /// The node.
    public var node: NodeView
    /// For how long it has had its status.
    public var statusFor: Duration
    /// Shards given to it that it does not serve yet.
    public var assigned: Int64
    /// Shards it serves.
    public var running: Int64
    /// Shards it shall hand over.
    public var handingOff: Int64
}

/// A vote that a node is gone.
public struct Suspicion: Sendable, Hashable {
    /// Whom it is against.
    public var target: NodeEpoch
    /// Whose it is.
    public var voter: NodeEpoch
    /// Whether its connection was refused; else it did not answer in time.
    public var isHard: Bool
    /// For how long it has stood without a pause.
    public var age: Duration
    /// How long ago it was repeated.
    public var repeatedBefore: Duration
}

/// A shard with how long it has been so.
public struct ShardStanding: Sendable, Hashable {
    /// The shard.
    public var shard: ShardView
    /// For how long it has had its owner and its state.
    public var stateFor: Duration
}
