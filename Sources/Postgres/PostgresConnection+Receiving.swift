// Decides what an answer means: which call it belongs to, and when that call is complete.

import CLibpq

extension PostgresConnection {
    /// The poller's call: the socket can be read or written.
    func socketReady(_ readiness: PollerExecutor.Readiness) {
        guard self.closeError == nil else { return }
        if readiness.writable {
            self.flush()
            self.inFlight.first?.wakeUp()
        }
        guard self.closeError == nil else { return }
        // A write that blocks makes libpq read, so there may be answers although nothing is left to read.
        let isAlive = readiness.readable ? self.libpq.consumeInput() : true
        self.receive()
        guard self.closeError == nil else { return }
        self.deliverNotifications()
        if isAlive, !self.libpq.isBad { self.pump() } else { self.lose() }
    }

    /// Takes every result that has arrived completely.
    func receive() {
        var emptyReads = 0
        while self.closeError == nil, let head = self.inFlight.first {
            if head.phase == .copying {
                head.wakeUp()
                return
            }
            if self.libpq.isBusy { return }
            guard let rows = self.libpq.nextResult() else {
                emptyReads = self.endOfCommand(head) ? 0 : emptyReads + 1
                // libpq needs one empty read to move on; a second one means that nothing is there.
                if emptyReads > 2 { return }
                continue
            }
            emptyReads = 0
            self.take(rows, for: head)
        }
    }

    /// Handles the end of one command's results; false when there was no command to end.
    private func endOfCommand(_ head: Exchange) -> Bool {
        if head.isOutsidePipeline {
            self.finish(head)
            return true
        }
        guard head.stepHasResult else { return false }
        head.stepHasResult = false
        head.stepIndex += 1
        return true
    }

    private func take(_ rows: PostgresRows, for head: Exchange) {
        head.stepHasResult = true
        switch rows.status {
        case PGRES_PIPELINE_SYNC:
            self.takeSync(head)
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            if head.stepIndex < head.steps.count, case .request = head.steps[head.stepIndex] {
                head.results.append(rows)
            }
        case PGRES_PIPELINE_ABORTED:
            self.forgetPrepared(head)
        case PGRES_COPY_IN where head.isCopyIn, PGRES_COPY_OUT where head.isCopyOut:
            head.phase = .copying
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            // The wire is in a state that no other call can leave.
            self.end(
                PostgresError(.protocolViolation, "COPY was sent as a query; use copyIn or copyOut")
            )
        default:
            let error = rows.serverError(statement: head.currentStatement)
            if error.needsPreparing, head.stepIndex < head.steps.count,
                case .request(let prepared) = head.steps[head.stepIndex]
            {
                prepared?.isBroken = true
            }
            self.forgetPrepared(head)
            if head.error == nil { head.error = error }
        }
    }

    private func takeSync(_ head: Exchange) {
        head.stepHasResult = false
        while head.stepIndex < head.steps.count {
            head.stepIndex += 1
            if case .sync = head.steps[head.stepIndex - 1] { break }
        }
        if head.stepIndex >= head.steps.count { self.finish(head) }
    }

    /// A statement that could not be prepared is not prepared.
    private func forgetPrepared(_ head: Exchange) {
        guard head.stepIndex < head.steps.count,
            case .prepare(let failed) = head.steps[head.stepIndex],
            self.prepared[failed.statement.name] === failed
        else { return }
        self.prepared[failed.statement.name] = nil
    }

    /// The head of the line is answered.
    private func finish(_ head: Exchange) {
        _ = self.inFlight.popFirst()
        let isInTransaction = self.isInTransaction
        let isVictim =
            head.error?.sqlState == "57014" && head.cancelReason == nil && head.mayBeVictim
            && !isInTransaction
        // The server lost the statement or its plan, and so undid the call as a whole; prepared anew it can succeed.
        let isStale =
            head.error?.needsPreparing == true && head.cancelReason == nil
            && head.repetitions < Exchange.repetitionsMax
            && (head.isTransaction || !isInTransaction)
        if isVictim || isStale {
            // Undone as a whole by a cancellation meant for another call, or stale: it is repeated.
            if isStale, head.cancellationsBefore == self.cancellationsSent { head.repetitions += 1 }
            head.reset()
            self.queue.prepend(head)
            if isInTransaction { self.rollBack() }
        } else {
            if head.isTransaction, head.error != nil, isInTransaction { self.rollBack() }
            self.complete(head, Self.result(of: head))
        }
        self.cancelHeadIfAsked()
        // Not from within `pump`: results are only ever read outside of it.
        self.pump()
    }

    private static func result(of head: Exchange) -> Result<[PostgresRows], PostgresError> {
        guard var error = head.error else { return .success(head.results) }
        // The cancellation may have hit the preparation instead of the execution.
        guard error.sqlState == "57014" || error.needsPreparing, let reason = head.cancelReason
        else { return .failure(error) }
        switch reason {
        case .task:
            error.code = .cancelled
            error.message = "the statement was cancelled"
        case .deadline:
            error.code = .timeout
            error.message = "the statement did not finish before its deadline and was cancelled"
        }
        return .failure(error)
    }

    /// A transaction that failed stays open on the server until it is rolled back.
    private func rollBack() {
        let work = Exchange.Work.query(sql: "ROLLBACK", values: [], binary: false)
        let rollback = self.makeExchange(work)
        self.queue.prepend(rollback)
        self.scheduleDeadline(rollback.deadlineNanoseconds)
    }

    /// The connection broke: what has arrived is read first, because it may say why.
    func lose() {
        guard self.closeError == nil else { return }
        var last: PostgresError?
        for _ in 0..<64 where !self.libpq.isBusy {
            guard let rows = self.libpq.nextResult() else { break }
            if rows.status == PGRES_FATAL_ERROR { last = rows.serverError(statement: nil) }
        }
        let known = last ?? self.inFlight.first?.error
        let message = self.libpq.errorMessage
        self.end(
            PostgresError(
                .connectionLost,
                known?.message
                    ?? (message.isEmpty ? "the connection to the server broke" : message),
                sqlState: known?.sqlState
            )
        )
    }
}
