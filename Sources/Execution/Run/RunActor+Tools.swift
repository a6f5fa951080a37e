// How an action reaches its tool, with its output, its time and its way to be stopped.

internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

/// One attempt's coordinates.
struct StepCall: Sendable {
    /// The step's index in the plan.
    var step: Int
    /// The attempt's number.
    var number: Int
    /// The journal's key: the step's id, `id[3]` or `id!0`.
    var key: String
    /// When the attempt's time is over.
    var deadline: ContinuousClock.Instant
    /// The item of a fan-out.
    var item: JSONValue?
}

extension StepCall {
    /// To judge an attempt that was made: its verifiers have the step's time anew.
    init(judging record: StepRecord, of step: Int, _ definition: Step) {
        self.init(
            step: step,
            number: record.attempt,
            key: definition.id,
            deadline: .now + .milliseconds(definition.timeoutMilliseconds)
        )
    }
}

extension RunActor {
    /// Removes the values of secrets from all that is kept or shown.
    var redactor: Redactor {
        var secrets = self.room.configuration.secrets.filter {
            self.plan.secrets.contains($0.key)
        }
        if let password = self.scratch?.password {
            secrets["run.scratch"] = password
            secrets["run.scratch.dsn"] = self.scratch?.dsn
        }
        return Redactor(secrets: secrets)
    }

    func context(
        key: String,
        number: Int,
        deadline: ContinuousClock.Instant,
        scope: EvaluationScope,
        readOnlySQL: Bool
    ) -> ToolContext {
        let redactor = self.redactor
        return ToolContext(
            runID: self.id.description,
            workspace: self.workspace,
            scope: scope,
            deadline: deadline,
            readOnlySQL: readOnlySQL,
            scratchDSN: self.scratch?.dsn,
            emit: { line in await self.output(line, key: key, number: number, redactor) },
            logger: self.room.logger
        )
    }

    /// Turns a line of output into an event; pauses the program's reader when the log is full.
    private nonisolated func output(
        _ line: OutputLine,
        key: String,
        number: Int,
        _ redactor: Redactor
    ) async {
        var data: [String: JSONValue] = [
            "stream": .string(line.stream.rawValue), "line": .string(redactor.redact(line.text)),
        ]
        if line.isTruncationMark { data["truncated"] = .bool(true) }
        self.append(.stepOutput, step: key, attempt: number, data: .object(data))
        if self.log.isFull {
            try? await self.submit([])
        } else {
            self.room.writer.flush(self.log)
        }
    }

    /// Performs an action of any kind.
    func perform(
        _ action: Action,
        _ definition: Step,
        _ call: StepCall
    ) async throws -> ToolResult {
        switch action {
        case .sleep(let milliseconds): return try await self.sleep(milliseconds, call)
        case .fanOut(let fan): return try await self.fanOut(fan, definition, call)
        case .run(let child): return try await self.runChild(child, call)
        case .wait: throw StepFailure(.error, "only a step of its own can wait")
        case .shell(let shell) where shell.background:
            return try await self.startService(shell, call)
        case .shell, .http, .sql:
            let scope = self.scope(step: call.step, item: call.item)
            let context = self.context(
                key: call.key,
                number: call.number,
                deadline: call.deadline,
                scope: scope,
                readOnlySQL: definition.effects == .none
            )
            return try await self.call(action, context)
        }
    }

    func call(_ action: Action, _ context: ToolContext) async throws(StepFailure) -> ToolResult {
        let result: Result<ToolResult, ToolFailure> = await self.stopAttempts.stopping {
            do throws(ToolFailure) {
                return .success(try await self.room.tools.perform(action, in: context))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let failure): throw StepFailure(failure)
        }
    }

    /// Waits; after a crash only for what is left.
    private func sleep(
        _ milliseconds: Int64,
        _ call: StepCall
    ) async throws(StepFailure) -> ToolResult {
        var left = milliseconds
        // Attempts that a crash cut off are one sleep; one that ended was another.
        let attempts = self.journal.filter { $0.record.step == call.key && !$0.isSuperseded }
        let open = attempts.reversed().prefix { [.intent, .unknown].contains($0.record.state) }
        let begun = open.last
        if let begun { left -= WallClock.milliseconds - begun.begunMilliseconds }
        let end = ContinuousClock.now + .milliseconds(max(0, left))
        let until = min(end, call.deadline)
        if until > .now {
            await self.stopAttempts.stopping {
                try? await Task.sleep(until: until, clock: .continuous)
            }
        }
        if self.stopAttempts.isFired || Task.isCancelled { throw .stopped }
        if end > call.deadline {
            throw StepFailure(.timeout, "the step's timeout ended its sleep")
        }
        return ToolResult(value: .object(["slept_ms": .integer(milliseconds)]))
    }

    /// Starts a program that goes on behind the step until the run ends.
    private func startService(
        _ shell: ShellAction,
        _ call: StepCall
    ) async throws(StepFailure) -> ToolResult {
        let context = self.context(
            key: call.key,
            number: call.number,
            deadline: call.deadline,
            scope: self.scope(step: call.step, item: call.item),
            readOnlySQL: false
        )
        if let earlier = self.services.removeValue(forKey: call.key) { await earlier.stop() }
        do {
            let service = try await self.room.tools.startBackground(shell, in: context)
            self.services[call.key] = service
            return ToolResult(value: service.startResult)
        } catch {
            throw StepFailure(error)
        }
    }

    /// Has the services of a resumed run run again: their node's end was theirs.
    func restartServices() async {
        for (index, step) in self.plan.steps.enumerated() {
            guard case .shell(let shell) = step.action, shell.background,
                self.machine.statuses[index] == .succeeded
            else { continue }
            let call = StepCall(
                step: index,
                number: self.machine.attempts(of: index),
                key: step.id,
                deadline: .now + .milliseconds(step.timeoutMilliseconds)
            )
            do {
                let result = try await self.startService(shell, call)
                self.views[step.id]?.result = self.redactor.redact(result.value)
            } catch {
                self.room.logger.warning(
                    "service not restarted",
                    metadata: ["run": "\(self.id)", "reason": "\(error.message)"]
                )
            }
        }
    }

    /// Computes the step's outputs from its result.
    func evaluateOutputs(_ definition: Step, _ record: inout StepRecord) throws(StepFailure) {
        guard !definition.outputs.isEmpty else { return }
        var scope = self.scope(step: self.index(of: definition.id))
        scope.result = record.result
        for (name, template) in definition.outputs {
            do throws(ExpressionError) {
                let value = try template.render(in: scope)
                guard !value.isTainted else {
                    throw ExpressionError(message: "it would hold a secret", offset: 0)
                }
                record.outputs[name] = self.redactor.redact(value.value)
            } catch {
                throw StepFailure(.error, "output '\(name)' cannot be computed: \(error.message)")
            }
        }
    }

    /// Runs the verifiers of an action, or its tool's own check when there are none.
    func verify(
        _ verifiers: [Verifier],
        _ definition: Step,
        record: StepRecord,
        raw: JSONValue,
        _ call: StepCall
    ) async -> [VerifierOutcome] {
        if verifiers.isEmpty, let outcome = definition.action.ownOutcome(raw) { return [outcome] }
        var scope = self.scope(step: call.step, item: call.item)
        scope.result = raw
        scope.outputs = record.outputs
        let context = self.context(
            key: call.key,
            number: call.number,
            deadline: call.deadline,
            scope: scope,
            readOnlySQL: true
        )
        let outcomes = await self.stopAttempts.stopping {
            await self.room.tools.verify(
                verifiers,
                action: definition.action,
                result: raw,
                in: context
            )
        }
        let redactor = self.redactor
        return outcomes.map { outcome in
            var outcome = outcome
            outcome.observed = redactor.redact(outcome.observed)
            outcome.expected = redactor.redact(outcome.expected)
            return outcome
        }
    }
}

extension Action {
    /// The outcome of the room's own actions, which verify themselves; `nil` for tools.
    func ownOutcome(_ result: JSONValue) -> VerifierOutcome? {
        let expected: String
        switch self {
        case .sleep: expected = "the time to pass"
        case .fanOut: expected = "every item to hold"
        case .run: expected = "the child run to succeed"
        case .wait: expected = "what it waits for"
        case .shell(let shell) where shell.background: expected = "the program to start"
        case .shell, .http, .sql: return nil
        }
        return VerifierOutcome(
            id: "default",
            kind: self.kind,
            required: true,
            result: .passed,
            expected: expected,
            observed: "it did"
        )
    }
}
