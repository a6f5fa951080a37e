// Decides when a call has waited long enough, and how it is cancelled without hitting its neighbours.

internal import DequeModule

extension PostgresConnection {
    /// Makes sure that the timer fires by `deadline`.
    func scheduleDeadline(_ deadline: UInt64) {
        if let timer {
            if timer.fireAtNanoseconds <= deadline { return }
            self.poller.cancelTimer(timer.id)
        }
        let id = self.poller.schedule(at: deadline) { [weak self] in
            self?.assumeIsolated { $0.deadlineReached() }
        }
        self.timer = (id, deadline)
    }

    private func deadlineReached() {
        self.timer = nil
        guard self.closeError == nil else { return }
        let now = PollerExecutor.nowNanoseconds()
        for exchange in Array(self.queue.all) where exchange.deadlineNanoseconds <= now {
            self.cancel(exchange.id, .deadline)
        }
        for exchange in Array(self.inFlight.all) {
            if let limit = exchange.cancelDeadlineNanoseconds, limit <= now {
                let message =
                    "the server did not answer before the deadline, nor to the cancellation"
                self.complete(
                    exchange,
                    .failure(PostgresError(.timeout, message, outcomeUnknown: true))
                )
                return self.end(PostgresError(.connectionLost, message))
            }
            if exchange.deadlineNanoseconds <= now, exchange.cancelReason == nil {
                self.cancel(exchange.id, .deadline)
            }
        }
        guard self.closeError == nil else { return }
        let waiting = self.queue.all.lazy.map(\.deadlineNanoseconds)
        let travelling = self.inFlight.all.lazy.compactMap { exchange in
            exchange.cancelReason == nil
                ? exchange.deadlineNanoseconds : exchange.cancelDeadlineNanoseconds
        }
        if let next = [waiting.min(), travelling.min()].compactMap(\.self).min() {
            self.scheduleDeadline(next)
        }
    }

    /// Gives a call up: at once while it waits, through the server when it was sent.
    func cancel(_ id: UInt64, _ reason: Exchange.CancelReason) {
        if let waiting = self.queue.remove(id) {
            let error =
                reason == .task
                ? PostgresError(.cancelled, "the call was cancelled before it was sent")
                : PostgresError(.timeout, "the connection was too busy to send the call in time")
            self.complete(waiting, .failure(error))
            return self.pump()
        }
        guard let exchange = self.inFlight.all.first(where: { $0.id == id }),
            exchange.cancelReason == nil
        else { return }
        exchange.cancelReason = reason
        exchange.wakeUp()
        self.cancelHeadIfAsked()
    }

    /// The server cancels whatever it is working on, so only the head of the line is ever cancelled.
    func cancelHeadIfAsked() {
        guard let head = self.inFlight.first, head.cancelReason != nil,
            head.cancelDeadlineNanoseconds == nil
        else { return }
        let limit = PollerExecutor.nowNanoseconds() + self.configuration.cancelTimeout.nanoseconds
        head.cancelDeadlineNanoseconds = limit
        self.scheduleDeadline(limit)
        // A COPY into the server ends by saying so in its data.
        if head.phase == .copying, head.isCopyIn { return }
        guard let cancellation = self.libpq.cancellation() else { return }
        for other in self.inFlight.all where other.cancelReason == nil { other.mayBeVictim = true }
        self.cancellationsUnderway += 1
        self.cancellationsSent += 1
        let poller = self.poller
        let started = SideThread.start {
            cancellation.send()
            poller.submit { self.assumeIsolated { $0.cancellationArrived() } }
        }
        // Without a thread the deadline above ends the connection.
        if !started { self.cancellationsUnderway -= 1 }
    }

    private func cancellationArrived() {
        self.cancellationsUnderway -= 1
        if self.closeError == nil { self.pump() }
    }
}

extension PostgresConnection {
    /// Rolls back what a borrower left open; a connection that cannot is ended.
    func leaveTransaction() async {
        guard self.closeError == nil, self.inFlight.isEmpty, self.queue.isEmpty,
            self.isInTransaction
        else { return }
        let exchange = self.makeExchange(.query(sql: "ROLLBACK", values: [], binary: false))
        await withCheckedContinuation { continuation in
            exchange.resume = { _ in continuation.resume() }
            self.enqueue(exchange)
        }
        if self.closeError == nil, self.isInTransaction {
            self.end(PostgresError(.protocolViolation, "a transaction could not be rolled back"))
        }
    }
}
