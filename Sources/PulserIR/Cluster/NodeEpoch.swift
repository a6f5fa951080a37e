// Names one life of a node.

/// A node's identity: one per process life, never reused.
public struct NodeEpoch: Sendable, Hashable, Comparable {
    /// The number in the database.
    public let number: Int64

    /// Names a node.
    public init(_ number: Int64) { self.number = number }

    /// Orders by age.
    public static func < (left: NodeEpoch, right: NodeEpoch) -> Bool { left.number < right.number }
}
