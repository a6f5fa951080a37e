// Executes one run: feeds the step graph, does what it says, writes down every result.

internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

/// A run under way.
///
/// Owner: LaneActor. Runs on: default pool. Ends: terminal status, a lost claim, or cancellation of
/// its task; then it has stopped every process it started.
actor RunActor {
    /// What the run's loop hears.
    enum Message: Sendable {
        /// The graph moves on.
        case event(StepGraphMachine.Event)
        /// The last open step ended: its writes go with whatever follows from it.
        case lastEnded(Int, StepGraphMachine.AttemptEnd, [RunWrite])
        case cancel(String)
        case pause(RunPause)
        case timeout
        /// The right to work on the run is gone.
        case abandon
    }

    nonisolated let id: RunID
    nonisolated let claimNumber: Int64
    let claimed: ClaimedRun
    let lane: LaneRow
    let log: LaneLog
    let effects: ShardGate
    /// Why the run is only to fail; `nil` when it is to be worked on.
    private let verdict: String?
    let room: Room
    /// Why the run cannot go on, by what the database says.
    private var crash: String?
    let stopSignal = StopSignal()
    var prepared = PreparedPlan(Plan(name: ""))
    var plan = Plan(name: "")
    var machine = StepGraphMachine(plan: Plan(name: ""))
    var inputs: [String: JSONValue] = [:]
    var workspace = ""
    var views: [String: EvaluationScope.StepView] = [:]
    var journal: [JournalRow] = []
    var services: [String: BackgroundProcess] = [:]
    var scratch: ScratchDatabase?
    var failure: String?
    var isRunning = false
    /// Whether the run takes up one of the node's places.
    private(set) var holdsPlace = true
    /// What was heard last about going on.
    var lastPause: RunPause?
    /// Services wait for a run that was taken over at rest to go on.
    var holdsServices = false
    /// Whether the run's end is on record.
    var hasEnded = false
    private(set) var firstSequence: Int64 = 0
    nonisolated let inbox: AsyncStream<Message>
    nonisolated let mailbox: AsyncStream<Message>.Continuation

    init(
        claimed: ClaimedRun,
        lane: LaneRow,
        log: LaneLog,
        effects: ShardGate,
        verdict: String?,
        room: Room
    ) {
        self.id = claimed.fence.run
        self.claimNumber = claimed.fence.claimNumber
        self.claimed = claimed
        self.lane = lane
        self.log = log
        self.effects = effects
        self.verdict = verdict
        self.room = room
        // Bounded by the plan: each step has at most one message under way.
        (self.inbox, self.mailbox) = AsyncStream.makeStream()
    }

    /// Asks for the run's end.
    nonisolated func cancel(reason: String) { self.mailbox.yield(.cancel(reason)) }

    /// Has the run stop at its next step, or go on.
    nonisolated func pause(_ pause: RunPause) { self.mailbox.yield(.pause(pause)) }

    /// Stops the work and writes nothing more.
    nonisolated func abandon() {
        self.mailbox.yield(.abandon)
        self.stopSignal.fire()
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
                // Letting go reaches what runs even while this loop waits for a commit.
                await self.stopSignal.stopping { await self.work() }
            }
        } catch let error as StoreError {
            self.letGo(error)
        } catch {
            await self.endWithout("\(error)")
        }
        self.stopSignal.fire()
        for service in self.services.values { await service.stop() }
        if self.hasEnded { return .ended }
        return self.crash.map { .crashed(reason: $0) } ?? .letGo
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            self.startTimers(&group)
            self.holdsServices = self.claimed.hasJournal && self.beginsAtRest
            if self.claimed.hasJournal, !self.holdsServices { await self.restartServices() }
            // What ends the run comes first, or steps would start only to be stopped.
            if let reason = self.claimed.cancelReason { self.mailbox.yield(.cancel(reason)) }
            if self.timeLeftMilliseconds <= 0 { self.mailbox.yield(.timeout) }
            // Then what keeps it from beginning.
            if self.claimed.pause.by != nil { self.mailbox.yield(.pause(self.claimed.pause)) }
            self.mailbox.yield(.event(.begin))
            for await message in self.inbox {
                guard await self.take(message, &group) else { break }
            }
            self.stopSignal.fire()
            group.cancelAll()
        }
    }

    /// Whether the run was taken over paused, and nothing makes it end all the same.
    private var beginsAtRest: Bool {
        self.claimed.pause.by != nil && self.machine.isStoppable
            && self.claimed.cancelReason == nil && self.timeLeftMilliseconds > 0
    }

    private var timeLeftMilliseconds: Int64 {
        self.plan.timeoutMilliseconds - self.claimed.ageMilliseconds
    }

    private func startTimers(_ group: inout DiscardingTaskGroup) {
        let left = self.timeLeftMilliseconds
        group.addTask {
            do {
                try await Task.sleep(for: .milliseconds(max(0, left)))
                self.mailbox.yield(.timeout)
            } catch {}
        }
    }

    /// Takes one message.
    ///
    /// - Returns: False when the run is over.
    private func take(_ message: Message, _ group: inout DiscardingTaskGroup) async -> Bool {
        var writes: [RunWrite] = []
        let event: StepGraphMachine.Event
        defer { if case .lastEnded = message { self.effects.leave() } }
        switch message {
        case .event(let next): event = next
        case .lastEnded(let step, let end, let carried):
            writes = carried
            event = .ended(step, end)
        case .cancel(let reason):
            // Once the run rolls back or cleans up, the reason for that stands.
            if self.machine.isStoppable { self.failure = reason }
            event = .cancel
        case .timeout:
            let limit = Duration.milliseconds(self.plan.timeoutMilliseconds)
            if self.machine.isStoppable {
                self.failure = "the run took longer than its timeout of \(limit)"
            }
            event = .timeout
        case .pause(let pause):
            // Heard twice, or out of order.
            guard pause.number > self.lastPause?.number ?? 0 else { return true }
            self.lastPause = pause
            event = pause.by == nil ? .unsuspend : .suspend
        case .abandon: return false
        }
        do {
            let actions = try self.machine.handle(event, random: Double.random(in: 0..<1))
            if let end = actions.lastEnd {
                for action in actions { try await self.perform(action, &group, &writes) }
                try await self.end(end, writes)
                return false
            }
            // What led here is on record before anything follows from it.
            if !writes.isEmpty { try await self.submit(writes) }
            writes = []
            for action in actions { try await self.perform(action, &group, &writes) }
            if !writes.isEmpty { try await self.submit(writes) }
            await self.settlePlace()
            return true
        } catch let error as StoreError {
            guard error.code == .server else {
                self.letGo(error)
                return false
            }
            // The database takes anything but this: the run fails alone, with its reason.
            await self.endWithout("its result cannot be stored: \(error.message)")
            return false
        } catch {
            // A bug of this run's state stays with this run.
            self.room.logger.error(
                "run isolated",
                metadata: ["run": "\(self.id)", "reason": "\(error)"]
            )
            self.failure = "internal error: \(error)"
            try? await self.end(.failed, [])
            return false
        }
    }

    /// A run that only waits, for a person, a timer or a child, leaves its place on the node to
    /// others; what it does next is done beyond the limit rather than never.
    private func settlePlace() async {
        let isWaiting = self.machine.isWaiting { step in
            !self.plan.steps[step].action.hasEffectsOfItsOwn
        }
        if isWaiting, self.holdsPlace {
            self.holdsPlace = false
            await self.room.admission.give(1)
        } else if !isWaiting, !self.holdsPlace {
            self.holdsPlace = true
            await self.room.admission.overdraw(1)
        }
    }

    private func perform(
        _ action: StepGraphMachine.Action,
        _ group: inout DiscardingTaskGroup,
        _ writes: inout [RunWrite]
    ) async throws {
        switch action {
        case .decide(let step): self.decide(step)
        case .attempt(let step, let number):
            // What was asked to stop has stopped; cleaning up comes after it and is not meant.
            if self.machine.phase == .cleanup, self.stopAttempts.isFired {
                self.stopAttempts = StopSignal()
            }
            group.addTask { await self.attempt(step, number) }
        case .resolve(let step, let number):
            group.addTask { await self.resolve(step, number) }
        case .pause(let step, let milliseconds):
            self.emit(
                .stepRetrying,
                step,
                data: .object(["in_ms": .integer(milliseconds)])
            )
            group.addTask {
                do {
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    self.mailbox.yield(.event(.retryDue(step)))
                } catch {}
            }
        case .pauseRun(let retryCount, let milliseconds):
            try await self.pauseRun(retryCount, milliseconds)
            group.addTask {
                do {
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    self.mailbox.yield(.event(.runRetryDue))
                } catch {}
            }
        case .settle(let step, let status):
            writes += self.settle(step, status)
        case .stopAttempts: self.stopAttempts.fire()
        case .rollBack(let step):
            group.addTask { await self.rollBack(step) }
        case .waitForPerson(let step): try await self.waitForPerson(step)
        case .tellSuspended: try await self.rest()
        case .tellUnsuspended: try await self.goOn()
        case .end: break
        }
    }

    /// Stops the attempts under way, not the run: rollback and cleanup go on.
    var stopAttempts = StopSignal()

    /// Writes about the run, together with the events that wait.
    func submit(_ writes: [RunWrite]) async throws(StoreError) {
        try await self.room.writer.submit(writes, fence: self.claimed.fence, log: self.log)
    }

    /// Appends an event to the lane's log, to be stored with the next commit whatever it is; what
    /// tells of a result is written with it instead, see ``tell(_:step:attempt:data:)``.
    nonisolated func emit(
        _ kind: RunEvent.Kind,
        step: String? = nil,
        attempt: Int? = nil,
        data: JSONValue? = nil
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
        self.firstSequence = self.claimed.firstSequence ?? self.log.nextSequence
        var data: [String: JSONValue] = [
            "plan": .string(self.plan.name), "attempt": .integer(Int64(self.claimed.attempt)),
            "claim": .integer(self.claimNumber), "node": .string(self.room.configuration.nodeName),
        ]
        data["retry"] = .integer(Int64(self.claimed.retryCount))
        let isResumed = self.claimed.hasJournal || self.claimed.firstSequence != nil
        self.emit(isResumed ? .runResumed : .runStarted, data: .object(data))
    }
}

extension [StepGraphMachine.Action] {
    /// The status with which the run ends, if these actions end it.
    fileprivate var lastEnd: RunStatus? {
        for case .end(let status) in self { return status }
        return nil
    }
}
