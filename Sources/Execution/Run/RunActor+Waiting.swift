// How a step waits for what comes from outside: signals and people's decisions.

internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

extension RunActor {
    /// Makes an attempt of a step that waits; after a crash the same attempt goes on, with the time
    /// that is left and with what it had taken.
    func wait(_ step: Int, _ number: Int, _ wait: WaitAction, isResumed: Bool) async {
        if Task.isCancelled { return }
        let definition = self.plan.steps[step]
        var record = StepRecord(step: definition.id, attempt: number, state: .intent)
        record.result = self.noted(record)
        var artifacts: [ArtifactRow] = []
        defer { self.leaveWait(step) }
        do {
            if !isResumed {
                let data = JSONValue.object(["kind": .string(definition.action.kind)])
                self.emit(.stepStarted, step: definition.id, attempt: number, data: data)
                try await self.submit([.journal(record)])
                let limit = ContinuousClock.now + .milliseconds(definition.timeoutMilliseconds)
                try await self.checkPreconditions(definition, number, limit)
            }
            if self.stopAttempts.isFired { throw StepFailure.stopped }
            let ending: WaitEnding
            var values: [String: JSONValue] = [:]
            switch wait {
            case .signal(let signal): ending = try await self.await(signal, step, record)
            case .approval(let approval):
                let machine = try await self.await(approval, step, record)
                values = machine.form
                ending = machine.ending ?? .failure("it was not decided")
            }
            try await self.goOn(after: step)
            record.result = .null
            artifacts = try await self.finish(step, &record, ending, values)
        } catch let error as StoreError {
            return self.letGo(error)
        } catch let error as StepFailure {
            record.fail(error, redactor: self.redactor)
        } catch {
            record.fail(StepFailure(.error, "\(error)"), redactor: self.redactor)
        }
        await self.conclude(step, record, artifacts)
    }

    /// What the attempt's intent says that it has seen.
    private func noted(_ record: StepRecord) -> JSONValue {
        let row = self.journal.last {
            $0.record.step == record.step && $0.record.attempt == record.attempt
                && $0.record.state == .intent && !$0.isSuperseded
        }
        return row?.record.result ?? .null
    }

    /// Judges what a wait came to.
    private func finish(
        _ step: Int,
        _ record: inout StepRecord,
        _ ending: WaitEnding,
        _ values: [String: JSONValue]
    ) async throws -> [ArtifactRow] {
        let definition = self.plan.steps[step]
        switch ending {
        case .failure(let reason):
            record.state = .failed
            record.failure = self.redactor.redact(reason)
            // Without a kind it is final: neither the step nor the run is tried again.
            record.failureKind = nil
            return []
        case .unfit(let reason): throw StepFailure(.verifier, reason)
        case .result(let value):
            record.state = .succeeded
            record.result = self.redactor.redact(value)
            record.outputs = values.mapValues { self.redactor.redact($0) }
            try self.evaluateOutputs(definition, &record)
            let call = StepCall(judging: record, of: step, definition)
            record.verifiers = await self.verify(
                definition.verify,
                definition,
                record: record,
                raw: value,
                call
            )
            if let bad = record.verifiers.first(where: { !$0.holds }) {
                throw StepFailure(verifier: bad, badEnd: nil)
            }
            return try await self.collectArtifacts(definition)
        }
    }

    // MARK: Signals

    private func await(
        _ wait: SignalWait,
        _ step: Int,
        _ intent: StepRecord
    ) async throws -> WaitEnding {
        var record = intent
        let name = try self.text(of: wait.name, step, "the signal's name")
        guard !name.isEmpty, name.utf8.count <= Limits.signalNameBytesMax else {
            throw StepFailure(
                .error,
                "a signal's name has 1 to \(Limits.signalNameBytesMax) bytes"
            )
        }
        while true {
            let news = self.news.next
            let look = try await self.asking { () async throws(StoreError) in
                try await self.room.store.takeSignal(
                    name,
                    for: record.step,
                    attempt: record.attempt,
                    within: wait.timeoutMilliseconds,
                    fence: self.claimed.fence
                )
            }
            if let signal = look.signal {
                let sequence = JSONValue.integer(signal.sequence)
                if record.result["signal"] != sequence {
                    record.result = .object(["signal": sequence])
                    let data = JSONValue.object([
                        "signal": sequence, "name": .string(name), "by": .string(signal.sentBy),
                    ])
                    try await self.submit([
                        .journal(record),
                        self.tell(
                            .signalTaken,
                            step: record.step,
                            attempt: record.attempt,
                            data: data
                        ),
                    ])
                }
                do {
                    return wait.ending(payload: try JSONValue(parsing: signal.payload))
                } catch {
                    return .unfit("the signal's payload is not JSON: \(error)")
                }
            }
            if let left = look.leftMilliseconds, left <= 0 { return wait.expired(name) }
            let until = look.leftMilliseconds.map { WallClock.milliseconds + $0 }
            self.enterWait(
                step,
                "waits for signal '\(name)'"
                    + (until.map { "; until \(Self.shown($0))" } ?? "")
                    + "; opsroom runs signal \(self.id) \(name) sends it"
            )
            try await self.rest(news, left: look.leftMilliseconds)
        }
    }

    // MARK: Approvals

    private func await(
        _ wait: ApprovalWait,
        _ step: Int,
        _ intent: StepRecord
    ) async throws -> ApprovalMachine {
        var record = intent
        let message = try wait.message.map { try self.text(of: $0, step, "the message") } ?? ""
        let question = ApprovalQuestion(
            step: record.step,
            needed: wait.count,
            groups: wait.groups,
            users: wait.users,
            allowsSelf: wait.allowsSelf,
            message: self.redactor.redact(
                String(decoding: message.utf8.prefix(Limits.approvalTextBytesMax), as: UTF8.self)
            ),
            form: wait.form?.canonicalText,
            timeoutMilliseconds: wait.timeoutMilliseconds
        )
        var isAsking = false
        while true {
            let news = self.news.next
            let hasAsked = isAsking
            let look = try await self.asking { () async throws(StoreError) in
                let store = self.room.store
                return hasAsked
                    ? try await store.look(at: question.step, fence: self.claimed.fence)
                    : try await store.ask(question, fence: self.claimed.fence)
            }
            isAsking = true
            var machine = ApprovalMachine(wait)
            for row in look.decisions { try? machine.take(ApprovalDecision(row)) }
            if let left = look.leftMilliseconds, left <= 0 { machine.expire() }
            try await self.note(machine, &record)
            if machine.outcome != nil {
                if machine.outcome == .expired {
                    // Only lists ask for it.
                    try? await self.room.store.settleApproval(self.id, step: record.step)
                }
                return machine
            }
            let until = look.expiresMilliseconds.map(Self.shown)
            self.enterWait(
                step,
                machine.reason(until: until)
                    + "; opsroom approvals approve \(self.id) \(record.step)"
            )
            try await self.rest(news, left: look.leftMilliseconds)
        }
    }

    /// Tells of decisions that were not told of yet; the intent remembers which were.
    private func note(_ machine: ApprovalMachine, _ record: inout StepRecord) async throws {
        let told = Int(record.result["decisions"]?.integerValue ?? 0)
        guard machine.decisions.count > told else { return }
        record.result = .object(["decisions": .integer(Int64(machine.decisions.count))])
        let events = machine.decisions.dropFirst(told).enumerated().map { offset, decision in
            var data = decision.json.objectValue ?? [:]
            data["form"] = self.redactor.redact(decision.form)
            data["of"] = .integer(Int64(machine.wait.count))
            let approvals = machine.decisions.prefix(told + offset + 1).count(where: \.isApproval)
            data["approvals"] = .integer(Int64(approvals))
            return self.tell(
                .approvalDecided,
                step: record.step,
                attempt: record.attempt,
                data: .object(data)
            )
        }
        try await self.submit([.journal(record)] + events)
    }

    // MARK: Both

    private func text(
        of template: Template,
        _ step: Int,
        _ what: String
    ) throws(StepFailure) -> String {
        do throws(ExpressionError) {
            let value = try template.render(in: self.scope(step: step))
            guard case .string(let text) = value.value, !value.isTainted else {
                throw ExpressionError(message: "it is not a text without secrets", offset: 0)
            }
            return text
        } catch {
            throw StepFailure(.error, "\(what) cannot be computed: \(error.message)")
        }
    }

    /// Asks the database, again and again while it is away.
    private func asking<Value: Sendable>(
        _ body: () async throws(StoreError) -> Value
    ) async throws -> Value {
        var pause = Duration.milliseconds(100)
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                guard error.isTransient else { throw error }
            }
            let wait = pause
            await self.stopAttempts.stopping { try? await Task.sleep(for: wait) }
            if self.stopAttempts.isFired || Task.isCancelled { throw StepFailure.stopped }
            pause = min(pause * 2, .seconds(5))
        }
    }

    /// Until news, the end of the time, or the next look for what nobody told of.
    private func rest(_ news: StopSignal, left: Int64?) async throws(StepFailure) {
        let pause = WaitPace.milliseconds(left: left, waits: self.room.waits.count)
        await self.stopAttempts.stopping { await news.wait(atMost: .milliseconds(pause)) }
        if self.stopAttempts.isFired || Task.isCancelled { throw .stopped }
    }

    private static func shown(_ milliseconds: Int64) -> String {
        Timestamp.text(milliseconds: milliseconds)
    }

    // MARK: What others see

    private func enterWait(_ step: Int, _ reason: String) {
        if self.waits[step] == nil { self.room.waits.enter(self.news) }
        guard self.waits[step] != reason else { return }
        self.waits[step] = reason
        self.mailbox.send(.waits)
    }

    private func leaveWait(_ step: Int) {
        guard self.waits.removeValue(forKey: step) != nil else { return }
        self.room.waits.leave(self.news)
    }

    /// What a wait came to is there: others see that the run goes on, unless it ends with it.
    private func goOn(after step: Int) async throws(StoreError) {
        self.leaveWait(step)
        guard self.toldWait != nil else { return }
        self.toldWait = nil
        if !self.waits.isEmpty {
            self.mailbox.send(.waits)
        } else if !self.machine.isLastOpen(step) {
            try await self.submit(self.markRunning())
        }
    }

    /// Has others see what a run waits for of which nothing else is under way.
    func settleWaiting() async throws(StoreError) {
        guard !self.waits.isEmpty, !self.machine.isAtRest else { return }
        let isWaiting = self.machine.isWaiting { step in
            !self.plan.steps[step].action.hasEffectsOfItsOwn
        }
        guard isWaiting else {
            self.toldWait = nil
            return
        }
        let waits = self.waits.sorted { $0.key < $1.key }
        let reason = waits.map { "step '\(self.plan.steps[$0.key].id)' \($0.value)" }
            .joined(separator: "; ")
        guard reason != self.toldWait else { return }
        self.toldWait = reason
        self.isRunning = false
        let event = self.tell(
            .runWaiting,
            step: waits.first.map { self.plan.steps[$0.key].id },
            data: .object(["reason": .string(reason)])
        )
        try await self.submit([.transition(self.transition(.waiting, waitReason: reason)), event])
    }
}

extension ApprovalDecision {
    init(_ row: DecisionRow) {
        self.init(
            person: row.person,
            isApproval: row.isApproval,
            form: (try? JSONValue(parsing: row.form)) ?? .object([:]),
            comment: row.comment,
            atMilliseconds: row.atMilliseconds
        )
    }
}
