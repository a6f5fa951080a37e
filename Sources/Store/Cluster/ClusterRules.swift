// Decides the figures of the cluster's protocol, once, for every statement that goes by them.

/// The durable protocol's figures. All are measured by the database's clock.
public enum ClusterRules {
    /// How long a lease lives after a renewal; a coordinator's term too.
    public static let lease: Duration = .seconds(10)
    /// A vote counts while its voter has more than this left of its own lease.
    public static let voterLeaseMin: Duration = .seconds(5)
    /// A vote that was not repeated for so long counts no more.
    public static let voteAgeMax: Duration = .seconds(30)
    /// A vote repeated after a longer pause than this begins anew: its voter may have been frozen.
    public static let votePauseMax: Duration = .seconds(10)
    /// For how long a node must be silent before it is evicted without having refused a connection.
    public static let softGrace: Duration = .seconds(15)
    /// A node is late when its last renewal is longer ago: one and a half intervals of renewal.
    public static let lateAfter: Duration = .milliseconds(3_750)
    /// How long a shard's owner has to hand it over before the coordinator may do so.
    public static let handOff: Duration = .seconds(15)
    /// For how long a dead node stays in lists; after that it goes when somebody joins.
    public static let deadKept: Duration = .seconds(86_400)
    /// Every transaction of ours is sent at once: one that has waited for its process for longer
    /// than this belongs to one that is frozen or cut off, and must not hold up the others.
    public static let stuckAfter: Duration = .seconds(2)
    /// How long a change of membership waits for a lock before it looks who is stuck.
    public static let lockWaitMax: Duration = .seconds(3)
}

extension Duration {
    /// As SQL writes it.
    var interval: String { "interval '\(Int64(self / .milliseconds(1))) ms'" }
}
