// What a process says of itself when it joins the cluster.

/// A node that wants to join.
public struct NewNode: Sendable, Hashable {
    /// Its name for people.
    public var name: String
    /// What only its process has, its data directory say; one address has one live node.
    public var address: String
    /// Where other nodes call it, `host:port`; empty when they cannot.
    public var endpoint: String
    /// Which failure domain it is in; empty for none.
    public var zone: String
    /// What it was built from.
    public var build: String
    /// The oldest protocol it speaks, at least 1.
    public var protocolMin: Int32
    /// The newest protocol it speaks, at least `protocolMin`.
    public var protocolMax: Int32
    /// Whether the caller knows that whoever had this address has ended, because it holds the lock of
    /// the directory, say. Then nobody waits for the lease that is left. Default: it does not.
    public var hasPredecessorEnded: Bool

    /// Describes a node.
    public init(
        name: String,
        address: String,
        endpoint: String = "",
        zone: String = "",
        build: String,
        protocolMin: Int32 = 1,
        protocolMax: Int32 = 1,
        hasPredecessorEnded: Bool = false
    ) {
        self.name = name
        self.address = address
        self.endpoint = endpoint
        self.zone = zone
        self.build = build
        self.protocolMin = protocolMin
        self.protocolMax = protocolMax
        self.hasPredecessorEnded = hasPredecessorEnded
    }
}
