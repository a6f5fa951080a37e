// What a worker outside says about its run, and what follows: noted, ended, or queued again.

internal import Cluster
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

extension RunActor {
    /// Takes what a worker says about the run.
    func take(_ report: WorkerReport) async -> WorkerReply {
        guard let claim = self.outsideClaim, !claim.isEnding, !self.hasEnded,
            !self.stopSignal.isFired, claim.number == report.claimNumber
        else { return WorkerReply(.stale) }
        do throws(StoreError) {
            switch report.kind {
            case .beat(let lease): return try await self.beat(.milliseconds(lease))
            case .events(let entries): return try await self.note(entries)
            case .complete(let result): return try await self.complete(result, claim)
            case .giveBack(let reason, let delay):
                return try await self.giveBack(reason, delay ?? 0, claim)
            }
        } catch {
            if error.isTransient { return WorkerReply(.unavailable) }
            if error.code == .server, !self.hasEnded {
                // The database takes anything but this: the run fails alone, with its reason.
                await self.endWithout("its result cannot be stored: \(error.message)")
            } else {
                self.letGo(error)
            }
            self.mailbox.send(.abandon)
            return WorkerReply(.stale)
        }
    }

    private func beat(_ wanted: Duration) async throws(StoreError) -> WorkerReply {
        let lease = WorkerClaimMachine.bounded(wanted)
        guard let number = self.outsideClaim?.number else { return WorkerReply(.stale) }
        do {
            try await self.room.store.beat(self.claimed.fence, claim: number, lease: lease)
        } catch {
            // The worker lives, whatever became of the database.
            if error.isTransient { self.renew(lease) }
            throw error
        }
        self.renew(lease)
        return self.standing
    }

    private func renew(_ lease: Duration) {
        _ = self.outsideClaim?.machine.handle(.beat(lease: lease), at: NodeClock.now)
    }

    /// How the worker stands.
    private var standing: WorkerReply {
        guard let machine = self.outsideClaim?.machine, self.outsideClaim?.isEnding == false else {
            return WorkerReply(.stale)
        }
        return WorkerReply(
            .accepted,
            cancelReason: machine.cancelReason,
            isPaused: machine.isPaused,
            leaseMilliseconds: max(
                0,
                Int64(machine.leaseLeft(at: NodeClock.now) / .milliseconds(1))
            )
        )
    }

    private func note(_ entries: [WorkerReport.Entry]) async throws(StoreError) -> WorkerReply {
        let redactor = self.redactor
        for entry in entries {
            let step = entry.step.flatMap { id in self.plan.steps.first { $0.id == id }?.id }
            if let progress = entry.progress {
                let value = (try? JSONValue(parsing: progress)) ?? .null
                self.emit(.runProgress, step: step, data: redactor.redact(value))
            }
            guard let line = entry.line, self.outsideClaim?.isCut == false else { continue }
            self.outsideClaim?.lineBytes += line.utf8.count
            var data: [String: JSONValue] = [
                "stream": .string(entry.isError ? "stderr" : "stdout"),
                "line": .string(redactor.redact(line)),
            ]
            if self.outsideClaim?.lineBytes ?? 0 > Limits.outputStepBytesMax {
                self.outsideClaim?.isCut = true
                data["line"] = .string("")
                data["truncated"] = .bool(true)
            }
            self.emit(.stepOutput, step: step, attempt: 1, data: .object(data))
        }
        try await self.submit([])
        return self.standing
    }

    /// How long the run may take from now on.
    private func timeLeft(_ claim: OutsideClaim) -> Duration {
        .milliseconds(self.timeLeftMilliseconds) - (NodeClock.now - claim.since)
    }

    private func giveBack(
        _ reason: String,
        _ delay: Int64,
        _ claim: OutsideClaim
    ) async throws(StoreError) -> WorkerReply {
        let left = self.timeLeft(claim)
        if delay > 0, .milliseconds(delay) >= left {
            let seconds = max(0, left.components.seconds)
            return WorkerReply(
                .refused,
                reason: "the run's timeout ends it in \(seconds) s, before it would be its turn "
                    + "again: say a shorter delay, or complete it as failed"
            )
        }
        let text = self.redactor.redact(reason)
        try await self.requeue(
            "worker '\(claim.worker)' gave it back" + (text.isEmpty ? "" : ": \(text)"),
            isLost: false,
            delay: delay
        )
        self.mailbox.send(.abandon)
        return WorkerReply(.accepted, dueInMilliseconds: delay)
    }

    private func complete(
        _ result: WorkerReport.Result,
        _ claim: OutsideClaim
    ) async throws(StoreError) -> WorkerReply {
        let redactor = self.redactor
        for step in result.steps where !self.plan.steps.contains(where: { $0.id == step.step }) {
            return WorkerReply(
                .refused,
                reason: "plan '\(self.plan.name)' has no step '\(step.step.prefix(64))'"
            )
        }
        let records = self.records(of: result)
        let failure = result.failure.map { redactor.redact($0) }
        if result.status == .failed, let delay = result.retryAfterMilliseconds,
            claim.machine.triesAgain(
                after: .milliseconds(delay),
                attempts: self.claimed.retryCount + 1,
                of: self.plan.retry.maxAttempts,
                timeLeft: self.timeLeft(claim)
            )
        {
            try await self.requeue(
                failure ?? "it failed",
                isLost: false,
                delay: delay,
                isRetry: true,
                records
            )
            self.mailbox.send(.abandon)
            return WorkerReply(.accepted, dueInMilliseconds: delay)
        }
        let outputs = self.members(of: result.outputs)
        try await self.endOutside(result.status, failure: failure, outputs: outputs, records)
        ExecutionMetrics.workerResults.increment()
        self.mailbox.send(.abandon)
        return WorkerReply(.accepted)
    }

    /// What the journal keeps of the steps: one attempt more of each than it has.
    private func records(of result: WorkerReport.Result) -> [StepRecord] {
        result.steps.map { step in
            let index = self.plan.steps.firstIndex { $0.id == step.step }
            return StepRecord(
                step: step.step,
                attempt: (index.map { self.machine.attempts(of: $0) } ?? 0) + 1,
                state: step.state,
                outputs: self.members(of: step.outputs),
                failure: step.failure.map { self.redactor.redact($0) },
                failureKind: step.state == .failed ? .error : nil
            )
        }
    }

    private func members(of text: JSONText) -> [String: JSONValue] {
        let value = (try? JSONValue(parsing: text)) ?? .null
        return self.redactor.redact(value).objectValue ?? [:]
    }
}
