// Names what a node is told when its lease is renewed.

/// The answer to a renewal: enough to see whether anything changed since the last one.
public struct Renewal: Sendable, Hashable {
    /// The membership's version; a higher one than the node knows means: read the view.
    public var viewVersion: Int64
    /// The node's own status, which an operator may have changed.
    public var status: NodeStatus
    /// Who coordinates; `nil` when no term is running.
    public var coordinator: CoordinatorTerm?

    /// Describes an answer.
    public init(viewVersion: Int64, status: NodeStatus, coordinator: CoordinatorTerm? = nil) {
        self.viewVersion = viewVersion
        self.status = status
        self.coordinator = coordinator
    }
}
