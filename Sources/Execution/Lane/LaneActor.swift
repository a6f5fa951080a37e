// Works one lane: claims its runs in order, as many as its width, and supervises them.

internal import Cluster
internal import Logging
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store
internal import Synchronization

/// A lane on its owner.
///
/// Owner: DispatcherActor. Runs on: default pool. Ends: cancellation, or the loss of its shard;
/// its runs are its children and end before it does.
actor LaneActor {
    /// What the lane is told.
    enum Message: Sendable {
        /// There may be queued runs.
        case wake
        /// Take over these runs. With them the lane has all that was under way when it had so many
        /// doubts; `nil` when more will come.
        case adopt([RunID], doubts: Int?)
        /// Runs were claimed.
        case claimed([ClaimedRun])
        case claimFailed
        /// A run ended, or was let go before its end.
        case ended(RunID, claimNumber: Int64, isLetGo: Bool)
        /// Somebody wants this run to end.
        case cancel(RunRequest)
        /// Whether this run, if it is under way here, is to go on.
        case pause(RunPause)
        /// Somebody else may have taken this run over: look.
        case check(RunID)
        /// The lane's settings as they are now.
        case configure(LaneSettings)
        /// Take no more runs.
        case drain
        /// Take runs again.
        case resume
    }

    nonisolated let row: LaneRow
    nonisolated let log: LaneLog
    private let shard: OwnedShard
    private let effects: ShardGate
    private let room: Room
    private var machine: LaneMachine
    private var priority: Int
    private var runs: [RunID: RunActor] = [:]
    private var isClaimSent = false
    /// When it was last told something.
    private var busyAt = NodeClock.now
    private nonisolated let inbox: AsyncStream<Message>
    private nonisolated let mailbox: AsyncStream<Message>.Continuation
    private nonisolated let stopSignal = StopSignal()
    /// How often it became unknown what is under way.
    private nonisolated let doubtCount = Atomic<Int>(0)

    init(row: LaneRow, shard: OwnedShard, effects: ShardGate, room: Room) {
        self.row = row
        self.shard = shard
        self.effects = effects
        self.room = room
        self.machine = LaneMachine(width: row.width)
        self.priority = row.priority
        self.log = LaneLog(lane: row.id, shard: shard, nextSequence: row.nextSequence)
        // Unbounded on purpose: its writers are the lane's own runs and the node's poll, whose
        // messages are ids; dropping an `ended` would leak a place.
        (self.inbox, self.mailbox) = AsyncStream.makeStream()
    }

    nonisolated func send(_ message: Message) { self.mailbox.yield(message) }

    /// Ends the lane without writing: its shard belongs to somebody else.
    nonisolated func lose() { self.stopSignal.fire() }

    /// How often the lane lost sight of what is under way; see ``Message/adopt(_:doubts:)``.
    nonisolated var doubts: Int { self.doubtCount.load(ordering: .acquiring) }

    /// Takes no new runs until somebody has looked for those that may be under way.
    private func doubt() {
        self.doubtCount.add(1, ordering: .releasing)
        _ = self.machine.handle(.doubt)
        self.room.recheck()
    }

    /// Whether the lane has ended or is about to.
    nonisolated var isOver: Bool { self.stopSignal.isFired }

    /// Ends the lane if it had nothing to do for a while.
    ///
    /// - Parameter time: How long.
    /// - Returns: Whether it ends.
    func retire(idleFor time: Duration) -> Bool {
        guard self.machine.isIdle, self.runs.isEmpty, !self.isClaimSent,
            NodeClock.now - self.busyAt >= time
        else { return false }
        _ = self.machine.handle(.drain)
        self.stopSignal.fire()
        return true
    }

    /// Lets go of all runs at once, whatever the mailbox is waiting for.
    func stopRuns() { for run in self.runs.values { run.abandon() } }

    /// Works until cancelled or lost.
    func run() async {
        await self.stopSignal.stopping { await self.work() }
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            for await message in self.inbox {
                await self.take(message, &group)
            }
            // Cancelled: the runs stop where they are and write nothing more.
            for run in self.runs.values { run.abandon() }
        }
    }

    private func take(_ message: Message, _ group: inout DiscardingTaskGroup) async {
        self.busyAt = NodeClock.now
        switch message {
        case .wake:
            self.claim(self.machine.handle(.wake), &group)
            // A person's answer puts a parked run back into the queue; its notice may be lost.
            for run in self.runs.values where await run.isParked { await self.check(run.id) }
        case .adopt(let ids, let doubts):
            guard await self.adopt(ids, &group), doubts == self.doubts else { return }
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
        case .ended(let id, let claimNumber, let isLetGo):
            // Its successor, claimed meanwhile, has its place now.
            guard self.runs[id]?.claimNumber == claimNumber else { return }
            self.runs[id] = nil
            // It is under way as far as the database knows, and comes before those behind it.
            // Whoever looked for runs that nobody works on while it was ending saw it here.
            if isLetGo, !Task.isCancelled, !self.room.refusals.isOver(id) { self.doubt() }
            self.claim(self.machine.handle(.ended(id)), &group)
            // A log that lost its shard, or a chunk of it, is no use any more: another lane actor
            // goes on from what is stored.
            if self.log.isLost { self.stopSignal.fire() }
        // These wait for the database; the mailbox does not wait with them.
        case .cancel(let request): group.addTask { await self.cancel(request) }
        case .pause(let pause): self.runs[pause.run]?.pause(pause)
        case .check(let id): group.addTask { await self.check(id) }
        case .configure(let settings):
            if settings.priority != self.priority {
                self.priority = settings.priority
                await self.room.admission.reorder(self.row.id, priority: settings.priority)
            }
            guard settings.width != self.machine.width else { return }
            self.claim(self.machine.handle(.widthChanged(settings.width)), &group)
        case .drain: _ = self.machine.handle(.drain)
        case .resume: self.claim(self.machine.handle(.resume), &group)
        }
    }

    private func claim(_ room: Int?, _ group: inout DiscardingTaskGroup) {
        guard let room else { return }
        group.addTask {
            let places = await self.places(room)
            guard places > 0 else { return }
            await self.sendsClaim()
            let want = ClaimWant(lane: self.row.id, shard: self.shard, room: places)
            do {
                let claimed = try await self.room.writer.claim([want])
                await self.room.admission.give(places - claimed.count)
                if self.isOver, !claimed.isEmpty {
                    // A lane that has ended meanwhile works on nothing: its next owner adopts them,
                    // which may be this very node.
                    await self.room.admission.give(claimed.count)
                    self.room.recheck()
                }
                self.send(.claimed(claimed))
                // Only part of the width was granted: there may be more to take.
                if claimed.count == places, places < room { self.send(.wake) }
            } catch {
                await self.room.admission.give(places)
                self.send(.claimFailed)
            }
        }
    }

    private func sendsClaim() { self.isClaimSent = true }

    /// Places for up to `wanted` runs. A lane of child runs has them at once: its parents wait for
    /// them and would wait forever for a place of their own making.
    private func places(_ wanted: Int) async -> Int {
        guard self.row.name.contains("/") else {
            return await self.room.admission.take(
                wanted,
                lane: self.row.id,
                priority: self.priority
            )
        }
        await self.room.admission.overdraw(wanted)
        return wanted
    }

    /// - Returns: Whether nothing of these is left.
    private func adopt(_ ids: [RunID], _ group: inout DiscardingTaskGroup) async -> Bool {
        let unknown = ids.filter { self.runs[$0] == nil }
        guard !unknown.isEmpty else { return true }
        let want = ClaimWant(lane: self.row.id, shard: self.shard, room: 0)
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
            lane: self.row,
            log: self.log,
            effects: self.effects,
            room: self.room
        )
        self.runs[claimed.fence.run] = run
        ExecutionMetrics.claims.increment()
        group.addTask {
            let isLetGo = await run.run()
            if await run.holdsPlace { await self.room.admission.give(1) }
            self.send(
                .ended(
                    claimed.fence.run,
                    claimNumber: claimed.fence.claimNumber,
                    isLetGo: isLetGo
                )
            )
        }
    }

    private func cancel(_ request: RunRequest) async {
        if let run = self.runs[request.fence.run] { return run.cancel(reason: request.reason) }
        // Left alone because nothing of it could be stored: its end is worth a try.
        if self.room.refusals.isOver(request.fence.run) { return self.room.recheck() }
        // A claim that was sent may bring this run; it then brings the request too.
        guard request.status == .queued, !self.isClaimSent else { return }
        // It never started: the lane itself writes its end.
        let event = RunEvent(
            .runCancelled,
            at: WallClock.milliseconds,
            run: request.fence.run,
            data: .object(["reason": .string(request.reason)])
        )
        let sequence = self.log.nextSequence
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
                log: self.log
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
