// Names what one node knows about another from the database.

/// A node as the membership table shows it.
public struct NodeView: Sendable, Hashable {
    /// Its identity.
    public var epoch: NodeEpoch
    /// Its name for people.
    public var name: String
    /// What is exclusive to its process. One address has at most one node that is not dead.
    public var address: String
    /// Where other nodes call it, `host:port`; empty when they cannot.
    public var endpoint: String
    /// Which failure domain it is in; empty for none.
    public var zone: String
    /// What it was built from.
    public var build: String
    /// The oldest protocol it speaks.
    public var protocolMin: Int32
    /// The newest protocol it speaks.
    public var protocolMax: Int32
    /// Where it is in its life.
    public var status: NodeStatus
    /// How long its lease went on when the view was read; negative when it was over.
    ///
    /// Relative, because two machines' clocks are never compared.
    public var leaseLeft: Duration

    /// Describes a node.
    public init(
        epoch: NodeEpoch,
        name: String,
        address: String,
        endpoint: String = "",
        zone: String = "",
        build: String = "",
        protocolMin: Int32 = 1,
        protocolMax: Int32 = 1,
        status: NodeStatus,
        leaseLeft: Duration
    ) {
        self.epoch = epoch
        self.name = name
        self.address = address
        self.endpoint = endpoint
        self.zone = zone
        self.build = build
        self.protocolMin = protocolMin
        self.protocolMax = protocolMax
        self.status = status
        self.leaseLeft = leaseLeft
    }

    /// Whether other nodes can call it.
    public var isReachable: Bool { !self.endpoint.isEmpty }
}
