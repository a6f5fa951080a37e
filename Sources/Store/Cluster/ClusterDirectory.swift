// Decides what a node may ask of the table that decides: membership, votes, the coordinator, shards.

public import PulserIR

/// The cluster's durable truth.
///
/// Every rule is checked by the database, by its own clock, in one transaction and one round trip:
/// a process that freezes in the middle holds no lock. Each call may be repeated when its reply is
/// lost. Views and shards that changed are told on ``Channel/cluster`` and ``Channel/shards``; a
/// notice may be lost, so nodes look for themselves too.
public protocol ClusterDirectory: Sendable {
    // MARK: Membership

    /// Joins, in status `joining`; an older incarnation at the address is dead.
    ///
    /// Repeated after a lost reply it buries the incarnation that nobody heard of.
    ///
    /// - Parameter node: What the process says of itself.
    /// - Returns: Its new identity, with a first lease.
    /// - Throws: `conflict` when it does not speak the cluster's protocol.
    func join(_ node: NewNode) async throws(StoreError) -> NodeEpoch

    /// Begins to take part: `joining` becomes `active`.
    ///
    /// - Throws: `stale` when the node is dead.
    func activate(_ node: NodeEpoch) async throws(StoreError)

    /// The node takes no more shards and gives away what it has.
    ///
    /// - Throws: `stale` when the node is dead.
    func drain(_ node: NodeEpoch) async throws(StoreError)

    /// A draining node takes part again.
    ///
    /// - Throws: `stale` when the node is dead.
    func undrain(_ node: NodeEpoch) async throws(StoreError)

    /// Ends the node and frees its shards at once; one that is dead already stays so.
    func leave(_ node: NodeEpoch) async throws(StoreError)

    /// Renews the lease for ``ClusterRules/lease``, also one that is over while nobody reaped it.
    ///
    /// - Returns: What the node must know; `nil` when it is dead.
    func renew(_ node: NodeEpoch) async throws(StoreError) -> Renewal?

    /// Declares nodes dead whose lease is over; only by a node whose own renewals were unbroken for
    /// a whole lease.
    ///
    /// - Returns: Whom this call declared dead, oldest first.
    func reap(by node: NodeEpoch) async throws(StoreError) -> [NodeEpoch]

    /// Who is a member and who coordinates.
    func view() async throws(StoreError) -> ClusterView

    // MARK: Votes

    /// Says that a node is gone, or says so again.
    ///
    /// - Parameters:
    ///   - target: Whom.
    ///   - voter: Who says so.
    ///   - isHard: Whether its connection was refused; else it did not answer in time.
    /// - Returns: Whether the vote stands: not from a voter that is not active or has less than
    ///   ``ClusterRules/voterLeaseMin`` left of its lease, nor against the dead.
    /// - Throws: `unavailable` when the database does not answer; then it may have happened.
    @discardableResult
    func suspect(
        _ target: NodeEpoch,
        by voter: NodeEpoch,
        isHard: Bool
    ) async throws(StoreError) -> Bool

    /// Takes a vote back.
    func clear(_ target: NodeEpoch, by voter: NodeEpoch) async throws(StoreError)

    /// Declares a node dead when the votes against it are enough: min(2, max(1, active − 1)), and
    /// where one is enough only a node that is late with its renewal too.
    ///
    /// - Parameters:
    ///   - target: Whom.
    ///   - executor: Who asks for it; it must be fit to vote.
    ///   - isHard: Counts refusals newer than the target's last renewal; else silence of at least
    ///     ``ClusterRules/softGrace``, and then the executor must be the coordinator.
    /// - Returns: Whether the node is dead, by this call or before it.
    /// - Throws: `unavailable` when the database does not answer; then it may have happened.
    func evict(
        _ target: NodeEpoch,
        by executor: NodeEpoch,
        isHard: Bool
    ) async throws(StoreError) -> Bool

    /// Declares a node dead because a person says so.
    ///
    /// - Throws: `notFound`.
    func evict(_ target: NodeEpoch) async throws(StoreError)

    // MARK: The coordinator's office

    /// Takes the coordinator's office when it is vacant.
    ///
    /// - Returns: The new term, or the one that this node has already; `nil` when another node is in
    ///   office, or this one is not active, has no lease, or stands accused by enough votes.
    func elect(_ node: NodeEpoch) async throws(StoreError) -> CoordinatorTerm?

    /// Goes on for ``ClusterRules/lease``.
    ///
    /// - Returns: Whether the term goes on; what is over once stays over.
    func prolong(_ term: CoordinatorTerm) async throws(StoreError) -> Bool

    /// Gives the office back; nothing happens when the term is over.
    func resign(_ term: CoordinatorTerm) async throws(StoreError)

    // MARK: Shards, by the coordinator

    /// Gives free shards to nodes. A repeated call changes nothing more and returns less:
    /// ``shards(changedSince:)`` tells what is.
    ///
    /// - Parameters:
    ///   - term: The coordinator's term; when it is over, nothing happens.
    ///   - owners: By shard, who gets it; nodes that take no shards are passed over.
    /// - Returns: The shards this call gave away, at their new generations.
    /// - Throws: `unavailable` when the database does not answer; then it may have happened.
    func assign(
        _ term: CoordinatorTerm,
        _ owners: [Int32: NodeEpoch]
    ) async throws(StoreError) -> [ShardView]

    /// Has the owners of running shards hand them over.
    ///
    /// - Parameters:
    ///   - term: The coordinator's term; when it is over, nothing happens.
    ///   - targets: By shard, who shall get it; nodes that take no shards are passed over.
    /// - Returns: The shards this call marked.
    /// - Throws: `unavailable` when the database does not answer; then it may have happened.
    func mark(
        _ term: CoordinatorTerm,
        _ targets: [Int32: NodeEpoch]
    ) async throws(StoreError) -> [ShardView]

    /// Moves shards whose owners did not hand them over within ``ClusterRules/handOff``; those whose
    /// target is gone become free. The old owner learns it from its next renewal.
    ///
    /// - Parameters:
    ///   - term: The coordinator's term; when it is over, nothing happens.
    ///   - shards: Which ones; others than overdue ones are passed over.
    /// - Returns: The shards this call moved.
    /// - Throws: `unavailable` when the database does not answer; then it may have happened.
    func force(
        _ term: CoordinatorTerm,
        _ shards: [Int32]
    ) async throws(StoreError) -> [ShardView]

    // MARK: Shards, by their owner

    /// Begins to serve shards that were assigned. Whoever waits for them shall not wait for the notice
    /// too: the caller has it sent with ``announce(_:)``.
    ///
    /// - Returns: Those of them that are this node's, with the time until it may have effects; the
    ///   others belong to somebody else by now.
    func start(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [ShardView]

    /// Hands a shard that is marked for `target` over to it, when nothing of it is under way; a
    /// draining node hands over what it serves without a mark. The caller has the notice sent with
    /// ``announce(_:)``.
    ///
    /// - Returns: The generation at which the target has it, also when an earlier call did it; `nil`
    ///   when it is not for `target` any more, or not this node's.
    func handOver(
        _ node: NodeEpoch,
        _ shard: OwnedShard,
        to target: NodeEpoch
    ) async throws(StoreError) -> Int64?

    /// Tells listeners that shards have changed.
    func announce(_ shards: [Int32]) async

    /// Gives shards away, to nobody.
    ///
    /// - Returns: Those that this call made free.
    @discardableResult
    func release(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [Int32]

    /// Keeps shards that were to be handed over, because their work does not come to rest.
    ///
    /// - Returns: Those of them that are this node's and are served on.
    func decline(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [Int32]

    /// Who owns what.
    ///
    /// - Parameter horizon: Where the last answer ended; `nil` asks for all shards.
    /// - Returns: The shards that changed since, each as it is now; some may be told twice.
    /// - Throws: `unavailable` when the database does not answer.
    func shards(changedSince horizon: Int64?) async throws(StoreError) -> ShardChanges
}
