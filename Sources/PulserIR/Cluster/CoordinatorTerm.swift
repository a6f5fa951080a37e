// Names one term of office of a coordinator.

/// Who coordinates, and the number of the election that said so.
public struct CoordinatorTerm: Sendable, Hashable {
    /// The node elected.
    public var node: NodeEpoch
    /// Rises by one at every election; a coordinator's write with an older one is refused.
    public var epoch: Int64

    /// Names a term.
    public init(node: NodeEpoch, epoch: Int64) {
        self.node = node
        self.epoch = epoch
    }
}
