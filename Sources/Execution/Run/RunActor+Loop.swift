// The loop of a run: what it hears goes to the step graph, what the graph says is done.

internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store

extension RunActor {
    func work() async {
        let timeout = self.room.deadlines.set(after: .milliseconds(self.timeLeftMilliseconds)) {
            [mailbox = self.mailbox] in mailbox.send(.timeout)
        }
        defer { self.room.deadlines.remove(timeout) }
        self.holdsServices = self.claimed.hasJournal && self.beginsAtRest
        if self.claimed.hasJournal, !self.holdsServices { await self.restartServices() }
        // What ends the run comes first, or steps would start only to be stopped.
        if let reason = self.claimed.cancelReason {
            self.cancel(reason: reason, isLate: self.claimed.isLate)
        }
        if self.timeLeftMilliseconds <= 0 { self.mailbox.send(.timeout) }
        if let left = self.retryLeft {
            let news = self.news.next
            self.spawn { await $0.awaitRetry(left, news) }
        }
        // Then what keeps it from beginning.
        if self.claimed.pause.by != nil { self.mailbox.send(.pause(self.claimed.pause)) }
        self.mailbox.send(.event(.begin))
        while await self.take(self.mailbox.next()) {}
        self.stopSignal.fire()
        self.stopChildren()
        while let child = self.children.values.first { await child.value }
    }

    /// Does something beside the loop; it ends before the run does.
    ///
    /// It begins on the run's own thread, which a task group's child would have to come to first.
    private func spawn(_ body: @escaping @Sendable (isolated RunActor) async -> Void) {
        self.childCount += 1
        let number = self.childCount
        // SAFETY: kept below until it has ended; `work` ends after the last one.
        self.children[number] = Task {
            await body(self)
            self.children[number] = nil
        }
        if self.stopSignal.isFired { self.children[number]?.cancel() }
    }

    /// Has everything that is under way beside the loop stop.
    func stopChildren() { for child in self.children.values { child.cancel() } }

    /// Begins; `isOver` fires when the run has stopped everything it started.
    ///
    /// - Parameter ended: Called with how it ended, just before.
    func launch(_ ended: @escaping @Sendable (RunEnding) -> Void) {
        // SAFETY: its lane waits for `isOver`, whatever happens to the lane itself.
        Task {
            ended(await self.run())
            self.isOver.fire()
        }
    }

    /// Whether the run was taken over paused, and nothing makes it end all the same.
    private var beginsAtRest: Bool {
        self.claimed.pause.by != nil && self.machine.isStoppable
            && self.claimed.cancelReason == nil && self.timeLeftMilliseconds > 0
    }

    var timeLeftMilliseconds: Int64 {
        self.plan.timeoutMilliseconds - self.claimed.ageMilliseconds
    }

    /// Takes one message.
    ///
    /// - Returns: False when the run is over.
    private func take(_ message: Message) async -> Bool {
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
        case .late(let reason):
            if self.machine.isStoppable { self.failure = reason }
            event = .timeout
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
        case .leaseOver: return true
        case .waits: return await self.takeWaits()
        }
        do {
            let actions = try self.machine.handle(event, random: self.jitter.next())
            if let end = actions.lastEnd {
                for action in actions { try await self.perform(action, &writes) }
                try await self.end(end, writes)
                return false
            }
            // What led here is on record before anything follows from it.
            if !writes.isEmpty { try await self.submit(writes) }
            writes = []
            for action in actions { try await self.perform(action, &writes) }
            if !writes.isEmpty { try await self.submit(writes) }
            self.settlePlace()
            if !self.waits.isEmpty { try await self.settleWaiting() }
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

    private func takeWaits() async -> Bool {
        do {
            try await self.settleWaiting()
            self.settlePlace()
            return true
        } catch {
            self.letGo(error)
            return false
        }
    }

    /// A run that only waits, for a person, a timer or a child, leaves its place on the node to
    /// others; what it does next is done beyond the limit rather than never.
    private func settlePlace() {
        let isWaiting = self.machine.isWaiting { step in
            !self.plan.steps[step].action.hasEffectsOfItsOwn
        }
        if isWaiting, self.holdsPlace {
            self.holdsPlace = false
            self.room.places.give(1)
        } else if !isWaiting, !self.holdsPlace {
            self.holdsPlace = true
            self.room.places.overdraw(1)
        }
    }

    private func perform(
        _ action: StepGraphMachine.Action,
        _ writes: inout [RunWrite]
    ) async throws {
        switch action {
        case .decide(let step): self.decide(step)
        case .attempt(let step, let number):
            // What was asked to stop has stopped; cleaning up comes after it and is not meant.
            if self.machine.phase == .cleanup, self.stopAttempts.isFired {
                self.stopAttempts = StopSignal()
            }
            self.spawn { await $0.attempt(step, number) }
        case .resolve(let step, let number):
            self.spawn { await $0.resolve(step, number) }
        case .pause(let step, let milliseconds):
            self.emit(
                .stepRetrying,
                step,
                data: .object(["in_ms": .integer(milliseconds)])
            )
            self.spawn { run in
                do {
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    run.mailbox.send(.event(.retryDue(step)))
                } catch {}
            }
        case .pauseRun(let retryCount, let milliseconds):
            let news = self.news.next
            try await self.pauseRun(retryCount, milliseconds)
            self.spawn { await $0.awaitRetry(milliseconds, news) }
        case .settle(let step, let status):
            writes += self.settle(step, status)
        case .stopAttempts: self.stopAttempts.fire()
        case .rollBack(let step):
            self.spawn { await $0.rollBack(step) }
        case .waitForPerson(let step): try await self.waitForPerson(step)
        case .tellSuspended: try await self.rest()
        case .tellUnsuspended: try await self.goOn()
        case .end: break
        }
    }
}

extension [StepGraphMachine.Action] {
    /// The status with which the run ends, if these actions end it.
    fileprivate var lastEnd: RunStatus? {
        for case .end(let status) in self { return status }
        return nil
    }
}
