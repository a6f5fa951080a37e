// Names what a node is told when its lease is renewed.

/// The answer to a renewal: enough to see whether anything changed since the last one.
public struct Renewal: Sendable, Hashable {
    /// The membership's version; a higher one than the node knows means: read the view.
    public var viewVersion: Int64
    /// The node's own status, which an operator may have changed.
    public var status: NodeStatus
    /// Who coordinates; `nil` when no term is running.
    public var coordinator: CoordinatorTerm?
    /// How often the coordinator took shards away from the node without its doing; a higher number
    /// than the node knows means: read the shards before the lease is trusted any longer.
    public var shardsTaken: Int64

    /// Describes an answer.
    public init(
        viewVersion: Int64,
        status: NodeStatus,
        coordinator: CoordinatorTerm? = nil,
        shardsTaken: Int64 = 0
    ) {
        self.viewVersion = viewVersion
        self.status = status
        self.coordinator = coordinator
        self.shardsTaken = shardsTaken
    }
}
