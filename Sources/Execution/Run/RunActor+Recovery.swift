// What happens to an attempt that a crash cut off, and how steps are undone.

internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

extension RunActor {
    /// Applies the effects rule to an attempt whose node died: without effects or idempotent it is
    /// made again, else its verifiers say whether it happened, else a person must.
    func resolve(_ step: Int, _ number: Int) async {
        let definition = self.plan.steps[step]
        let record = StepRecord(step: definition.id, attempt: number, state: .unknown)
        switch definition.action {
        case .fanOut, .run, .sleep:
            // These look up themselves how far they came.
            return await self.again(
                step,
                record,
                "its node died meanwhile; it goes on where it was"
            )
        case .wait(let wait): return await self.wait(step, number, wait, isResumed: true)
        case .shell, .http, .sql: break
        }
        if definition.effects != .destructive {
            let why =
                "its node died meanwhile; effects: \(definition.effects.rawValue) allows it to be "
                + "made again"
            return await self.again(step, record, why)
        }
        if self.neverBegun.contains(Intent(record)) {
            return await self.again(step, record, "its node lost its lease before it began")
        }
        guard !definition.verify.isEmpty else { return await self.conclude(step, record, []) }
        await self.resolveByVerifiers(step, record, definition)
    }

    private func again(_ step: Int, _ record: StepRecord, _ why: String) async {
        var record = record
        record.failure = why
        record.failureKind = .error
        let event = self.tell(
            .stepUnknown,
            step: record.step,
            attempt: record.attempt,
            data: .object(["reason": .string(record.failure ?? "")])
        )
        do {
            try await self.submit([.journal(record), event])
            self.mailbox.send(.event(.ended(step, .again)))
        } catch {
            self.letGo(error)
        }
    }

    private func resolveByVerifiers(
        _ step: Int,
        _ record: StepRecord,
        _ definition: Step
    ) async {
        var record = record
        let call = StepCall(judging: record, of: step, definition)
        record.verifiers = await self.verify(
            definition.verify,
            definition,
            record: record,
            raw: .null,
            call
        )
        if record.verifiers.allSatisfy(\.holds) {
            record.state = .succeeded
            do {
                try self.evaluateOutputs(definition, &record)
            } catch {
                record.state = .unknown
                record.failure = "its verifiers hold, yet \(error.message)"
            }
        } else {
            record.failure =
                "its node died meanwhile and its verifiers do not hold; it may have happened in part"
        }
        await self.conclude(step, record, [])
    }

    /// Undoes one step: its rollback actions in order, each verified.
    func rollBack(_ step: Int) async {
        await self.effects.enter()
        defer { self.effects.leave() }
        if Task.isCancelled { return }
        let definition = self.plan.steps[step]
        self.emit(.runRollingBack, step: definition.id)
        for (index, action) in definition.rollback.enumerated() {
            let key = "\(definition.id)!\(index)"
            let earlier = self.journal.last { $0.record.step == key && !$0.isSuperseded }
            if earlier?.record.state == .succeeded { continue }
            if Task.isCancelled { return }
            guard await self.undo(action, step, key, earlier?.record.attempt ?? 0) else {
                return self.mailbox.send(.event(.rolledBack(step, false)))
            }
        }
        self.mailbox.send(.event(.rolledBack(step, true)))
    }

    /// Performs one rollback action within its retries.
    ///
    /// - Returns: Whether it holds.
    private func undo(
        _ rollback: RollbackAction,
        _ step: Int,
        _ key: String,
        _ attemptsMade: Int
    ) async -> Bool {
        let policy = rollback.retry ?? RetryPolicy(maxAttempts: 1)
        for attempt in 1...max(1, policy.maxAttempts) {
            var record = StepRecord(step: key, attempt: attemptsMade + attempt, state: .intent)
            record.begun = .now
            let call = StepCall(
                step: step,
                number: record.attempt,
                key: key,
                deadline: .now + .milliseconds(rollback.timeoutMilliseconds)
            )
            self.emit(.stepStarted, step: key, attempt: record.attempt)
            do {
                try await self.intend(record)
                guard self.begins(record) else { return false }
                record.state = .succeeded
                let context = self.context(
                    key: key,
                    number: record.attempt,
                    deadline: call.deadline,
                    scope: self.scope(step: step),
                    readOnlySQL: false
                )
                // Not stoppable: an undo that was begun is the way back to safe ground.
                let result = try await self.room.tools.perform(rollback.action, in: context)
                record.result = self.redactor.redact(result.value)
                if let failure = result.failure { throw StepFailure(failure) }
                record.verifiers = await self.room.tools.verify(
                    rollback.verify,
                    action: rollback.action,
                    result: result.value,
                    in: self.verifyContext(context, result.value)
                )
                if let bad = record.verifiers.first(where: { !$0.holds }) {
                    throw StepFailure(verifier: bad, badEnd: result.badEnd)
                }
            } catch let error as StoreError {
                self.letGo(error)
                return false
            } catch let error as ToolFailure {
                record.fail(StepFailure(error), redactor: self.redactor)
            } catch let error as StepFailure {
                record.fail(error, redactor: self.redactor)
            } catch {
                record.fail(StepFailure(.error, "\(error)"), redactor: self.redactor)
            }
            if Task.isCancelled { return false }
            do {
                try await self.submit([.journal(record), self.tellUndo(record)])
            } catch {
                self.letGo(error)
                return false
            }
            if record.state == .succeeded { return true }
            let wait = Backoff.milliseconds(
                after: attempt,
                policy: policy,
                random: self.jitter.next()
            )
            if attempt < policy.maxAttempts { try? await Task.sleep(for: .milliseconds(wait)) }
        }
        return false
    }

    private func verifyContext(_ context: ToolContext, _ result: JSONValue) -> ToolContext {
        var context = context
        context.scope.result = result
        context.readOnlySQL = true
        return context
    }

    private func tellUndo(_ record: StepRecord) -> RunWrite {
        self.tell(
            record.state == .succeeded ? .stepSucceeded : .stepFailed,
            step: record.step,
            attempt: record.attempt,
            data: record.failure.map { .object(["reason": .string($0)]) }
        )
    }
}
