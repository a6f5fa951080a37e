// Names where a shard shall go.

public import PulserIR

/// A shard and the node that shall own it.
public struct Placement: Sendable, Hashable {
    /// The shard.
    public var shard: Int32
    /// Its next owner.
    public var node: NodeEpoch

    /// Names it.
    public init(shard: Int32, node: NodeEpoch) {
        self.shard = shard
        self.node = node
    }
}
