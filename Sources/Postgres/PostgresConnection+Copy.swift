// Decides how bulk data flows in and out without piling up in memory.

/// Bytes buffered before the socket must take them.
private let copyBufferBytesMax = 256 * 1024

extension PostgresConnection {
    /// Feeds `COPY … FROM STDIN` with the chunks of `rows`, in the format the statement names.
    ///
    /// Chunks need not be whole rows. Returns the number of rows copied. A failing sequence undoes the COPY. The
    /// statement timeout limits the pause between chunks, not the whole.
    @discardableResult
    public func copyIn(
        _ sql: String,
        rows: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws(PostgresError) -> Int {
        let exchange = self.makeExchange(.copyIn(sql))
        self.enqueue(exchange)
        await self.progress(of: exchange) { $0.phase != .copying }
        var failure: PostgresError?
        if exchange.outcome == nil {
            do {
                var buffered = 0
                for try await chunk in rows {
                    try await self.put(chunk, &buffered, exchange)
                }
            } catch let error as PostgresError {
                failure = error
            } catch is CancellationError {
                failure = PostgresError(.cancelled, "the COPY was cancelled")
            } catch {
                failure = PostgresError(.copyFailed, "the rows to copy could not be read")
            }
        }
        if exchange.outcome == nil, exchange.cancelReason != nil, failure == nil {
            failure = Self.cancelled(exchange)
        }
        self.endCopyIn(exchange, failure)
        await self.progress(of: exchange) { _ in true }
        if let failure, self.closeError == nil { throw failure }
        return try self.copied(exchange)
    }

    /// Hands the data of `COPY … TO STDOUT` to `body` in chunks of whole rows, up to about 64 kB each.
    ///
    /// Nothing is read ahead of `body`. Returns the number of rows copied.
    @discardableResult
    public func copyOut(
        _ sql: String,
        _ body: @Sendable ([UInt8]) async throws -> Void
    ) async throws(PostgresError) -> Int {
        let exchange = self.makeExchange(.copyOut(sql))
        self.enqueue(exchange)
        await self.progress(of: exchange) { $0.phase != .copying }
        var failure: PostgresError?
        while exchange.outcome == nil, exchange.phase == .copying {
            let seen = exchange.signals
            let chunk = self.readCopy(exchange)
            if chunk.isEmpty, exchange.phase == .copying, exchange.outcome == nil {
                self.watch(readable: true, writable: self.watched.writable)
                await self.signal(to: exchange, after: seen)
                continue
            }
            guard !chunk.isEmpty, failure == nil else { continue }
            self.watch(readable: false, writable: self.watched.writable)
            do {
                try await body(chunk)
            } catch {
                failure = PostgresError(.copyFailed, "the receiver of the COPY failed")
                self.cancel(exchange.id, .task)
            }
            self.extendDeadline(exchange)
        }
        if self.closeError == nil {
            self.watch(readable: true, writable: self.watched.writable)
            self.receive()
        }
        await self.progress(of: exchange) { _ in true }
        if let failure, self.closeError == nil { throw failure }
        return try self.copied(exchange)
    }

    // MARK: Steps

    private func put(
        _ chunk: [UInt8],
        _ buffered: inout Int,
        _ exchange: Exchange
    ) async throws(PostgresError) {
        guard exchange.outcome == nil, self.closeError == nil, exchange.cancelReason == nil else {
            throw Self.cancelled(exchange)
        }
        guard self.libpq.putCopyData(chunk) else { return self.lose() }
        self.extendDeadline(exchange)
        buffered += chunk.count
        guard buffered >= copyBufferBytesMax else { return }
        buffered = 0
        self.flush()
        await self.progress(of: exchange) { exchange in
            self.watched.writable && exchange.cancelReason == nil
        }
    }

    private func endCopyIn(_ exchange: Exchange, _ failure: PostgresError?) {
        guard exchange.outcome == nil, self.closeError == nil, exchange.phase == .copying else {
            return
        }
        exchange.phase = .finishing
        self.extendDeadline(exchange)
        guard self.libpq.putCopyEnd(error: failure.map(\.message)) else { return self.lose() }
        self.flush()
        self.receive()
    }

    /// Takes rows until about 64 kB are there; ends the copying phase at the end of the data.
    private func readCopy(_ exchange: Exchange) -> [UInt8] {
        var chunk: [UInt8] = []
        while chunk.count < 64 * 1024 {
            switch self.libpq.getCopyData() {
            case .data(let row): chunk += row
            case .later: return chunk
            case .end, .failed:
                exchange.phase = .finishing
                return chunk
            }
        }
        return chunk
    }

    private func copied(_ exchange: Exchange) throws(PostgresError) -> Int {
        guard let outcome = exchange.outcome else { return 0 }
        return try outcome.get().last?.affected ?? 0
    }

    private static func cancelled(_ exchange: Exchange) -> PostgresError {
        exchange.cancelReason == .deadline
            ? PostgresError(.timeout, "the COPY made no progress before its deadline")
            : PostgresError(.cancelled, "the COPY was cancelled")
    }

    private func extendDeadline(_ exchange: Exchange) {
        exchange.deadlineNanoseconds =
            PollerExecutor.nowNanoseconds() + self.configuration.statementTimeout.nanoseconds
    }

    /// Waits as long as `exchange` has not ended and `isWaiting` holds.
    private func progress(of exchange: Exchange, while isWaiting: (Exchange) -> Bool) async {
        while true {
            let seen = exchange.signals
            guard exchange.outcome == nil, isWaiting(exchange) else { return }
            await self.signal(to: exchange, after: seen)
        }
    }

    /// Waits until something happened to `exchange` after the signal `seen`; the caller looks what it was.
    private func signal(to exchange: Exchange, after seen: UInt64) async {
        let id = exchange.id
        let poller = self.poller
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The socket may have been served on the way here.
                if exchange.signals != seen || exchange.outcome != nil {
                    return continuation.resume()
                }
                exchange.wake = continuation
            }
        } onCancel: {
            poller.submit { self.assumeIsolated { $0.cancel(id, .task) } }
        }
    }
}
