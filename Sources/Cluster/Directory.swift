// What calls need to know of the cluster: who owns which shard, where nodes listen.

public import PulserIR

/// Who owns a shard, as far as this node knows.
public struct ShardPlace: Sendable, Hashable {
    /// The owner; `nil` while nobody has it.
    public var owner: NodeEpoch?
    /// Rises by one whenever the owner changes.
    public var generation: Int64
    /// Whether its owner is giving it away and admits nothing more.
    public var isHandingOff: Bool

    /// Describes a place.
    public init(owner: NodeEpoch?, generation: Int64, isHandingOff: Bool = false) {
        self.owner = owner
        self.generation = generation
        self.isHandingOff = isHandingOff
    }
}

/// Where a node listens for other nodes.
public struct NodeAddress: Sendable, Hashable {
    /// The host.
    public var host: String
    /// The port.
    public var port: Int
    /// A name that the node's certificate must carry; `nil` means the host.
    public var serverName: String?

    /// Names an address.
    public init(host: String, port: Int, serverName: String? = nil) {
        self.host = host
        self.port = port
        self.serverName = serverName
    }
}

/// What a node knows of the cluster; answers from memory.
public protocol Directory: Sendable {
    /// The version of what is known; rises with every change.
    var version: Int64 { get }
    /// Who owns a shard; `nil` when nothing is known of it.
    func place(of shard: Int32) -> ShardPlace?
    /// Where a node listens; `nil` when it is not known or dead.
    func address(of node: NodeEpoch) -> NodeAddress?
    /// The nodes that are known to live, in no order.
    var nodes: [NodeEpoch] { get }
    /// A peer knows this newer version: to be looked up soon. Returns at once.
    func heard(of version: Int64)
    /// A node has called of its own accord, and knows this version. Returns at once.
    func greeted(by node: NodeEpoch, version: Int64)
    /// Looks again at who owns a shard; returns when the answer is as new as the store can say, or
    /// when the caller is cancelled.
    func refresh(shard: Int32) async
}
