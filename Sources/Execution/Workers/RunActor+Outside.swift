// A run that a worker outside does: handed over, watched, ended by what the worker says of it.

internal import Cluster
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store
internal import Tools

/// What a run's actor knows of the worker that has the run.
struct OutsideClaim {
    /// The number that the worker names.
    let number: Int64
    let worker: String
    var machine: WorkerClaimMachine
    /// When time is looked at next.
    var timer: UInt64?
    /// Whether the claim is ending: nothing else ends it then.
    var isEnding = false
    /// Bytes of lines that were taken.
    var lineBytes = 0
    /// Whether the worker was told that it says too much.
    var isCut = false
}

extension RunActor {
    /// Works here, or has a worker outside do so.
    func workSomewhere() async {
        guard let outside = self.outside else { return await self.work() }
        let timeout = self.room.deadlines.set(after: .milliseconds(self.timeLeftMilliseconds)) {
            [mailbox = self.mailbox] in mailbox.send(.timeout)
        }
        defer {
            self.room.deadlines.remove(timeout)
            if let timer = self.outsideClaim?.timer { self.room.deadlines.remove(timer) }
        }
        do throws(StoreError) {
            guard try await self.begin(outside) else { return }
            if let reason = self.claimed.cancelReason {
                self.cancel(reason: reason, isLate: self.claimed.isLate)
            }
            if self.claimed.pause.by != nil { self.mailbox.send(.pause(self.claimed.pause)) }
            while try await self.takeOutside(self.mailbox.next()) {}
        } catch {
            self.letGo(error)
        }
    }

    /// A handover waits for each of its runs: one that never came to it says so.
    func leaveHandover() async {
        guard case .handing(let handover) = self.outside, !self.hasOffered else { return }
        self.hasOffered = true
        _ = await handover.offer(nil)
    }

    /// - Returns: Whether a worker has the run.
    private func begin(_ outside: OutsideBeginning) async throws(StoreError) -> Bool {
        let now = NodeClock.now
        switch outside {
        case .handing(let handover):
            if let reason = self.claimed.cancelReason {
                let status: RunStatus = self.claimed.isLate ? .timedOut : .cancelled
                try await self.endOutside(status, failure: reason)
                return false
            }
            let losses = try await self.room.store.hand(
                self.claimed.fence,
                attempt: self.claimed.attempt,
                to: handover.worker,
                lease: handover.lease
            )
            self.outsideClaim = OutsideClaim(
                number: self.claimNumber,
                worker: handover.worker,
                machine: WorkerClaimMachine(lease: handover.lease, losses: losses, at: now)
            )
            return try await self.hand(over: handover, losses: losses)
        case .adopted(let claim):
            self.outsideClaim = OutsideClaim(
                number: claim.claimNumber,
                worker: claim.worker,
                machine: WorkerClaimMachine(
                    adopted: claim.leaseLeft,
                    losses: claim.losses,
                    at: now
                )
            )
            self.mailbox.send(.leaseOver)
            return true
        case .unclaimed:
            try await self.requeue("the worker that it was for had gone", isLost: false)
            return false
        }
    }

    private func hand(over handover: Handover, losses: Int) async throws(StoreError) -> Bool {
        try await self.submit([.transition(self.transition(.running))])
        self.hasOffered = true
        let hasIt = await handover.offer(
            HandedRun(
                run: self.id.number,
                lane: self.lane.id,
                claimNumber: self.claimNumber,
                plan: self.claimed.planDigest.bytes,
                inputs: JSONValue.object(self.inputs).canonicalText,
                attempt: self.claimed.attempt,
                losses: losses,
                priority: self.claimed.priority,
                leaseMilliseconds: Int64(handover.lease / .milliseconds(1)),
                timeLeftMilliseconds: max(0, self.timeLeftMilliseconds)
            )
        )
        guard hasIt else {
            try await self.requeue("the worker that it was for had gone", isLost: false)
            return false
        }
        ExecutionMetrics.handed.increment()
        self.mailbox.send(.leaseOver)
        return true
    }

    /// Takes one message.
    ///
    /// - Returns: False when the claim is over.
    private func takeOutside(_ message: Message) async throws(StoreError) -> Bool {
        if case .abandon = message { return false }
        // Who ends the claim says so with an abandon.
        guard self.outsideClaim?.isEnding == false else { return true }
        switch message {
        case .cancel(let reason): return try await self.follow(.cancel(reason: reason))
        case .leaseOver: return try await self.follow(.look)
        case .pause(let pause):
            guard pause.number > self.lastPause?.number ?? 0 else { return true }
            self.lastPause = pause
            return try await self.follow(.pause(pause.by != nil))
        case .late(let reason):
            try await self.endOutside(.timedOut, failure: reason)
            return false
        case .timeout:
            let limit = Duration.milliseconds(self.plan.timeoutMilliseconds)
            try await self.endOutside(
                .timedOut,
                failure: "the run took longer than its timeout of \(limit)"
            )
            return false
        case .event, .lastEnded, .waits, .abandon: return true
        }
    }

    private func follow(_ event: WorkerClaimMachine.Event) async throws(StoreError) -> Bool {
        let now = NodeClock.now
        switch self.outsideClaim?.machine.handle(event, at: now) {
        case .wait(let end):
            if let timer = self.outsideClaim?.timer { self.room.deadlines.remove(timer) }
            self.outsideClaim?.timer = self.room.deadlines.set(after: end - now) {
                [mailbox = self.mailbox] in mailbox.send(.leaseOver)
            }
            return true
        case .requeue:
            ExecutionMetrics.workersLost.increment()
            let worker = self.outsideClaim?.worker ?? ""
            try await self.requeue("worker '\(worker)' was not heard of any more", isLost: true)
        case .fail(let reason):
            ExecutionMetrics.workersLost.increment()
            try await self.endClaim(isLost: true)
            try await self.endOutside(.failed, failure: reason)
        case .cancel(let reason):
            try await self.endClaim(isLost: false)
            try await self.endOutside(.cancelled, failure: reason)
        case nil: break
        }
        return false
    }

    private func endClaim(isLost: Bool) async throws(StoreError) {
        guard let claim = self.outsideClaim else { return }
        self.outsideClaim?.isEnding = true
        do {
            try await self.room.store.endExternalClaim(
                self.claimed.fence,
                claim: claim.number,
                isLost: isLost
            )
        } catch {
            // The claim goes on: what was passed over meanwhile is looked at again.
            self.outsideClaim?.isEnding = false
            self.mailbox.send(.leaseOver)
            if self.timeLeftMilliseconds <= 0 { self.mailbox.send(.timeout) }
            throw error
        }
    }

    /// Gives the run back to the queue, where it has its place again; whoever takes it has a higher
    /// claim number.
    private func requeue(_ reason: String, isLost: Bool) async throws(StoreError) {
        try await self.endClaim(isLost: isLost)
        var data: [String: JSONValue] = ["reason": .string(reason)]
        if let claim = self.outsideClaim {
            data["worker"] = .string(claim.worker)
            data["claim"] = .integer(claim.number)
        }
        let event = self.tell(.runRequeued, data: .object(data))
        try await self.submit([.transition(self.transition(.queued)), event])
        self.hasEnded = true
    }

    /// Writes the run's end.
    private func endOutside(
        _ status: RunStatus,
        failure: String? = nil,
        outputs: [String: JSONValue] = [:],
        _ records: [StepRecord] = []
    ) async throws(StoreError) {
        self.outsideClaim?.isEnding = true
        self.effects.hold()
        defer { self.effects.leave() }
        var data: [String: JSONValue] = [:]
        var text: String?
        if status == .succeeded, !outputs.isEmpty {
            text = JSONValue.object(outputs).canonicalText
            data["outputs"] = .object(outputs)
        }
        if let failure { data["reason"] = .string(failure) }
        if let claim = self.outsideClaim { data["worker"] = .string(claim.worker) }
        let event = self.tell(status.endEvent, data: data.isEmpty ? nil : .object(data))
        var transition = self.transition(status, failure: failure, outputs: text)
        transition.hasJournal = self.hasJournal
        // Not by `submit`: what goes with the end is no journal of its own.
        try await self.room.writer.submit(
            records.map { .journal($0) } + [.transition(transition), event],
            fence: self.claimed.fence,
            log: self.log
        )
        self.hasEnded = true
        ExecutionMetrics.runs(status)?.increment()
    }

    // MARK: What the worker says

    /// Takes what a worker says about the run.
    func take(_ report: WorkerReport) async -> WorkerReply {
        guard let claim = self.outsideClaim, !claim.isEnding, !self.hasEnded,
            !self.stopSignal.isFired, claim.number == report.claimNumber
        else { return WorkerReply(.stale) }
        do throws(StoreError) {
            switch report.kind {
            case .beat(let lease): return try await self.beat(.milliseconds(lease))
            case .events(let entries): return try await self.note(entries)
            case .complete(let result): return try await self.complete(result)
            case .giveBack(let reason):
                let text = self.redactor.redact(reason)
                try await self.requeue(
                    "worker '\(claim.worker)' gave it back" + (text.isEmpty ? "" : ": \(text)"),
                    isLost: false
                )
                self.mailbox.send(.abandon)
                return WorkerReply(.accepted)
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

    private func complete(_ result: WorkerReport.Result) async throws(StoreError) -> WorkerReply {
        let redactor = self.redactor
        for step in result.steps where !self.plan.steps.contains(where: { $0.id == step.step }) {
            return WorkerReply(
                .refused,
                reason: "plan '\(self.plan.name)' has no step '\(step.step.prefix(64))'"
            )
        }
        func object(_ text: JSONText) -> [String: JSONValue] {
            let value = (try? JSONValue(parsing: text)) ?? .null
            return redactor.redact(value).objectValue ?? [:]
        }
        let records = result.steps.map { step in
            StepRecord(
                step: step.step,
                attempt: 1,
                state: step.state,
                outputs: object(step.outputs),
                failure: step.failure.map { redactor.redact($0) },
                failureKind: step.state == .failed ? .error : nil
            )
        }
        try await self.endOutside(
            result.status,
            failure: result.failure.map { redactor.redact($0) },
            outputs: object(result.outputs),
            records
        )
        ExecutionMetrics.workerResults.increment()
        self.mailbox.send(.abandon)
        return WorkerReply(.accepted)
    }
}
