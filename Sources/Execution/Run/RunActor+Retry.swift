// How a run waits for its next attempt, which a person may put off, and which outlives its node.

internal import PulserIR
internal import StateMachines
internal import Store

extension RunActor {
    /// Keeps the lane's place during the pause, so that the lane stays in order.
    func pauseRun(_ retryCount: Int, _ milliseconds: Int64) async throws(StoreError) {
        let event = self.tell(
            .runRetrying,
            data: .object([
                "retry": .integer(Int64(retryCount)), "in_ms": .integer(milliseconds),
                "reason": .string(self.failure ?? "a step failed"),
            ])
        )
        self.isRunning = false
        let transition = self.transition(
            .waiting,
            waitReason: self.retryReason(milliseconds),
            nextAttempt: .after(milliseconds: milliseconds)
        )
        try await self.submit([.transition(transition), event])
    }

    private func retryReason(_ milliseconds: Int64) -> String {
        "attempt \(self.machine.retryCount + 1) of \(self.plan.retry.maxAttempts) begins in "
            + "\(milliseconds) ms"
    }

    /// A run that was taken over while it waited for its next attempt goes on waiting.
    func restoreRetry() async throws(StoreError) {
        guard self.outside == nil, self.claimed.hasJournal, self.claimed.retryCount > 0,
            let left = try await self.room.store.nextAttempt(of: self.claimed.fence),
            self.machine.restoreRetry()
        else { return }
        self.retryLeft = left
        let transition = self.transition(
            .waiting,
            waitReason: self.retryReason(left),
            nextAttempt: .asStored
        )
        try await self.submit([.transition(transition)])
    }

    /// Until the run's next attempt begins. News are that somebody changed when; whoever missed them
    /// finds a later time when the earlier one has come.
    func awaitRetry(_ milliseconds: Int64, _ first: StopSignal) async {
        var left = milliseconds
        var news = first
        while true {
            await news.wait(atMost: .milliseconds(left))
            if Task.isCancelled || self.stopSignal.isFired { return }
            news = self.news.next
            do {
                guard let next = try await self.room.store.nextAttempt(of: self.claimed.fence)
                else { break }
                left = next
            } catch  where error.isTransient {
                left = 500
            } catch {
                return self.letGo(error)
            }
        }
        self.mailbox.send(.event(.runRetryDue))
    }
}
