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
        ClusterMethod("want", isIdempotent: true) { _ = try await $0.want(.nothing) },
        ClusterMethod("forgo", isIdempotent: true) { try await $0.forgo(.nothing) },
    ]

    let channel: LaneChannel
    let session: SessionActor
    let room: Room
    private let effects: ShardGate
    weak let dispatcher: DispatcherActor?
    var machine: LaneMachine
    var runs: [RunID: RunActor] = [:]
    /// Runs that another claim took the place of, until they have stopped.
    private var replaced: [RunActor] = []
    /// What follows when a run crashes.
    var supervision = SupervisionMachine<RunID>()
    /// What runs that were let go intended and never began, until they are taken up again.
    private var unbegun: [RunID: UnbegunIntents] = [:]
    /// Runs that crashed and begin again in a moment: they keep their places.
    var restarting: Set<RunID> = []
    /// Whether it is about to take runs in the places of those that ended.
    var isRefilling = false
    /// Runs of which not even the failure could be stored.
    var left: Set<RunID> = []
    /// How often the lane was told to rest.
    var rests = 0
    /// The last rest's reason, and since when it rests.
    var resting: (reason: String, since: Duration) = ("", .zero)
    /// Since when it is not certain what is under way.
    private(set) var doubtSince: Duration = NodeClock.now
    private var priority: Int
    /// Who works its runs, those that are taken from now on.
    private(set) var worker: LaneWorker
    /// Workers outside that wait for runs.
    var wishes = WishMachine()
    /// Where workers talk about their runs.
    private var doors: [RunID: WorkerDoorActor] = [:]
    let madeAt = NodeClock.now
    /// Its limits as one text, empty when it has none, and what it waits for because of them.
    var limits: String
    var keys = KeysMachine()
    var rateWait = RateWait()
    /// When it was last told something.
    private var busyAt = NodeClock.now

    init(
        _ channel: LaneChannel,
        isAdopting: Bool,
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
        var machine = LaneMachine(width: channel.row.width)
        // Whoever calls it before it has taken over what is under way must not make it take more.
        if isAdopting { _ = machine.handle(.doubt) }
        self.machine = machine
        self.priority = channel.row.priority
        self.worker = channel.row.worker
        self.limits = channel.row.settings.limits
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
        guard self.machine.isIdle, self.runs.isEmpty, self.restarting.isEmpty,
            !self.channel.isClaiming,
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
                self.channel.isBusy = !self.machine.isIdle
            }
            // Cancelled: the runs stop where they are and write nothing more.
            let left = Array(self.runs.values) + self.replaced
            for run in left { run.abandon() }
            for run in left { await run.isOver.waitToTheEnd() }
        }
    }

    private func take(_ message: LaneMessage, _ group: inout DiscardingTaskGroup) async {
        self.busyAt = NodeClock.now
        switch message {
        case .wake:
            self.claim(self.machine.handle(.wake))
            // A person's answer puts a parked run back into the queue; its notice may be lost.
            for run in self.runs.values where await run.isParked { await self.check(run.id) }
        case .adopt(let ids, let doubts):
            guard await self.adopt(ids), doubts == self.channel.doubts else { return }
            self.claim(self.machine.handle(.settled))
        case .claimed(let claimed):
            self.channel.claims(false)
            for run in claimed { self.start(run) }
            self.claim(self.machine.handle(.claimed(claimed.map(\.fence.run))))
        case .claimedForWorkers(let claimed, let hasMore):
            self.channel.claims(false)
            self.hand(claimed)
            self.claim(self.machine.handle(.claimed(claimed.map(\.fence.run))))
            if hasMore { self.claim(self.machine.handle(.wake)) }
            self.answerImpatient()
        case .claimFailed:
            self.channel.claims(false)
            self.channel.tookNothing()
            _ = self.machine.handle(.claimFailed)
            self.answerImpatient()
            // Whether the claim was committed nobody knows.
            self.doubt()
        case .ended(let id, let claimNumber, let ending):
            // Its successor, claimed meanwhile, has its place now.
            guard let run = self.runs[id], run.claimNumber == claimNumber else {
                return self.replaced.removeAll { $0.id == id && $0.claimNumber == claimNumber }
            }
            self.unbegun[id] = ending == .letGo ? await run.unbegun : nil
            self.runs[id] = nil
            self.doors[id] = nil
            await self.ended(id, ending, &group)
            // A log that lost its shard, or a chunk of it, is no use any more: another lane actor
            // goes on from what is stored.
            if self.channel.log.isLost { self.channel.stopSignal.fire() }
        case .refill: self.refill()
        case .restart(let id): await self.restart(id)
        case .cancel(let request): _ = self.cancel(request)
        case .pause(let pause): self.runs[pause.run]?.pause(pause)
        case .check(let id):
            self.runs[id]?.news.fire()
            // It waits for the database; the mailbox does not wait with it.
            group.addTask { await self.check(id) }
        case .rest(let time, let reason): self.rest(time, reason, &group)
        case .rested(let number):
            // Told to rest again meanwhile: the later rest counts.
            guard number == self.rests else { return }
            self.claim(self.machine.handle(.rested))
        case .configure(let settings): self.configure(settings)
        case .shortened: self.lookAtLimits(&group)
        case .waits(let wait): self.waits(wait)
        case .opened(let number): self.opened(number)
        case .drain: _ = self.machine.handle(.drain)
        case .resume: self.claim(self.machine.handle(.resume))
        }
    }

    private func configure(_ settings: LaneSettings) {
        if settings.priority != self.priority {
            self.priority = settings.priority
            self.room.places.reorder(self.channel.row.id, priority: settings.priority)
        }
        if settings.worker != self.worker {
            self.worker = settings.worker
            self.claim(self.machine.handle(.wake))
        }
        self.configure(limits: settings.limits)
        guard settings.width != self.machine.width else { return }
        self.claim(self.machine.handle(.widthChanged(settings.width)))
    }

    func claim(_ room: Int?) {
        guard let room else { return }
        self.countKeys()
        if self.worker == .external { return self.claimForWorkers(room) }
        let (channel, shared) = (self.channel, self.room)
        // A lane of child runs has its places at once: its parents wait for them and would wait
        // forever for a place of their own making.
        guard !channel.row.name.contains("/") else {
            shared.places.overdraw(room)
            return Self.claim(room, of: room, channel, shared)
        }
        channel.awaitsPlace(since: NodeClock.now)
        shared.places.take(
            room,
            lane: channel.row.id,
            session: channel.row.session,
            priority: self.priority
        ) { places in
            channel.awaitsPlace(since: nil)
            Self.claim(places, of: room, channel, shared)
        }
    }

    /// Asks the writer for runs; the answer comes as a message.
    private static func claim(
        _ places: Int,
        of wanted: Int,
        _ channel: LaneChannel,
        _ room: Room
    ) {
        // The lane may have ended while it waited; another one of its number asks for itself.
        guard !channel.isOver else { return room.places.give(places) }
        let claimsFirst = channel.claimsFirst
        if claimsFirst, channel.waitsForReads() {
            room.places.give(places)
            return channel.send(.claimed([]))
        }
        channel.claims(true)
        let want = channel.want(places)
        let take: @Sendable (Result<[ClaimedRun], StoreError>) -> Void = { answer in
            guard case .success(let runs) = answer else {
                room.places.give(places)
                return channel.send(.claimFailed)
            }
            let taken = channel.took(runs, of: places, want)
            let claimed = taken.runs
            room.places.give(places - claimed.count)
            if channel.isOver, !claimed.isEmpty {
                // A lane that has ended meanwhile works on nothing: its next owner adopts them,
                // which may be this very node.
                room.places.give(claimed.count)
                room.recheck()
            }
            if let lookAt = taken.lookAt { room.fronts.look(at: channel, at: lookAt) }
            channel.send(.claimed(claimed))
            if channel.busy != nil, claimed.count < places { return channel.send(.shortened) }
            // Only part of the width was granted, or not all was looked at: there may be more to take.
            if taken.hasMore || claimed.count == places && places < wanted { channel.send(.wake) }
        }
        if claimsFirst {
            room.writer.claim([want], answer: take)
        } else {
            room.writer.next(want, answer: take)
        }
    }

    /// - Returns: Whether nothing of these is left.
    func adopt(_ ids: [RunID]) async -> Bool {
        let unknown = ids.filter { self.runs[$0] == nil && !self.restarting.contains($0) }
        guard !unknown.isEmpty else { return true }
        let want = ClaimWant(lane: self.channel.row.id, shard: self.channel.shard, room: 0)
        guard let claimed = try? await self.room.writer.adopt(unknown, lanes: [want]),
            let outside = try? await self.beginnings(of: claimed)
        else {
            self.doubt()
            return false
        }
        self.room.places.overdraw(claimed.count - outside.count)
        for run in claimed {
            _ = self.machine.handle(.adopted(run.fence.run))
            self.start(run, outside[run.fence.run])
        }
        self.countKeys()
        return true
    }

    /// Has a run worked on: here, or where `outside` says.
    func start(_ claimed: ClaimedRun, _ outside: OutsideBeginning? = nil) {
        self.keys.note(claimed.fence.run, key: QueueKey(claimed.key))
        if let other = self.runs[claimed.fence.run] {
            // Claimed and adopted at once: the higher claim is the one that can write.
            guard other.claimNumber < claimed.fence.claimNumber else {
                if outside == nil { self.room.places.give(1) }
                return
            }
            other.abandon()
            self.replaced.append(other)
        }
        let run = RunActor(
            claimed: claimed,
            channel: self.channel,
            effects: self.effects,
            verdict: self.verdict(claimed),
            outside: outside,
            neverBegun: self.unbegun.removeValue(forKey: claimed.fence.run)?
                .after(claimNumber: claimed.fence.claimNumber) ?? [],
            room: self.room
        )
        self.runs[claimed.fence.run] = run
        if outside != nil {
            self.doors[claimed.fence.run] = self.actorSystem.host(
                .number(claimed.fence.run.number),
                shard: self.channel.row.shard
            ) { WorkerDoorActor(run, actorSystem: $0) }
        }
        ExecutionMetrics.claims.increment()
        if claimed.fence.claimNumber == 1 {
            ExecutionMetrics.claimWait.recordMicroseconds(claimed.waitMicroseconds)
        }
        let (channel, fence) = (self.channel, claimed.fence)
        channel.queue.submit {
            run.assumeIsolated { run in
                run.launch { ending in
                    channel.send(.ended(fence.run, claimNumber: fence.claimNumber, ending))
                }
            }
        }
    }

    /// A run whose claim number rose belongs to somebody else: a person had it run again.
    private func check(_ id: RunID) async {
        guard let run = self.runs[id], let row = try? await self.room.store.run(id) else { return }
        // Lower than its own as long as its claim is not stored.
        if row.claimNumber > run.claimNumber { run.abandon() }
    }
}
