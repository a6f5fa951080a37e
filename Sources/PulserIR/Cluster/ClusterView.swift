// Names what a node knows about the whole cluster.

/// The membership at one version.
public struct ClusterView: Sendable, Hashable {
    /// Rises by one at every change of a node's status.
    public var version: Int64
    /// Every node that is not dead, by age.
    public var nodes: [NodeView]
    /// Who coordinates; `nil` when no term was running at the reading.
    public var coordinator: CoordinatorTerm?

    /// Describes the cluster.
    public init(version: Int64, nodes: [NodeView], coordinator: CoordinatorTerm? = nil) {
        self.version = version
        self.nodes = nodes
        self.coordinator = coordinator
    }
}
