// One life of a node in the cluster: has the machine decide, and does what it says.

public import Logging
public import PulserIR
public import StateMachines
public import Store

/// A node's membership, lease, votes, coordination and shards.
///
/// Owner: whoever calls ``run(prober:host:onReady:)``. Runs on: default pool. Ends: when it has left, when others
/// declared it dead, or when cancelled.
public actor MemberActor {
    /// How a life ended.
    public enum Ending: Sendable, Hashable {
        /// Everything was handed over.
        case left
        /// Others declared it dead; its work belongs to them.
        case dead
    }

    /// What is to be done beside the actor.
    private enum Job: Sendable {
        case ask(DirectoryRequest, id: Int)
        case probe(NodeEpoch, id: Int, via: NodeEpoch?)
        case announce([Int32])
        case tell(NodeEpoch, owns: [OwnedShard])
        case wake(at: Duration)
    }

    private struct Asked {
        var request: DirectoryRequest
        var sentAt: Duration
    }

    /// How long the directory may take to answer; what comes later is not listened to.
    public static let patience: Duration = .seconds(2)

    /// What calls between nodes go by.
    public nonisolated let view: any Directory

    private nonisolated let known: MemberView
    private let caller: DirectoryCaller
    private var host: (any ShardHost)?
    private let logger: Logger
    private let onAvailability: @Sendable (String?) -> Void
    private var machine: NodeMachine
    private var asked: [Int: Asked] = [:]
    /// Where the last reading of the shards ended.
    private var horizon: Int64?
    /// What people were told of the database.
    private var outage: String?
    /// When the next `.wake` job that sleeps ends.
    private var wakeAt: Duration?
    private var waiting: [(since: Duration, reading: AsyncStream<Never>.Continuation)] = []
    private var ending: Ending?
    private var onReady: @Sendable () -> Void = {}
    // Unbounded on purpose: events are bounded by the machine's requests, one probe a peer at a time and
    // the calls of peers; dropping an answer would leave the machine waiting for it.
    private nonisolated let events = AsyncStream<NodeMachine.Event>.makeStream()
    private nonisolated let jobs = AsyncStream<Job>.makeStream()
    private nonisolated let orders = AsyncStream<[ShardOwnerMachine.Action]>.makeStream()

    /// A node that has just joined.
    ///
    /// - Parameters:
    ///   - me: The identity that joining gave.
    ///   - joinedAt: When the request to join was sent, by ``NodeClock``.
    ///   - directory: What decides.
    ///   - timing: The protocol's figures.
    ///   - logger: Where the node speaks.
    ///   - onAvailability: Told a sentence when the database does not answer, `nil` when it does again.
    public init(
        _ me: NodeEpoch,
        joinedAt: Duration,
        directory: any ClusterDirectory,
        timing: ClusterTiming = ClusterTiming(),
        logger: Logger,
        onAvailability: @escaping @Sendable (String?) -> Void
    ) {
        self.caller = DirectoryCaller(directory: directory, me: me)
        self.logger = logger
        self.onAvailability = onAvailability
        self.machine = NodeMachine(me: me, joinedAt: joinedAt, at: NodeClock.now, timing: timing)
        let lookups = AsyncStream<AsyncStream<Never>.Continuation>.makeStream()
        self.lookups = lookups.stream
        self.known = MemberView(events: self.events.continuation) {
            let (reading, done) = AsyncStream<Never>.makeStream()
            lookups.continuation.yield(done)
            for await _ in reading {}
        }
        self.view = self.known
    }

    private nonisolated let lookups: AsyncStream<AsyncStream<Never>.Continuation>

    /// Lives until the node has left, is dead, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - prober: Asks other nodes whether they work; `nil` for a node that nobody can call.
    ///   - host: Who works the shards.
    ///   - onReady: Called when the node takes part.
    /// - Returns: How it ended; ``Ending/left`` also when cancelled.
    public func run(
        prober: (any Prober)?,
        host: any ShardHost,
        onReady: @escaping @Sendable () -> Void
    ) async -> Ending {
        self.onReady = onReady
        self.host = host
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await actions in self.orders.stream {
                    await host.perform(actions) { shards in
                        self.events.continuation.yield(.settled(shards))
                    }
                }
            }
            group.addTask { for await event in self.events.stream { await self.take(event) } }
            group.addTask { for await reading in self.lookups { await self.look(reading) } }
            self.events.continuation.yield(.tick)
            for await job in self.jobs.stream {
                group.addTask { await self.perform(job, prober) }
            }
            group.cancelAll()
        }
        for waiter in self.waiting { waiter.reading.finish() }
        return self.ending ?? .left
    }

    /// The database says that the membership changed.
    public nonisolated func notified() { self.events.continuation.yield(.notified) }

    /// The database says that shards changed.
    public nonisolated func shardsChanged() { self.events.continuation.yield(.shardsChanged) }

    /// The process is to end: shards are handed over, then ``run(prober:host:onReady:)`` returns.
    public nonisolated func leave() { self.events.continuation.yield(.leave) }

    // MARK: Deciding

    private func take(_ event: NodeMachine.Event) {
        guard self.ending == nil else { return }
        var orders: [ShardOwnerMachine.Action] = []
        let actions = self.machine.handle(event, at: NodeClock.now)
        if self.changesView(event, actions) { self.known.update(from: self.machine) }
        for action in actions {
            switch action {
            case .ask(let request, let id):
                self.asked[id] = Asked(request: request, sentAt: NodeClock.now)
                self.jobs.continuation.yield(.ask(request, id: id))
            case .probe(let node, let id, let via):
                self.jobs.continuation.yield(.probe(node, id: id, via: via))
            case .shard(let action): orders.append(action)
            case .ready: self.onReady()
            case .trust:
                self.logger.notice("lease trusted again")
                self.host?.trust(true)
            case .distrust:
                self.logger.warning("lease not renewed in time: no new effects")
                self.host?.trust(false)
            case .dead:
                self.logger.error("declared dead by another node: starting over")
                self.end(.dead)
            case .left: self.end(.left)
            }
        }
        if !orders.isEmpty { self.orders.continuation.yield(orders) }
        self.tellNewOwners(orders)
        self.arm()
    }

    private func tellNewOwners(_ orders: [ShardOwnerMachine.Action]) {
        var moved: [NodeEpoch: [OwnedShard]] = [:]
        for case .forward(let shard, let node, let generation) in orders {
            let new = OwnedShard(shard: shard.shard, generation: generation)
            moved[node, default: []].append(new)
        }
        for (node, shards) in moved { self.jobs.continuation.yield(.tell(node, owns: shards)) }
    }

    private func end(_ ending: Ending) {
        self.ending = ending
        self.host?.trust(false)
        self.jobs.continuation.finish()
    }

    /// Whether what calls go by may be another by now.
    private func changesView(_ event: NodeMachine.Event, _ actions: [NodeMachine.Action]) -> Bool {
        switch event {
        case .answered(_, .view), .answered(_, .shards), .answered(_, .owned),
            .answered(_, .handedOver), .settled:
            true
        default: actions.contains { if case .shard = $0 { true } else { false } }
        }
    }

    /// Sees to it that the machine is called when it wants to be.
    private func arm() {
        let wanted = self.machine.wakeAt
        if let wakeAt = self.wakeAt, wakeAt <= wanted { return }
        self.wakeAt = wanted
        self.jobs.continuation.yield(.wake(at: wanted))
    }

    private func woken(_ time: Duration) {
        // One that was overtaken by an earlier one has nothing to say.
        guard self.wakeAt == time else { return }
        self.wakeAt = nil
        self.take(.tick)
    }

    // MARK: Doing

    private func perform(_ job: Job, _ prober: (any Prober)?) async {
        switch job {
        case .ask(let request, let id): await self.ask(request, id)
        case .probe(let node, let id, let via):
            guard let answer = await prober?.probe(node, via: via) else { return }
            self.take(.probed(node, id: id, answer))
        case .announce(let shards): await self.caller.directory.announce(shards)
        case .tell(let node, let shards): await prober?.tell(node, owns: shards)
        case .wake(let time):
            try? await Task.sleep(
                until: NodeClock.instant(time),
                tolerance: .zero,
                clock: .continuous
            )
            if !Task.isCancelled { self.woken(time) }
        }
    }

    /// Asks the directory; whichever comes first, its answer or the end of patience, is the outcome.
    private func ask(_ request: DirectoryRequest, _ id: Int) async {
        let horizon = self.horizon
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(StoreError) {
                    let (answer, end) = try await self.caller.ask(request, horizon: horizon)
                    await self.answered(id, answer, horizon: end)
                } catch {
                    await self.failed(id, error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                guard !Task.isCancelled else { return }
                await self.failed(
                    id,
                    StoreError(
                        .unavailable,
                        "database unavailable: no answer for \(Self.patience)"
                    )
                )
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func answered(_ id: Int, _ answer: DirectoryAnswer, horizon: Int64?) {
        guard let asked = self.asked.removeValue(forKey: id) else { return }
        if let horizon { self.horizon = horizon }
        if self.outage != nil {
            self.outage = nil
            self.onAvailability(nil)
        }
        self.tell(asked.request, answer)
        self.take(.answered(id: id, answer))
        self.announce(asked.request, answer)
        self.readAfter(asked)
    }

    private func failed(_ id: Int, _ error: StoreError) {
        guard let asked = self.asked.removeValue(forKey: id) else { return }
        if error.code == .unavailable, self.outage == nil {
            self.outage = error.message
            self.onAvailability(error.message)
        } else if error.code != .unavailable, error.code != .cancelled {
            self.logger.warning(
                "the cluster's tables refused a request",
                metadata: ["reason": "\(error.message)"]
            )
        }
        self.take(.answered(id: id, .failed))
        self.readAfter(asked)
    }

    /// Others hear of what was done, behind what follows from it here.
    private func announce(_ request: DirectoryRequest, _ answer: DirectoryAnswer) {
        switch (request, answer) {
        case (.start, .owned(let shards)):
            self.jobs.continuation.yield(.announce(shards.map(\.shard)))
        case (.handOver(let shard, _), .handedOver(_?)):
            self.jobs.continuation.yield(.announce([shard.shard]))
        default: break
        }
    }

    /// What people should hear of.
    private func tell(_ request: DirectoryRequest, _ answer: DirectoryAnswer) {
        switch (request, answer) {
        case (_, .reaped(let nodes)) where !nodes.isEmpty:
            self.logger.notice(
                "nodes declared dead, their leases were over",
                metadata: ["nodes": "\(nodes.map(\.number))"]
            )
        case (.evict(let node, let isHard), .done(true)):
            self.logger.notice(
                "a node declared dead by votes",
                metadata: [
                    "node": "\(node.number)",
                    "reason": isHard ? "nobody listens at its address" : "it answers nobody",
                ]
            )
        case (.elect, .elected(let term?)):
            self.logger.info("coordinates the cluster", metadata: ["term": "\(term.epoch)"])
        default: break
        }
    }

    // MARK: Looking again

    /// Reads the shards once more; `reading` ends when that is done.
    private func look(_ reading: AsyncStream<Never>.Continuation) {
        self.waiting.append((NodeClock.now, reading))
        self.take(.notified)
    }

    /// Lets those go who waited for this reading.
    private func readAfter(_ asked: Asked) {
        guard asked.request == .shards else { return }
        for waiter in self.waiting where waiter.since <= asked.sentAt { waiter.reading.finish() }
        self.waiting.removeAll { $0.since <= asked.sentAt }
    }
}
