// How one step is decided, tried, judged and recorded.

internal import Logging
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

extension RunActor {
    /// What expressions of this step see; of the run when `step` is `nil`.
    func scope(step: Int?, item: JSONValue? = nil) -> EvaluationScope {
        var run: [String: JSONValue] = [
            "id": .string(self.id.description), "workspace": .string(self.workspace),
            "session": .string(self.lane.session), "lane": .string(self.lane.name),
            "plan": .string(self.plan.name), "attempt": .integer(Int64(self.claimed.attempt)),
        ]
        if let scratch = self.scratch { run["scratch"] = scratch.json }
        let secrets = self.room.configuration.secrets.filter {
            self.plan.secrets.contains($0.key)
        }
        let environment = self.room.configuration.environment.filter {
            self.plan.environment.contains($0.key)
        }
        return EvaluationScope(
            inputs: self.inputs,
            steps: self.views,
            run: .object(run),
            secrets: secrets,
            environment: environment,
            item: item,
            success: step.map { self.machine.needsSucceeded($0) } ?? !self.machine.hasFailure,
            failure: self.machine.hasFailure
        )
    }

    /// Evaluates a step's `if`.
    func decide(_ step: Int) {
        guard let condition = self.plan.steps[step].condition else {
            return self.mailbox.send(.event(.decided(step, true)))
        }
        do throws(ExpressionError) {
            let value = try condition.evaluate(in: self.scope(step: step)).value
            guard case .bool(let isWanted) = value else {
                throw ExpressionError(message: "gives \(value.typeName), not a boolean", offset: 0)
            }
            self.mailbox.send(.event(.decided(step, isWanted)))
        } catch {
            self.noteFailure(step, "its 'if' cannot be decided: \(error.message)")
            self.mailbox.send(.event(.undecidable(step)))
        }
    }

    func noteFailure(_ step: Int, _ reason: String) {
        self.failure = "step '\(self.plan.steps[step].id)' failed: \(reason)"
    }

    /// Makes one attempt of a step and tells the graph how it ended.
    func attempt(_ step: Int, _ number: Int) async {
        let definition = self.plan.steps[step]
        if case .wait(let wait) = definition.action {
            return await self.wait(step, number, wait, isResumed: false)
        }
        // What only waits does not keep a stopping node.
        let isCounted = definition.action.hasEffectsOfItsOwn
        if isCounted { await self.effects.enter() }
        defer { if isCounted { self.effects.leave() } }
        if Task.isCancelled { return }
        self.emit(
            .stepStarted,
            step: definition.id,
            attempt: number,
            data: .object(["kind": .string(definition.action.kind)])
        )
        let deadline = ContinuousClock.now + .milliseconds(definition.timeoutMilliseconds)
        var record = StepRecord(step: definition.id, attempt: number, state: .succeeded)
        record.begun = .now
        var artifacts: [ArtifactRow] = []
        do {
            if definition.leavesIntent {
                record.state = .intent
                try await self.intend(record, self.markRunning())
                record.state = .succeeded
            } else if isCounted, !self.isRunning {
                try await self.submit(self.markRunning())
            } else if !definition.isInstant {
                try await self.claim()
            }
            if self.stopAttempts.isFired { throw StepFailure.stopped }
            try await self.checkPreconditions(definition, number, deadline)
            guard self.begins(record) else { return }
            let action = definition.action
            let call = StepCall(step: step, number: number, key: definition.id, deadline: deadline)
            let result = try await self.perform(action, definition, call)
            record.result = self.redactor.redact(result.value)
            if let failure = result.failure { throw StepFailure(failure) }
            try self.snooze(definition, result)
            try self.evaluateOutputs(definition, &record)
            record.verifiers = await self.verify(
                definition.verify,
                definition,
                record: record,
                raw: result.value,
                call
            )
            if let bad = record.verifiers.first(where: { !$0.holds }) {
                throw StepFailure(verifier: bad, badEnd: result.badEnd)
            }
            artifacts = try await self.collectArtifacts(definition)
        } catch let error as StoreError {
            return self.letGo(error)
        } catch let error as StepFailure {
            record.fail(error, redactor: self.redactor)
        } catch {
            record.fail(StepFailure(.error, "\(error)"), redactor: self.redactor)
        }
        await self.conclude(step, record, artifacts)
    }

    /// A program that asks to be tried again later has neither succeeded nor failed.
    private func snooze(_ definition: Step, _ result: ToolResult) throws(StepFailure) {
        guard let policy = definition.snooze,
            result.value["exit"]?.integerValue == Int64(policy.exit)
        else { return }
        let asked = self.journal.count {
            $0.record.step == definition.id && !$0.isSuperseded
                && $0.record.snoozedMilliseconds != nil
        }
        guard asked < policy.max else {
            throw StepFailure(
                .exit,
                "it asked to be tried again later more than \(policy.max) times"
            )
        }
        var failure = StepFailure(
            .exit,
            "exit code \(policy.exit) asks to be tried again later, for the \(asked + 1). time"
        )
        failure.snoozedMilliseconds = policy.delayMilliseconds
        throw failure
    }

    func checkPreconditions(
        _ definition: Step,
        _ number: Int,
        _ deadline: ContinuousClock.Instant
    ) async throws(StepFailure) {
        guard !definition.preconditions.isEmpty else { return }
        let context = self.context(
            key: definition.id,
            number: number,
            deadline: deadline,
            scope: self.scope(step: self.index(of: definition.id)),
            readOnlySQL: true
        )
        let outcomes = await self.stopAttempts.stopping {
            await self.room.tools.verify(
                definition.preconditions,
                action: definition.action,
                result: .null,
                in: context
            )
        }
        if let bad = outcomes.first(where: { !$0.holds }) {
            throw StepFailure(
                .verifier,
                "precondition '\(bad.id)' does not hold: expected \(bad.expected), "
                    + "found \(bad.observed)"
            )
        }
    }

    func index(of id: String) -> Int? { self.plan.steps.firstIndex { $0.id == id } }

    /// Writes what an attempt came to and tells the graph; the run's very last result travels with
    /// the run's end in one commit.
    func conclude(_ step: Int, _ record: StepRecord, _ artifacts: [ArtifactRow]) async {
        // Cut off by the node's own end: the intent on record is the truth, nothing else is.
        if Task.isCancelled || self.stopSignal.isFired { return }
        var record = record
        record.ended = .now
        let end = record.end
        ExecutionMetrics.attempts(record.state)?.increment()
        self.views[record.step] = EvaluationScope.StepView(
            status: record.state.rawValue,
            outputs: record.outputs,
            result: record.result
        )
        self.remember(record)
        if let failure = record.failure, record.state == .failed {
            self.noteFailure(step, failure)
        }
        let writes =
            artifacts.flatMap { [.artifact($0), self.tell($0, record.attempt)] }
            + [.journal(record)] + self.tell(record)
        if self.machine.isLastOpen(step) {
            // Held until the end is on record: a stopping node waits for it.
            self.effects.hold()
            return self.mailbox.send(.lastEnded(step, end, writes))
        }
        do {
            try await self.submit(writes)
            self.forget(record)
            self.mailbox.send(.event(.ended(step, end)))
        } catch  where error.code == .server && record.state != .failed {
            // The database takes anything but this result: the step fails, the run goes on.
            var refused = StepRecord(step: record.step, attempt: record.attempt, state: .failed)
            refused.failure = "its result cannot be stored: \(error.message)"
            refused.failureKind = .error
            refused.begun = record.begun
            await self.conclude(step, refused, [])
        } catch {
            self.letGo(error)
        }
    }

    /// The events that tell of a step's result.
    private func tell(_ record: StepRecord) -> [RunWrite] {
        var events = record.verifiers.map { outcome in
            let data = JSONValue.object([
                "id": .string(outcome.id), "kind": .string(outcome.kind),
                "result": .string(outcome.result.rawValue),
                "required": .bool(outcome.required), "expected": .string(outcome.expected),
                "observed": .string(outcome.observed),
            ])
            return self.tell(.stepVerified, step: record.step, attempt: record.attempt, data: data)
        }
        // What follows tells that it waits.
        if record.snoozedMilliseconds != nil { return events }
        var data: [String: JSONValue] = [:]
        if let failure = record.failure { data["reason"] = .string(failure) }
        if !record.outputs.isEmpty { data["outputs"] = .object(record.outputs) }
        events.append(
            self.tell(
                record.state.event,
                step: record.step,
                attempt: record.attempt,
                data: data.isEmpty ? nil : .object(data)
            )
        )
        return events
    }

    /// Records a step that ended without an attempt of its own.
    func settle(_ step: Int, _ status: StepStatus) -> [RunWrite] {
        let id = self.plan.steps[step].id
        let attempts = self.machine.attempts(of: step)
        switch status {
        case .skipped where attempts == 0 || self.views[id]?.status != "skipped":
            let isOwn = self.machine.isSkippedByCondition(step)
            let reason = isOwn ? nil : "the run failed before it"
            self.views[id] = EvaluationScope.StepView(status: "skipped")
            let data = JSONValue.object(["reason": .string(reason ?? "its 'if' is false")])
            return [
                .journal(StepRecord(step: id, attempt: 0, state: .skipped, failure: reason)),
                self.tell(.stepSkipped, step: id, data: data),
            ]
        case .cancelled where self.views[id]?.status != "cancelled":
            self.views[id] = EvaluationScope.StepView(status: "cancelled")
            return [self.tell(.stepCancelled, step: id)]
        case .failed where attempts == 0:
            self.views[id] = EvaluationScope.StepView(status: "failed")
            let record = StepRecord(step: id, attempt: 0, state: .failed, failure: self.failure)
            let data = JSONValue.object(["reason": .string(self.failure ?? "")])
            return [.journal(record), self.tell(.stepFailed, step: id, data: data)]
        default: return []
        }
    }
}

extension Step {
    /// Whether an attempt takes no time and asks nothing of anybody: nobody can tell that it was made
    /// before its result is stored.
    fileprivate var isInstant: Bool {
        guard case .sleep(0) = self.action else { return false }
        return self.preconditions.isEmpty && self.verify.isEmpty && self.artifacts.isEmpty
    }

    /// Whether the attempt must be on record before it begins: without effects it may simply be
    /// made again, unless it is long.
    var leavesIntent: Bool {
        switch self.action {
        case .sleep(let milliseconds): milliseconds > 1_000
        case .fanOut, .run, .wait: true
        case .shell, .http, .sql: self.effects != .none
        }
    }
}

extension Action {
    /// Whether the action reaches outside the room, so that it must not be cut off lightly.
    var hasEffectsOfItsOwn: Bool {
        switch self {
        case .sleep, .run, .wait: false
        case .fanOut(let fan): fan.action.hasEffectsOfItsOwn
        case .shell, .http, .sql: true
        }
    }
}

extension StepRecord.State {
    fileprivate var event: RunEvent.Kind {
        switch self {
        case .succeeded: .stepSucceeded
        case .failed, .intent: .stepFailed
        case .skipped: .stepSkipped
        case .cancelled: .stepCancelled
        case .unknown: .stepUnknown
        }
    }
}
