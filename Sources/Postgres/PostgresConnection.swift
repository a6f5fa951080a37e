// Decides what can be asked of one connection, and in which order it is answered.

import Glibc
public import Logging
import Metrics
import Synchronization

/// One connection to Postgres.
///
/// Calls queue in order; executions share the wire in pipeline mode. Cancelling a waiting task cancels its statement
/// and leaves the connection usable.
/// Owner: the caller of `connect`, or a pool. Runs on: one poller thread, which also reads its socket.
/// Ends: `close()`, loss of the server, or the last reference.
public actor PostgresConnection {
    nonisolated let poller: PollerExecutor
    nonisolated let configuration: PostgresConfiguration
    nonisolated let logger: Logger
    private nonisolated let closedFlag = Atomic<Bool>(false)
    nonisolated let onClose: (@Sendable (PostgresError) -> Void)?
    /// The server's version, such as 150014.
    public nonisolated let serverVersion: Int
    /// The server process that serves this connection.
    public nonisolated let backendPID: Int32

    let libpq: LibpqConnection
    let socket: Int32
    var closeError: PostgresError?
    var queue = ExchangeQueue()
    var inFlight = ExchangeQueue()
    var isInPipelineMode = true
    /// Cancel requests on their way; nothing new is sent until they arrived, or they could hit the wrong call.
    var cancellationsUnderway = 0
    /// All that were ever sent, so that a call can tell whether one fell into its time.
    var cancellationsSent: UInt64 = 0
    /// Whether a transaction was open when last nothing else was on the wire.
    private var wasInTransaction = false
    var prepared: [String: PreparedStatement] = [:]
    var preparedCount = 0
    var encoder = ParameterEncoder()
    var nextExchangeID: UInt64 = 1
    var timer: (id: UInt64, fireAtNanoseconds: UInt64)?
    var watched = (readable: true, writable: false)
    var listeners: [String: [UInt64: PostgresNotifications.Continuation]] = [:]
    var timers: [String: Metrics.Timer] = [:]

    /// The poller thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.poller.asUnownedSerialExecutor()
    }

    /// Whether a transaction is open. While other calls are on the wire it is as it was before them:
    /// those that may begin or end one travel alone.
    var isInTransaction: Bool {
        if let known = self.libpq.isInTransaction { self.wasInTransaction = known }
        return self.wasInTransaction
    }

    /// Whether the connection has ended, by either side.
    public nonisolated var isClosed: Bool { self.closedFlag.load(ordering: .acquiring) }

    private init(
        _ libpq: LibpqConnection,
        poller: PollerExecutor,
        configuration: PostgresConfiguration,
        logger: Logger,
        onClose: (@Sendable (PostgresError) -> Void)?
    ) {
        self.libpq = libpq
        self.socket = libpq.socket
        self.poller = poller
        self.configuration = configuration
        self.logger = logger
        self.onClose = onClose
        self.serverVersion = libpq.serverVersion
        self.backendPID = libpq.backendPID
    }

    deinit {
        guard !self.closedFlag.load(ordering: .acquiring) else { return }
        let libpq = self.libpq
        let socket = self.socket
        let poller = self.poller
        poller.submit {
            poller.unwatch(socket)
            libpq.finish()
        }
    }

    /// Connects within the configuration's `connectTimeout`; one attempt, no retry.
    public static func connect(
        _ configuration: PostgresConfiguration,
        logger: Logger
    ) async throws(PostgresError) -> PostgresConnection {
        try await Self.connect(configuration, logger: logger, onClose: nil)
    }

    /// Connects; `onClose` is called once, on the poller thread, when the connection ends.
    static func connect(
        _ configuration: PostgresConfiguration,
        logger: Logger,
        onClose: (@Sendable (PostgresError) -> Void)?
    ) async throws(PostgresError) -> PostgresConnection {
        let poller = PollerExecutor.next()
        let libpq = try await ConnectAttempt(configuration).run(poller: poller).get()
        let connection = PostgresConnection(
            libpq,
            poller: poller,
            configuration: configuration,
            logger: logger,
            onClose: onClose
        )
        await connection.start()
        return connection
    }

    /// Executes one statement, preparing it first when this connection has not yet; rows come in binary.
    public func execute(
        _ statement: PostgresStatement,
        _ values: [PostgresValue] = []
    ) async throws(PostgresError) -> PostgresRows {
        let request = PostgresRequest(statement, values)
        return try await self.only(self.perform(.requests([request], isTransaction: false)))
    }

    /// Executes `requests` in a transaction, in one round trip: BEGIN, all, COMMIT.
    ///
    /// The first error undoes all and is thrown.
    public func transaction(
        _ requests: [PostgresRequest]
    ) async throws(PostgresError) -> [PostgresRows] {
        try await self.perform(.requests(requests, isTransaction: true))
    }

    /// Executes `requests` in one round trip as one implicit transaction; the first error undoes all and is thrown.
    public func pipeline(
        _ requests: [PostgresRequest]
    ) async throws(PostgresError) -> [PostgresRows] {
        if requests.isEmpty { return [] }
        return try await self.perform(.requests(requests, isTransaction: false))
    }

    /// Executes one statement once, without a name; the server infers the types of `$1`, `$2`, ….
    public func query(
        _ sql: String,
        _ values: [PostgresValue] = [],
        format: PostgresFormat = .text
    ) async throws(PostgresError) -> PostgresRows {
        try await self.only(
            self.perform(.query(sql: sql, values: values, binary: format == .binary))
        )
    }

    /// Executes several statements separated by `;`, as one transaction unless the text says otherwise.
    public func script(_ sql: String) async throws(PostgresError) {
        _ = try await self.perform(.script(sql))
    }

    /// Ends the connection; calls still waiting fail with `.closed`.
    public func close() async {
        self.end(PostgresError(.closed, "the connection was closed"))
    }

    private func only(_ results: [PostgresRows]) throws(PostgresError) -> PostgresRows {
        guard let rows = results.last else {
            throw PostgresError(.protocolViolation, "the server sent no result")
        }
        return rows
    }

    // MARK: Inside the module

    private func start() {
        self.poller.watch(self.socket) { [weak self] readiness in
            self?.assumeIsolated { $0.socketReady(readiness) }
        }
    }

    /// Queues `work` and waits for its answer.
    func perform(_ work: Exchange.Work) async throws(PostgresError) -> [PostgresRows] {
        let exchange = self.makeExchange(work)
        let id = exchange.id
        let poller = self.poller
        let result: Result<[PostgresRows], PostgresError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.resume = { continuation.resume(returning: $0) }
                self.enqueue(exchange)
            }
        } onCancel: {
            poller.submit { self.assumeIsolated { $0.cancel(id, .task) } }
        }
        return try result.get()
    }

    func makeExchange(_ work: Exchange.Work) -> Exchange {
        let now = PollerExecutor.nowNanoseconds()
        self.nextExchangeID += 1
        return Exchange(
            id: self.nextExchangeID,
            work: work,
            startedNanoseconds: now,
            deadlineNanoseconds: now + self.configuration.statementTimeout.nanoseconds
        )
    }

    func enqueue(_ exchange: Exchange) {
        if let closeError {
            var error = closeError
            error.outcomeUnknown = false
            return self.complete(exchange, .failure(error))
        }
        guard self.queue.count < self.configuration.callsQueuedMax else {
            let message = "too many calls wait on this connection"
            return self.complete(exchange, .failure(PostgresError(.overloaded, message)))
        }
        self.queue.append(exchange)
        self.scheduleDeadline(exchange.deadlineNanoseconds)
        self.pump()
    }

    /// Tells the caller, once.
    func complete(_ exchange: Exchange, _ result: Result<[PostgresRows], PostgresError>) {
        guard exchange.phase != .ended else { return }
        exchange.phase = .ended
        exchange.outcome = result
        if let label = exchange.label {
            let elapsed = PollerExecutor.nowNanoseconds() &- exchange.startedNanoseconds
            let timer = self.timers[label] ?? PostgresMetrics.exchange(statement: label)
            self.timers[label] = timer
            timer.recordNanoseconds(Int64(clamping: elapsed))
        }
        if case .failure(let error) = result {
            PostgresMetrics.failures(code: error.code).increment()
        }
        let resume = exchange.resume
        exchange.resume = nil
        resume?(result)
        exchange.wakeUp()
    }

    /// Ends the connection with `error`, once; everything that waits learns it.
    func end(_ error: PostgresError) {
        guard self.closeError == nil else { return }
        self.closeError = error
        self.closedFlag.store(true, ordering: .releasing)
        if let timer { self.poller.cancelTimer(timer.id) }
        self.timer = nil
        self.poller.unwatch(self.socket)
        self.libpq.finish()
        for exchange in self.inFlight.removeAll() {
            var sent = error
            sent.outcomeUnknown = true
            sent.statement = exchange.currentStatement
            self.complete(exchange, .failure(sent))
        }
        for exchange in self.queue.removeAll() { self.complete(exchange, .failure(error)) }
        for continuation in self.listeners.values.flatMap({ $0.values }) {
            continuation.finish(throwing: error)
        }
        self.listeners.removeAll()
        self.onClose?(error)
    }
}
