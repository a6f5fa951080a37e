// Names what a node asks of the database that decides, and what it is told.

public import PulserIR

/// A request to the directory. Each is one transaction; a failed one may have happened nevertheless.
public enum DirectoryRequest: Sendable, Hashable {
    /// Prolong the own lease.
    case renew
    /// Declare dead whoever's lease is over.
    case reap
    /// joining → active.
    case activate
    /// active → draining.
    case drain
    /// draining → dead, of oneself; what is left of the shards becomes free.
    case leave
    /// Read the membership.
    case view
    /// Read the shards.
    case shards
    /// Vote against a node.
    case suspect(NodeEpoch, isHard: Bool)
    /// Take a vote back.
    case clear(NodeEpoch)
    /// Count the votes against a node; declare it dead if they are enough.
    case evict(NodeEpoch, isHard: Bool)
    /// Become the coordinator if no term is running.
    case elect
    /// Prolong the own term.
    case prolong(CoordinatorTerm)
    /// End the own term.
    case resign(CoordinatorTerm)
    /// Give free shards to nodes.
    case assign(CoordinatorTerm, [Placement])
    /// Have owners hand shards over.
    case mark(CoordinatorTerm, [Placement])
    /// Take from their owners shards that were not handed over in time.
    case force(CoordinatorTerm, [Int32])
    /// assigned → running; shards that run already stay so.
    case start([OwnedShard])
    /// Make another node the owner.
    case handOver(OwnedShard, to: NodeEpoch)
    /// Let shards go; they become free.
    case release([OwnedShard])
    /// Keep shards that were to be handed over: handing_off → running.
    case decline([OwnedShard])
}

/// What became of a request.
public enum DirectoryAnswer: Sendable, Hashable {
    /// The lease goes on; `nil` when this node is dead.
    case renewed(Renewal?)
    /// The membership.
    case view(ClusterView)
    /// Shards: all of them, or those that changed since the last reading.
    case shards([ShardView])
    /// Who was declared dead.
    case reaped([NodeEpoch])
    /// The own term; `nil` when somebody else's is running.
    case elected(CoordinatorTerm?)
    /// The generation of the new owner; `nil` when the shard was not ours any more or the target
    /// takes none.
    case handedOver(Int64?)
    /// For which of the shards of a start, release or decline it is true now.
    case owned([OwnedShard])
    /// Done, or (`false`) refused because it was not true any more: an old term, votes that are not
    /// enough.
    case done(Bool)
    /// No answer: it may have happened or not.
    case failed
}
