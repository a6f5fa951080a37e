// Steps made of steps: an action for each item of a list, a run inside a run.

internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

extension RunActor {
    /// Does one action for each item, so many at once; items that are done already are kept. They
    /// begin in the order of the list, each time anew: what a crash cut off is always among the first
    /// that are not done, so child runs that go on meanwhile are not joined by others.
    func fanOut(
        _ fan: FanOutAction,
        _ definition: Step,
        _ call: StepCall
    ) async throws -> ToolResult {
        let items = try self.items(fan, call)
        let done = self.finishedItems(call.key)
        var results = [JSONValue](repeating: .null, count: items.count)
        var failures: [(index: Int, failure: StepFailure)] = []
        try await withThrowingTaskGroup(of: (Int, Result<JSONValue, StepFailure>).self) { group in
            var running = 0
            for (index, item) in items.enumerated() {
                if let earlier = done["\(call.key)[\(index)]"] {
                    results[index] = earlier
                    continue
                }
                if running >= fan.maxParallel, let (ended, result) = try await group.next() {
                    running -= 1
                    switch result {
                    case .success(let value): results[ended] = value
                    case .failure(let failure): failures.append((ended, failure))
                    }
                }
                if !failures.isEmpty || self.stopAttempts.isFired { break }
                running += 1
                group.addTask {
                    (index, try await self.item(index, item, fan, definition, call))
                }
            }
            for try await (ended, result) in group {
                switch result {
                case .success(let value): results[ended] = value
                case .failure(let failure): failures.append((ended, failure))
                }
            }
        }
        if self.stopAttempts.isFired { throw StepFailure.stopped }
        if let first = failures.min(by: { $0.index < $1.index }) {
            throw StepFailure(
                first.failure.kind,
                "item \(first.index) of \(items.count) failed: \(first.failure.message)",
                isUnknown: first.failure.isUnknown
            )
        }
        return ToolResult(
            value: .object(["items": .array(results), "count": .integer(Int64(items.count))])
        )
    }

    private func items(_ fan: FanOutAction, _ call: StepCall) throws(StepFailure) -> [JSONValue] {
        let list: JSONValue
        do {
            list = try fan.over.render(in: self.scope(step: call.step)).value
        } catch {
            throw StepFailure(.error, "its list cannot be computed: \(error.message)")
        }
        guard case .array(let items) = list else {
            throw StepFailure(.error, "fan_out needs a list, found \(list.typeName)")
        }
        guard items.count <= Limits.fanOutItemsMax else {
            throw StepFailure(
                .error,
                "fan_out takes at most \(Limits.fanOutItemsMax) items, found \(items.count)"
            )
        }
        return items
    }

    /// Results of items that succeeded in any attempt that still counts.
    private func finishedItems(_ key: String) -> [String: JSONValue] {
        var done: [String: JSONValue] = [:]
        for row in self.journal where !row.isSuperseded && row.record.state == .succeeded {
            if row.record.step.hasPrefix(key + "[") { done[row.record.step] = row.record.result }
        }
        return done
    }

    /// Why an item of a run that was let go is not tried.
    private static let stopping = StoreError(.cancelled, "the run was let go")

    private func item(
        _ index: Int,
        _ item: JSONValue,
        _ fan: FanOutAction,
        _ definition: Step,
        _ call: StepCall
    ) async throws -> Result<JSONValue, StepFailure> {
        var call = call
        call.key = "\(call.key)[\(index)]"
        call.item = item
        var record = StepRecord(step: call.key, attempt: call.number, state: .intent)
        record.begun = .now
        var asStep = definition
        asStep.action = fan.action
        asStep.verify = fan.verify
        let earlier = self.journal.last { $0.record.step == call.key && !$0.isSuperseded }
        do {
            let isOpen =
                earlier.map {
                    [.intent, .unknown].contains($0.record.state)
                        && !self.neverBegun.contains(Intent($0.record))
                } ?? false
            // A child run that was begun is found again, whatever the step's effects.
            if isOpen, definition.effects == .destructive, !fan.runsPlan {
                try await self.settleItem(asStep, &record, call)
            } else {
                if asStep.leavesIntent { try await self.intend(record) }
                guard self.begins(record) else { throw Self.stopping }
                record.state = .succeeded
                let result = try await self.perform(fan.action, asStep, call)
                record.result = self.redactor.redact(result.value)
                if let failure = result.failure { throw StepFailure(failure) }
                record.verifiers = await self.verify(
                    fan.verify,
                    asStep,
                    record: record,
                    raw: result.value,
                    call
                )
                if let bad = record.verifiers.first(where: { !$0.holds }) {
                    throw StepFailure(verifier: bad, badEnd: result.badEnd)
                }
            }
        } catch let error as StepFailure {
            record.fail(error, redactor: self.redactor)
        }
        // Cut off by the node's own end: the intent on record is the truth.
        if Task.isCancelled { throw Self.stopping }
        record.ended = .now
        try await self.submit([.journal(record)])
        self.remember(record)
        if record.state == .succeeded { return .success(record.result) }
        return .failure(
            StepFailure(
                record.failureKind ?? .error,
                record.failure ?? "failed",
                isStopped: record.state == .cancelled,
                isUnknown: record.state == .unknown
            )
        )
    }

    /// The effects rule for one destructive item whose node died.
    private func settleItem(
        _ asStep: Step,
        _ record: inout StepRecord,
        _ call: StepCall
    ) async throws(StepFailure) {
        if !asStep.verify.isEmpty {
            record.verifiers = await self.verify(
                asStep.verify,
                asStep,
                record: record,
                raw: .null,
                call
            )
            if record.verifiers.allSatisfy(\.holds) {
                record.state = .succeeded
                return
            }
        }
        throw StepFailure(
            .error,
            "its node died meanwhile; look before it is run again",
            isUnknown: true
        )
    }

    /// Keeps a record in memory too, for a later attempt: a fan-out skips what is done, a child that
    /// failed is not asked again.
    func remember(_ record: StepRecord) {
        self.journal.append(
            JournalRow(
                record: record,
                isSuperseded: false,
                begunMilliseconds: WallClock.milliseconds,
                endedMilliseconds: WallClock.milliseconds
            )
        )
    }

    /// Runs another plan and waits for its end. Its key holds no attempt that a crash cut off, so
    /// after one the same child is found again.
    func runChild(_ child: ChildRunAction, _ call: StepCall) async throws -> ToolResult {
        guard self.claimed.depth < Limits.childDepthMax else {
            throw StepFailure(.error, "runs inside runs go \(Limits.childDepthMax) deep at most")
        }
        guard let digest = Digest(child.planDigest) else {
            throw StepFailure(.error, "the child plan's digest cannot be read")
        }
        var inputs: [String: JSONValue] = [:]
        let scope = self.scope(step: call.step, item: call.item)
        for (name, template) in child.inputs {
            do throws(ExpressionError) {
                let value = try template.render(in: scope)
                guard !value.isTainted else {
                    throw ExpressionError(message: "it would hold a secret", offset: 0)
                }
                inputs[name] = value.value
            } catch {
                throw StepFailure(.error, "input '\(name)': \(error.message)")
            }
        }
        let bound = try await self.bound(inputs, to: child, digest)
        let failed = self.journal.count {
            $0.record.step == call.key && $0.record.state == .failed
        }
        // A lane of their own, so that children never wait for their parent's place.
        let (name, width) = self.laneOfChildren(call)
        let lane = try await self.room.store.ensureLane(
            session: self.lane.session,
            lane: name,
            width: width
        )
        let run = NewRun(
            lane: lane,
            planDigest: digest,
            inputs: bound.canonicalText,
            priority: self.claimed.priority,
            idempotencyKey: "\(self.id)/\(self.claimed.attempt)/\(call.key)/\(failed)",
            parent: self.id,
            depth: self.claimed.depth + 1,
            key: self.claimed.key
        )
        guard let id = try await self.room.store.enqueue([run]).first else {
            throw StepFailure(.error, "the child run could not be stored")
        }
        await self.room.store.tell(.work(lane: lane))
        return try await self.awaitChild(id, call)
    }

    /// The lane of a step's children, and how wide it is made: all items of a fan-out share one, in
    /// which as many find room as may go at once.
    private func laneOfChildren(_ call: StepCall) -> (name: String, width: Int) {
        let step = self.plan.steps[call.step]
        guard call.item != nil, case .fanOut(let fan) = step.action else {
            return ("\(self.lane.name)/\(call.key)", 8)
        }
        return ("\(self.lane.name)/\(step.id)", max(8, fan.maxParallel))
    }

    /// The inputs of a child run, with the defaults that its plan declares.
    private func bound(
        _ inputs: [String: JSONValue],
        to child: ChildRunAction,
        _ digest: Digest
    ) async throws -> JSONValue {
        let prepared = try await self.room.plans.plan(digest, from: self.room.store)
        do throws(InputError) {
            return try prepared.plan.bound(inputs)
        } catch {
            throw StepFailure(
                .error,
                "plan '\(child.planName)' cannot run: \(error.problems.joined(separator: "; "))"
            )
        }
    }

    private func awaitChild(_ id: RunID, _ call: StepCall) async throws -> ToolResult {
        var wait = Duration.milliseconds(20)
        while true {
            if let row = try? await self.room.store.run(id), row.status.isTerminal {
                return try self.childResult(row)
            }
            if self.stopAttempts.isFired || ContinuousClock.now >= call.deadline {
                let reason = "its parent run \(self.id) stopped waiting for it"
                _ = try? await self.room.store.requestCancel(id, reason: reason)
                if self.stopAttempts.isFired { throw StepFailure.stopped }
                throw StepFailure(.timeout, "child run \(id) did not end in time")
            }
            let pause = wait
            await self.stopAttempts.stopping { try? await Task.sleep(for: pause) }
            if Task.isCancelled { throw StepFailure.stopped }
            wait = min(wait * 2, .milliseconds(500))
        }
    }

    private func childResult(_ row: RunRow) throws -> ToolResult {
        let outputs = try self.room.store.outputs(of: row).map { try JSONValue(parsing: $0) }
        guard row.status == .succeeded else {
            throw StepFailure(
                .error,
                "child run \(row.id) \(row.status.rawValue): \(row.failure ?? "no reason given")"
            )
        }
        return ToolResult(
            value: .object([
                "run": .string(row.id.description), "status": .string(row.status.rawValue),
                "outputs": outputs ?? .object([:]),
            ])
        )
    }
}
