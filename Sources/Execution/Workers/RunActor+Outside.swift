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
    /// When this node began to watch it.
    let since: Duration
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
            // It waited for its turn too long: no worker gets it only to lose it.
            if self.timeLeftMilliseconds <= 0 {
                try await self.endOutside(.timedOut, failure: self.timeoutReason)
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
                machine: WorkerClaimMachine(lease: handover.lease, losses: losses, at: now),
                since: now
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
                ),
                since: now
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
                timeLeftMilliseconds: max(0, self.timeLeftMilliseconds),
                key: self.claimed.key,
                retries: self.claimed.retryCount
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
            try await self.endOutside(.timedOut, failure: self.timeoutReason)
            return false
        case .event, .lastEnded, .waits, .abandon: return true
        }
    }

    private var timeoutReason: String {
        let limit = Duration.milliseconds(self.plan.timeoutMilliseconds)
        return "the run took longer than its timeout of \(limit)"
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

    private func endClaim(isLost: Bool, delay: Int64 = 0) async throws(StoreError) {
        guard let claim = self.outsideClaim else { return }
        self.outsideClaim?.isEnding = true
        do {
            try await self.room.store.endExternalClaim(
                self.claimed.fence,
                claim: claim.number,
                isLost: isLost,
                delay: delay,
                retries: self.machine.retryCount
            )
        } catch {
            // The claim goes on: what was passed over meanwhile is looked at again.
            self.outsideClaim?.isEnding = false
            self.mailbox.send(.leaseOver)
            if self.timeLeftMilliseconds <= 0 { self.mailbox.send(.timeout) }
            throw error
        }
    }

    /// Gives the run back to the queue, where it has its place again, or comes to its turn when it is due;
    /// whoever takes it has a higher claim number. When it is due is on record before the claim is
    /// over, so it counts whoever puts the run there.
    ///
    /// - Parameters:
    ///   - reason: Why, one sentence.
    ///   - isLost: Whether nobody heard of the worker any more.
    ///   - delay: For how many milliseconds it is put off.
    ///   - isRetry: Whether it failed, and this is another attempt.
    ///   - records: How its steps came out.
    /// - Throws: What the store throws; the claim goes on unless its end is on record.
    func requeue(
        _ reason: String,
        isLost: Bool,
        delay: Int64 = 0,
        isRetry: Bool = false,
        _ records: [StepRecord] = []
    ) async throws(StoreError) {
        // Said again after a commit that failed it is the same attempt.
        if isRetry { self.machine = self.machine.again(retryCount: self.claimed.retryCount + 1) }
        try await self.endClaim(isLost: isLost, delay: delay)
        var data: [String: JSONValue] = ["reason": .string(reason)]
        if isRetry { data["retry"] = .integer(Int64(self.machine.retryCount)) }
        if isRetry || delay > 0 { data["in_ms"] = .integer(delay) }
        if let claim = self.outsideClaim {
            data["worker"] = .string(claim.worker)
            data["claim"] = .integer(claim.number)
        }
        let event = self.tell(isRetry ? .runRetrying : .runRequeued, data: .object(data))
        try await self.submit(
            records.map { .journal($0) } + [.transition(self.transition(.queued)), event]
        )
        self.hasEnded = true
        guard delay > 0 else { return }
        await self.room.store.tell(.due(lane: self.lane.id, milliseconds: delay))
    }

    /// Writes the run's end.
    func endOutside(
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
}
