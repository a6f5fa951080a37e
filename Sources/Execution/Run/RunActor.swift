// Executes one run: feeds the step graph, does what it says, writes down every result.

internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

/// A run under way.
///
/// Owner: LaneActor. Runs on: its lane's ``WorkQueue``. Ends: terminal status, a lost claim, or when
/// it is abandoned; then it has stopped every process it started.
actor RunActor {
    /// What the run's loop hears.
    enum Message: Sendable {
        /// The graph moves on.
        case event(StepGraphMachine.Event)
        /// The last open step ended: its writes go with whatever follows from it.
        case lastEnded(Int, StepGraphMachine.AttemptEnd, [RunWrite])
        case cancel(String)
        /// Its deadline has passed.
        case late(String)
        case pause(RunPause)
        case timeout
        /// What a step waits for changed.
        case waits
        /// A worker's lease may be over.
        case leaseOver
        /// The right to work on the run is gone.
        case abandon
    }

    nonisolated let id: RunID
    nonisolated let claimNumber: Int64
    let claimed: ClaimedRun
    let lane: LaneRow
    let log: LaneLog
    private nonisolated let channel: LaneChannel
    private nonisolated let queue: WorkQueue
    let effects: ShardGate
    /// Why the run is only to fail; `nil` when it is to be worked on.
    private let verdict: String?
    /// How it came to a worker outside; `nil` when it is worked here.
    let outside: OutsideBeginning?
    /// The worker outside that has it.
    var outsideClaim: OutsideClaim?
    /// Whether its handover knows what becomes of it.
    var hasOffered = false
    let room: Room
    /// Why the run cannot go on, by what the database says.
    var crash: String?
    let stopSignal = StopSignal()
    /// Fired when nothing of the run is left.
    nonisolated let isOver = StopSignal()
    var loop: Task<Void, Never>?
    /// What is under way beside the loop.
    var children: [Int: Task<Void, Never>] = [:]
    var childCount = 0
    var prepared = PreparedPlan.none
    var plan: Plan { self.prepared.plan }
    var machine = PreparedPlan.none.graph
    var inputs: [String: JSONValue] = [:]
    var workspace = ""
    var views: [String: EvaluationScope.StepView] = [:]
    var journal: [JournalRow] = []
    /// Attempts whose intent is or may be in the journal and which never began, those of earlier claims too.
    private(set) var intended: Set<Intent>
    /// Those of earlier claims.
    let neverBegun: Set<Intent>
    var services: [String: BackgroundProcess] = [:]
    var scratch: ScratchDatabase?
    var failure: String?
    var isRunning = false
    /// Whether the run takes up one of the node's places.
    var holdsPlace: Bool
    /// What was heard last about going on.
    var lastPause: RunPause?
    /// Services wait for a run that was taken over at rest to go on.
    var holdsServices = false
    /// What steps wait for from outside, by step.
    var waits: [Int: String] = [:]
    /// What others were told that the run waits for; `nil` while they see it running.
    var toldWait: String?
    /// Fired when something came from outside.
    nonisolated let news = WaitNews()
    /// How long until the next attempt of a run that was taken over before it; `nil` for no wait.
    var retryLeft: Int64?
    /// Whether the run may have rows in the step journal.
    var hasJournal: Bool
    /// Whether the run's end is on record.
    var hasEnded = false
    /// Where its events begin; `nil` until they are stored with its claim.
    private(set) var firstSequence: Int64?
    /// As long as the run's claim is not stored the version of its row for which it is: the first write
    /// stores it. Until then nothing happens that anybody could see.
    private var version: RunVersion?
    /// Those who wait until the first write has ended, while one is under way.
    private var afterFirst: [CheckedContinuation<Void, Never>]?
    /// Why the claim could not be stored.
    private var refusal: StoreError?
    /// Events that tell of the run's beginning and are stored with its claim.
    private var untold: [RunWrite] = []
    nonisolated let mailbox = Mailbox<Message>()
    var jitter: Jitter

    init(
        claimed: ClaimedRun,
        channel: LaneChannel,
        effects: ShardGate,
        verdict: String?,
        outside: OutsideBeginning?,
        neverBegun: Set<Intent>,
        room: Room
    ) {
        self.id = claimed.fence.run
        self.claimNumber = claimed.fence.claimNumber
        self.jitter = Jitter(run: claimed.fence.run, claimNumber: claimed.fence.claimNumber)
        self.claimed = claimed
        self.hasJournal = claimed.hasJournal
        self.version = claimed.version
        self.channel = channel
        self.lane = channel.row
        self.log = channel.log
        self.queue = channel.queue
        self.effects = effects
        self.verdict = verdict
        self.outside = outside
        self.intended = neverBegun
        self.neverBegun = neverBegun
        self.holdsPlace = outside == nil
        self.room = room
    }

    /// The thread of its lane, so that nothing that a run does travels between cores.
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.queue.asUnownedSerialExecutor()
    }

    /// Asks for the run's end; one whose deadline has passed times out.
    nonisolated func cancel(reason: String, isLate: Bool) {
        self.mailbox.send(isLate ? .late(reason) : .cancel(reason))
    }

    /// Has the run stop at its next step, or go on.
    nonisolated func pause(_ pause: RunPause) { self.mailbox.send(.pause(pause)) }

    /// Stops the work and writes nothing more.
    nonisolated func abandon() {
        self.mailbox.send(.abandon)
        self.stopSignal.fire()
        self.queue.submit {
            self.assumeIsolated { run in
                run.loop?.cancel()
                run.stopChildren()
            }
        }
    }

    /// Whether the run waits for a person and nothing of it is under way.
    var isParked: Bool { self.machine.isAsking }

    /// Works until the run has ended or is lost.
    ///
    /// - Returns: How it ended.
    func run() async -> RunEnding {
        do {
            try await self.prepare()
            if let verdict = self.verdict {
                await self.endWithout(verdict)
            } else {
                // SAFETY: awaited at once; a task of its own so that letting go reaches what runs even
                // while the loop waits for a commit.
                let work = Task { await self.workSomewhere() }
                self.loop = work
                if self.stopSignal.isFired { work.cancel() }
                await work.value
            }
        } catch let error as StoreError {
            self.letGo(error)
        } catch {
            await self.endWithout("\(error)")
        }
        self.stopSignal.fire()
        await self.leaveHandover()
        for service in self.services.values { await service.stop() }
        if self.holdsPlace { self.room.places.give(1) }
        if self.hasEnded { return .ended }
        return self.crash.map { .crashed(reason: $0) } ?? .letGo
    }

    /// Stops the attempts under way, not the run: rollback and cleanup go on.
    var stopAttempts = StopSignal()

    /// Writes about the run, together with the events that wait.
    func submit(_ writes: [RunWrite]) async throws(StoreError) {
        if writes.contains(where: \.isJournal) { self.hasJournal = true }
        while self.afterFirst != nil {
            await withCheckedContinuation { self.afterFirst?.append($0) }
        }
        if let version = self.version { return try await self.submitFirst(writes, version) }
        try await self.room.writer.submit(writes, fence: self.claimed.fence, log: self.log)
    }

    /// Writes what stores the run's claim too; whoever else writes waits for it, and fails with it.
    private func submitFirst(
        _ writes: [RunWrite],
        _ version: RunVersion
    ) async throws(StoreError) {
        if let refusal = self.refusal { throw refusal }
        self.afterFirst = []
        defer {
            let waiting = self.afterFirst ?? []
            self.afterFirst = nil
            for waiter in waiting { waiter.resume() }
        }
        let (untold, begin) = (self.untold, self.log.nextSequence)
        self.untold = []
        do {
            try await self.room.writer.submit(
                untold + writes,
                fence: self.claimed.fence,
                log: self.log,
                version: version
            )
        } catch {
            if error.code == .server {
                // Its events are in the log, and the next write may be one that the database takes.
                self.version?.firstSequence = version.firstSequence ?? begin
            } else {
                self.refusal = error
            }
            throw error
        }
        self.version = nil
        self.channel.settled(self.id)
        for case .event(let event) in self.untold { self.log.append(event) }
        self.untold = []
    }

    /// What is left to whoever goes on with the run; `nil` for nothing.
    var unbegun: UnbegunIntents? {
        self.intended.isEmpty
            ? nil : UnbegunIntents(self.intended, claimNumber: self.claimNumber)
    }

    /// Stores that an attempt is about to begin; whoever begins it says so by ``begins(_:)``.
    func intend(_ record: StepRecord, _ writes: [RunWrite] = []) async throws(StoreError) {
        self.intended.insert(Intent(record))
        try await self.submit(writes + [.journal(record)])
    }

    /// Whether an attempt may begin now that its intent is stored. One of a run that was let go meanwhile
    /// never does: others may have the run by then.
    func begins(_ record: StepRecord) -> Bool {
        guard !Task.isCancelled, !self.stopSignal.isFired else { return false }
        self.forget(record)
        return true
    }

    /// It is no intent any more: it begins, or its result is on record.
    func forget(_ record: StepRecord) {
        if !self.intended.isEmpty { self.intended.remove(Intent(record)) }
    }

    /// Has the run claimed before something takes time, or can be seen outside.
    func claim() async throws(StoreError) { if self.version != nil { try await self.submit([]) } }

    /// Appends an event to the lane's log, to be stored with the next commit whatever it is, but not
    /// before the run's claim; what tells of a result is written with it instead, see
    /// ``tell(_:step:attempt:data:)``.
    func emit(
        _ kind: RunEvent.Kind,
        step: String? = nil,
        attempt: Int? = nil,
        data: JSONValue? = nil
    ) {
        let event = self.event(kind, step: step, attempt: attempt, data: data)
        if self.version == nil { self.log.append(event) } else { self.untold.append(.event(event)) }
    }

    /// Appends an event of what only a claimed run does.
    nonisolated func append(
        _ kind: RunEvent.Kind,
        step: String,
        attempt: Int,
        data: JSONValue
    ) {
        self.log.append(self.event(kind, step: step, attempt: attempt, data: data))
    }

    /// An event that is stored if and only if the writes beside it are.
    nonisolated func tell(
        _ kind: RunEvent.Kind,
        step: String? = nil,
        attempt: Int? = nil,
        data: JSONValue? = nil
    ) -> RunWrite {
        .event(self.event(kind, step: step, attempt: attempt, data: data))
    }

    private nonisolated func event(
        _ kind: RunEvent.Kind,
        step: String?,
        attempt: Int?,
        data: JSONValue?
    ) -> RunEvent {
        RunEvent(
            kind,
            at: WallClock.milliseconds,
            run: self.id,
            step: step,
            attempt: attempt,
            data: data
        )
    }

    func emit(_ kind: RunEvent.Kind, _ step: Int, data: JSONValue? = nil) {
        self.emit(
            kind,
            step: self.plan.steps[step].id,
            attempt: self.machine.attempts(of: step),
            data: data
        )
    }

    /// Ends the work without writing: whoever has the claim goes on from the journal. When nobody
    /// took it but the database failed, that is this node, later.
    func letGo(_ error: StoreError) {
        self.room.logger.notice(
            "run let go",
            metadata: ["run": "\(self.id)", "reason": "\(error.message)"]
        )
        self.abandon()
        guard error.code != .stale, error.code != .cancelled else { return }
        if error.isTransient { return self.room.recheck() }
        self.crash = error.message
    }

    func begin() {
        self.firstSequence =
            self.claimed.firstSequence ?? (self.version == nil ? self.log.nextSequence : nil)
        var data: [String: JSONValue] = [
            "plan": .string(self.plan.name), "attempt": .integer(Int64(self.claimed.attempt)),
            "claim": .integer(self.claimNumber), "node": .string(self.room.configuration.nodeName),
        ]
        data["retry"] = .integer(Int64(self.claimed.retryCount))
        if case .handing(let handover) = self.outside { data["worker"] = .string(handover.worker) }
        let isResumed = self.claimed.hasJournal || self.claimed.firstSequence != nil
        self.emit(isResumed ? .runResumed : .runStarted, data: .object(data))
    }
}
