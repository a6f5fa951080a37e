// Works one lane: claims its runs in order, as many as its width.

internal import Cluster
internal import Distributed
internal import Logging
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store

/// A lane on the node that owns its shard; any node can call it there.
///
/// Owner: DispatcherActor. Supervisor: its ``SessionActor``. Runs on: default pool. Ends:
/// cancellation, or the loss of its shard; its runs are its children and end before it does.
distributed actor LaneActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("lane")
    static let methods: [ClusterMethod<LaneActor>] = [
        ClusterMethod("hear", isIdempotent: true) { try await $0.hear(.work(lane: 0)) },
        ClusterMethod("obstacle", isIdempotent: true) { _ = try await $0.obstacle() },
    ]

    let channel: LaneChannel
    let session: SessionActor
    let room: Room
    private let effects: ShardGate
    private weak let dispatcher: DispatcherActor?
    var machine: LaneMachine
    var runs: [RunID: RunActor] = [:]
    /// What follows when a run crashes.
    var supervision = SupervisionMachine<RunID>()
    /// Runs that crashed and begin again in a moment: they keep their places.
    var restarting: Set<RunID> = []
    /// Runs of which not even the failure could be stored.
    var left: Set<RunID> = []
    /// How often the lane was told to rest.
    var rests = 0
    /// The last rest's reason, and since when it rests.
    var resting: (reason: String, since: Duration) = ("", .zero)
    /// Since when it waits for a place on the node; `nil` when it does not.
    private(set) var placeAwaitedSince: Duration?
    /// Since when it is not certain what is under way.
    private(set) var doubtSince: Duration = .zero
    private var priority: Int
    private var isClaimSent = false
    /// When it was last told something.
    private var busyAt = NodeClock.now

    init(
        _ channel: LaneChannel,
        session: SessionActor,
        effects: ShardGate,
        dispatcher: DispatcherActor,
        room: Room,
        actorSystem: ClusterSystem
    ) {
        self.channel = channel
        self.session = session
        self.effects = effects
        self.dispatcher = dispatcher
        self.room = room
        self.machine = LaneMachine(width: channel.row.width)
        self.priority = channel.row.priority
        self.actorSystem = actorSystem
    }

    /// Hears from any node that something is stored for this lane.
    distributed func hear(_ news: LaneNews) async { await self.dispatcher?.heard(news) }

    /// Tells any node what keeps the lane from taking runs.
    distributed func obstacle() -> LaneObstacle? { self.presentObstacle }

    /// Takes no new runs until somebody has looked for those that may be under way.
    func doubt() {
        self.channel.doubt()
        if !self.machine.isInDoubt { self.doubtSince = NodeClock.now }
        _ = self.machine.handle(.doubt)
        self.room.recheck()
    }

    /// Ends the lane if it had nothing to do for a while.
    ///
    /// - Parameter time: How long.
    /// - Returns: Whether it ends.
    func retire(idleFor time: Duration) -> Bool {
        guard self.machine.isIdle, self.runs.isEmpty, self.restarting.isEmpty, !self.isClaimSent,
            NodeClock.now - self.busyAt >= time
        else { return false }
        _ = self.machine.handle(.drain)
        self.channel.stopSignal.fire()
        return true
    }

    /// Lets go of all runs at once, whatever the mailbox is waiting for.
    func stopRuns() { for run in self.runs.values { run.abandon() } }

    /// Works until cancelled or lost.
    func run() async {
        await self.channel.stopSignal.stopping { await self.work() }
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            for await message in self.channel.inbox {
                await self.take(message, &group)
            }
            // Cancelled: the runs stop where they are and write nothing more.
            for run in self.runs.values { run.abandon() }
        }
    }

    private func take(_ message: LaneMessage, _ group: inout DiscardingTaskGroup) async {
        self.busyAt = NodeClock.now
        switch message {
        case .wake:
            self.claim(self.machine.handle(.wake), &group)
            // A person's answer puts a parked run back into the queue; its notice may be lost.
            for run in self.runs.values where await run.isParked { await self.check(run.id) }
        case .adopt(let ids, let doubts):
            guard await self.adopt(ids, &group), doubts == self.channel.doubts else { return }
            self.claim(self.machine.handle(.settled), &group)
        case .claimed(let claimed):
            self.isClaimSent = false
            for run in claimed { self.start(run, &group) }
            self.claim(self.machine.handle(.claimed(claimed.map(\.fence.run))), &group)
        case .claimFailed:
            self.isClaimSent = false
            _ = self.machine.handle(.claimFailed)
            // Whether the claim was committed nobody knows.
            self.doubt()
        case .ended(let id, let claimNumber, let ending):
            // Its successor, claimed meanwhile, has its place now.
            guard self.runs[id]?.claimNumber == claimNumber else { return }
            self.runs[id] = nil
            await self.ended(id, ending, &group)
            // A log that lost its shard, or a chunk of it, is no use any more: another lane actor
            // goes on from what is stored.
            if self.channel.log.isLost { self.channel.stopSignal.fire() }
        case .restart(let id): await self.restart(id, &group)
        // These wait for the database; the mailbox does not wait with them.
        case .cancel(let request): group.addTask { await self.cancel(request) }
        case .pause(let pause): self.runs[pause.run]?.pause(pause)
        case .check(let id): group.addTask { await self.check(id) }
        case .rest(let time, let reason): self.rest(time, reason, &group)
        case .rested(let number):
            // Told to rest again meanwhile: the later rest counts.
            guard number == self.rests else { return }
            self.claim(self.machine.handle(.rested), &group)
        case .configure(let settings):
            if settings.priority != self.priority {
                self.priority = settings.priority
                await self.room.admission.reorder(self.channel.row.id, priority: settings.priority)
            }
            guard settings.width != self.machine.width else { return }
            self.claim(self.machine.handle(.widthChanged(settings.width)), &group)
        case .drain: _ = self.machine.handle(.drain)
        case .resume: self.claim(self.machine.handle(.resume), &group)
        }
    }

    func claim(_ room: Int?, _ group: inout DiscardingTaskGroup) {
        guard let room else { return }
        group.addTask {
            let places = await self.places(room)
            guard places > 0 else { return }
            await self.sendsClaim()
            let want = ClaimWant(lane: self.channel.row.id, shard: self.channel.shard, room: places)
            do {
                let claimed = try await self.room.writer.claim([want])
                await self.room.admission.give(places - claimed.count)
                if self.channel.isOver, !claimed.isEmpty {
                    // A lane that has ended meanwhile works on nothing: its next owner adopts them,
                    // which may be this very node.
                    await self.room.admission.give(claimed.count)
                    self.room.recheck()
                }
                self.channel.send(.claimed(claimed))
                // Only part of the width was granted: there may be more to take.
                if claimed.count == places, places < room { self.channel.send(.wake) }
            } catch {
                await self.room.admission.give(places)
                self.channel.send(.claimFailed)
            }
        }
    }

    private func sendsClaim() { self.isClaimSent = true }

    /// Places for up to `wanted` runs. A lane of child runs has them at once: its parents wait for
    /// them and would wait forever for a place of their own making.
    private func places(_ wanted: Int) async -> Int {
        guard self.channel.row.name.contains("/") else {
            self.placeAwaitedSince = NodeClock.now
            defer { self.placeAwaitedSince = nil }
            return await self.room.admission.take(
                wanted,
                lane: self.channel.row.id,
                priority: self.priority
            )
        }
        await self.room.admission.overdraw(wanted)
        return wanted
    }

    /// - Returns: Whether nothing of these is left.
    func adopt(_ ids: [RunID], _ group: inout DiscardingTaskGroup) async -> Bool {
        let unknown = ids.filter { self.runs[$0] == nil && !self.restarting.contains($0) }
        guard !unknown.isEmpty else { return true }
        let want = ClaimWant(lane: self.channel.row.id, shard: self.channel.shard, room: 0)
        guard let claimed = try? await self.room.writer.adopt(unknown, lanes: [want]) else {
            self.doubt()
            return false
        }
        await self.room.admission.overdraw(claimed.count)
        for run in claimed {
            _ = self.machine.handle(.adopted(run.fence.run))
            self.start(run, &group)
        }
        return true
    }

    private func start(_ claimed: ClaimedRun, _ group: inout DiscardingTaskGroup) {
        if let other = self.runs[claimed.fence.run] {
            // Claimed and adopted at once: the higher claim is the one that can write.
            guard other.claimNumber < claimed.fence.claimNumber else {
                group.addTask { await self.room.admission.give(1) }
                return
            }
            other.abandon()
        }
        let run = RunActor(
            claimed: claimed,
            lane: self.channel.row,
            log: self.channel.log,
            effects: self.effects,
            verdict: self.verdict(claimed),
            room: self.room
        )
        self.runs[claimed.fence.run] = run
        ExecutionMetrics.claims.increment()
        group.addTask {
            let ending = await run.run()
            if await run.holdsPlace { await self.room.admission.give(1) }
            let claim = claimed.fence.claimNumber
            self.channel.send(.ended(claimed.fence.run, claimNumber: claim, ending))
        }
    }

    private func cancel(_ request: RunRequest) async {
        if let run = self.runs[request.fence.run] { return run.cancel(reason: request.reason) }
        // Left alone because nothing of it could be stored: its end is worth a try.
        if self.left.contains(request.fence.run) { return self.room.recheck() }
        // A claim that was sent may bring this run; it then brings the request too.
        guard request.status == .queued, !self.isClaimSent else { return }
        // It never started: the lane itself writes its end.
        let event = RunEvent(
            .runCancelled,
            at: WallClock.milliseconds,
            run: request.fence.run,
            data: .object(["reason": .string(request.reason)])
        )
        let sequence = self.channel.log.nextSequence
        let transition = RunTransition(
            status: .cancelled,
            retryCount: 0,
            failure: request.reason,
            firstSequence: sequence,
            lastSequence: sequence
        )
        do {
            try await self.room.writer.submit(
                [.transition(transition), .event(event)],
                fence: request.fence,
                log: self.channel.log
            )
        } catch {
            self.room.logger.debug("cancel was late", metadata: ["run": "\(request.fence.run)"])
        }
    }

    /// A run whose claim number rose belongs to somebody else: a person had it run again.
    private func check(_ id: RunID) async {
        guard let run = self.runs[id], let row = try? await self.room.store.run(id) else { return }
        if row.claimNumber != run.claimNumber { run.abandon() }
    }
}
