// How a run begins, pauses, waits and ends.

internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

extension RunActor {
    /// Loads the plan and, after a crash, the journal; makes the workspace.
    func prepare() async throws {
        do {
            self.prepared = try await self.room.plans.plan(
                self.claimed.planDigest,
                from: self.room.store
            )
            if self.claimed.inputs != "{}" {
                self.inputs =
                    try JSONValue(
                        parsing: try self.room.store.inputs(of: self.claimed)
                    ).objectValue ?? [:]
            }
            self.machine = self.prepared.graph.again(retryCount: self.claimed.retryCount)
            if self.claimed.hasJournal { self.journal = try await self.room.store.journal(self.id) }
        } catch let error as StoreError where error.isTransient || error.code == .cancelled {
            throw error
        } catch {
            throw ExecutionError("the run cannot be read: \(error)")
        }
        self.restoreJournal()
        if self.outside == nil, self.prepared.needsWorkspace {
            self.workspace = "\(self.room.configuration.workspaces)/\(self.id)"
            guard Folder.make(self.workspace), Folder.make(self.workspace + "/tmp") else {
                throw ExecutionError("the workspace \(self.workspace) cannot be made")
            }
        }
        self.begin()
        self.tellByHand()
        // What was under way before may be asked for, or started again, at once.
        if self.claimed.hasJournal || self.prepared.usesScratch { try await self.claim() }
        if self.outside == nil, self.prepared.usesScratch {
            self.scratch = try await self.openScratch()
        }
        try await self.restoreRetry()
    }

    private func openScratch() async throws(ExecutionError) -> ScratchDatabase {
        var wait = Duration.milliseconds(100)
        while true {
            do {
                return try await self.room.scratch.open(self.id)
            } catch {
                guard error.isTransient, !Task.isCancelled, !self.stopSignal.isFired else {
                    throw ExecutionError("no scratch database: \(error)")
                }
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(2))
            }
        }
    }

    private func restoreJournal() {
        if self.journal.isEmpty { return }
        var earlier: [String: Int] = [:]
        for row in self.journal where row.isSuperseded {
            earlier[row.record.step] = max(earlier[row.record.step] ?? 0, row.record.attempt)
        }
        let records = self.journal.filter { !$0.isSuperseded }.map(\.record)
        self.machine.restore(records, earlierAttempts: earlier)
        for record in records where record.state != .intent {
            self.views[record.step] = EvaluationScope.StepView(
                status: record.statusSeen,
                outputs: record.outputs,
                result: record.result
            )
        }
    }

    /// Tells what a person did of the run before it was queued for this claim.
    private func tellByHand() {
        for row in self.journal where !row.isSuperseded && row.claimNumber + 1 == self.claimNumber {
            guard let byHand = row.record.byHand else { continue }
            let data: [String: JSONValue] = [
                "reason": .string("done by hand by \(byHand.by): \(byHand.note)"),
                "by": .string(byHand.by), "note": .string(byHand.note),
            ]
            let attempt = row.record.attempt
            self.emit(
                .stepSkipped,
                step: row.record.step,
                attempt: attempt,
                data: .object(data)
            )
        }
    }

    /// The run's first effect is near: others see it as running.
    func markRunning() -> [RunWrite] {
        guard !self.isRunning else { return [] }
        self.isRunning = true
        return [.transition(self.transition(.running))]
    }

    func transition(
        _ status: RunStatus,
        failure: String? = nil,
        waitReason: String? = nil,
        nextAttempt: NextAttempt? = nil,
        outputs: String? = nil
    ) -> RunTransition {
        RunTransition(
            status: status,
            retryCount: self.machine.retryCount,
            failure: failure,
            waitReason: waitReason,
            nextAttempt: nextAttempt,
            outputs: outputs,
            firstSequence: self.firstSequence,
            lastSequence: self.log.nextSequence - 1
        )
    }

    /// Parks the run until a person decides.
    func waitForPerson(_ step: Int) async throws(StoreError) {
        let id = self.plan.steps[step].id
        let reason =
            "step '\(id)' was under way when its node died and nobody can tell whether it "
            + "happened; look, then: opsroom runs retry \(self.id) --from \(id), "
            + "or opsroom runs cancel \(self.id)"
        let event = self.tell(
            .runWaiting,
            step: id,
            attempt: self.machine.attempts(of: step),
            data: .object(["reason": .string(reason)])
        )
        self.isRunning = false
        try await self.submit([.transition(self.transition(.waiting, waitReason: reason)), event])
    }

    /// Writes the run's end, with the writes that led to it, in one commit.
    func end(_ status: RunStatus, _ writes: [RunWrite]) async throws(StoreError) {
        self.effects.hold()
        defer { self.effects.leave() }
        for service in self.services.values { await service.stop() }
        self.services = [:]
        var data: [String: JSONValue] = [:]
        var status = status
        var outputs: String?
        if status == .succeeded {
            do {
                let values = try self.runOutputs()
                if !values.isEmpty {
                    outputs = JSONValue.object(values).canonicalText
                    data["outputs"] = .object(values)
                }
            } catch {
                status = .failed
                self.failure = "the run's outputs cannot be computed: \(error.message)"
            }
        }
        if self.machine.rollbackFailed {
            self.failure = (self.failure ?? "") + "; the rollback failed too: a person must look"
        } else if self.machine.wasRolledBack {
            self.failure = (self.failure ?? "") + "; rolled back"
        }
        if let failure = self.failure, status != .succeeded { data["reason"] = .string(failure) }
        let event = self.tell(status.endEvent, data: data.isEmpty ? nil : .object(data))
        var transition = self.transition(
            status,
            failure: status == .succeeded ? nil : self.failure,
            outputs: outputs
        )
        transition.hasJournal = self.hasJournal
        try await self.submit(writes + [.transition(transition), event])
        self.hasEnded = true
        if status != .succeeded { await self.cancelChildren() }
        ExecutionMetrics.runs(status)?.increment()
        if self.prepared.usesScratch { await self.room.scratch.drop(self.id) }
        if status == .succeeded, !self.workspace.isEmpty { await Folder.remove(self.workspace) }
    }

    /// Children that nobody waits for any more end too; after a crash no step may know of them.
    private func cancelChildren() async {
        guard self.prepared.hasChildren,
            let children = try? await self.room.store.children(of: self.id)
        else { return }
        for (child, status) in children where !status.isTerminal {
            let reason = "its parent run \(self.id) ended"
            _ = try? await self.room.store.requestCancel(child, reason: reason)
        }
    }

    private func runOutputs() throws(ExpressionError) -> [String: JSONValue] {
        if self.plan.outputs.isEmpty { return [:] }
        let scope = self.scope(step: nil)
        var values: [String: JSONValue] = [:]
        for (name, template) in self.plan.outputs {
            let value = try template.render(in: scope)
            if value.isTainted {
                throw ExpressionError(message: "output '\(name)' holds a secret", offset: 0)
            }
            values[name] = self.redactor.redact(value.value)
        }
        return values
    }

    /// A run that cannot even begin fails alone, with its reason.
    func endWithout(_ reason: String) async {
        if Task.isCancelled || self.stopSignal.isFired { return }
        if self.plan.steps.isEmpty { self.begin() }
        self.failure = reason
        do {
            try await self.end(.failed, [])
        } catch {
            self.letGo(error)
        }
    }
}

extension RunStatus {
    /// The event that tells of a run's end.
    var endEvent: RunEvent.Kind {
        switch self {
        case .succeeded: .runSucceeded
        case .cancelled: .runCancelled
        case .timedOut: .runTimedOut
        case .failed, .queued, .claimed, .running, .waiting: .runFailed
        }
    }
}

extension Plan {
    /// Whether any step touches files or starts programs.
    var needsWorkspace: Bool { self.steps.contains { $0.touchesFiles } }

    /// Whether some step runs another plan.
    var hasChildren: Bool {
        self.steps.contains { step in
            switch step.action {
            case .run: true
            case .fanOut(let fan): fan.runsPlan
            case .shell, .http, .sql, .sleep, .wait: false
            }
        }
    }

    /// Whether the plan asks for a database of its own.
    var usesScratch: Bool {
        // The canonical text holds every expression and every action, nested ones too.
        guard let text = try? String(decoding: self.canonicalBytes(), as: UTF8.self) else {
            return false
        }
        return text.contains("run.scratch") || text.contains("\"database\":{\"scratch\":{}}")
    }
}

extension Step {
    fileprivate var touchesFiles: Bool {
        if !self.verify.isEmpty || !self.preconditions.isEmpty || !self.artifacts.isEmpty {
            return true
        }
        switch self.action {
        case .sleep, .run, .wait: return false
        case .shell, .http, .sql, .fanOut: return true
        }
    }
}
