// Decides how connections are shared: the machine's decisions carried out.

public import Logging
import Metrics
import Synchronization

/// Connections shared by many callers.
///
/// Owner: whoever runs `run()`. Callers may ask before it runs; they wait. Ends: cancellation of `run()`.
public final class PostgresPool: Sendable {
    private typealias Machine = PostgresPoolMachine
    private typealias Lease = Result<PostgresConnection, PostgresError>

    private struct State {
        var machine: PostgresPoolMachine
        var connections: [UInt64: PostgresConnection] = [:]
        var waiters: [UInt64: CheckedContinuation<Lease, Never>] = [:]
        var ids: [ObjectIdentifier: UInt64] = [:]
        var nextWaiter: UInt64 = 1
        /// When the poller calls next; later wishes of the machine wait for that call and are repeated then.
        var timerAt: ContinuousClock.Instant?
    }

    /// What happens after the lock is released.
    private enum Effect {
        case resume(CheckedContinuation<Lease, Never>, Lease)
        case order(Order)
        case wake(at: ContinuousClock.Instant)
    }

    /// What `run()` does in its task group.
    private enum Order: Sendable {
        case connect(UInt64)
        case close(PostgresConnection)
    }

    private let configuration: PostgresPoolConfiguration
    private let logger: Logger
    private let state: Mutex<State>
    private let orders: AsyncStream<Order>
    private let ordersContinuation: AsyncStream<Order>.Continuation
    private let poller = PollerExecutor.next()
    private let acquireTimer = PostgresMetrics.acquire()
    private let openGauge = PostgresMetrics.connectionsOpen()
    private let waitersGauge = PostgresMetrics.waiters()

    /// Describes a pool; nothing connects before `run()`.
    public init(_ configuration: PostgresPoolConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        self.state = Mutex(State(machine: PostgresPoolMachine(configuration)))
        // Bounded by the machine: one order per connection it counts, at most two.
        (self.orders, self.ordersContinuation) = AsyncStream.makeStream()
    }

    /// Whether the server can be reached.
    public var availability: PostgresAvailability {
        self.state.withLock { $0.machine.availability }
    }

    /// Keeps the pool's connections; returns when cancelled, with every connection closed.
    public func run() async throws {
        await withDiscardingTaskGroup { group in
            self.handle { machine, now in machine.started(at: now) }
            for await order in self.orders {
                switch order {
                case .connect(let id): group.addTask { await self.connect(id) }
                case .close(let connection): group.addTask { await connection.close() }
                }
            }
            // Cancelled: the group's attempts are cancelled with it, open connections are closed here.
            let open = self.state.withLock { Array($0.connections.values) }
            self.handle { machine, _ in machine.stopped() }
            for connection in open { await connection.close() }
        }
    }

    /// Lends a connection to `body`, waiting for a free one up to `acquireTimeout`.
    ///
    /// The connection belongs to `body` alone until it returns. A transaction left open is rolled back.
    public func withConnection<Value>(
        _ body: (PostgresConnection) async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        let connection = try await self.acquire()
        do throws(PostgresError) {
            let value = try await body(connection)
            await self.release(connection)
            return value
        } catch {
            await self.release(connection)
            throw error
        }
    }

    /// Executes one statement on any connection.
    public func execute(
        _ statement: PostgresStatement,
        _ values: [PostgresValue] = []
    ) async throws(PostgresError) -> PostgresRows {
        try await self.withConnection { connection throws(PostgresError) in
            try await connection.execute(statement, values)
        }
    }

    /// Executes `requests` as one transaction on any connection; see `PostgresConnection.transaction`.
    public func transaction(
        _ requests: [PostgresRequest]
    ) async throws(PostgresError) -> [PostgresRows] {
        try await self.withConnection { connection throws(PostgresError) in
            try await connection.transaction(requests)
        }
    }

    /// Executes `requests` in one round trip on any connection; see `PostgresConnection.pipeline`.
    public func pipeline(
        _ requests: [PostgresRequest]
    ) async throws(PostgresError) -> [PostgresRows] {
        try await self.withConnection { connection throws(PostgresError) in
            try await connection.pipeline(requests)
        }
    }

    // MARK: Lending

    private func acquire() async throws(PostgresError) -> PostgresConnection {
        let asked = ContinuousClock.now
        let id = self.state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let lease: Lease = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.state.withLock { $0.waiters[id] = continuation }
                self.handle { machine, now in machine.acquire(id, at: now) }
                if Task.isCancelled { self.handle { machine, _ in machine.cancelled(id) } }
            }
        } onCancel: {
            self.handle { machine, _ in machine.cancelled(id) }
        }
        let waited = ContinuousClock.now - asked
        self.acquireTimer.recordNanoseconds(Int64(clamping: waited.nanoseconds))
        return try lease.get()
    }

    private func release(_ connection: PostgresConnection) async {
        await connection.leaveTransaction()
        let id = self.state.withLock { $0.ids[ObjectIdentifier(connection)] }
        if let id { self.handle { machine, now in machine.released(id, at: now) } }
    }

    // MARK: Connecting

    private func connect(_ id: UInt64) async {
        do throws(PostgresError) {
            let connection = try await PostgresConnection.connect(
                self.configuration.connection,
                logger: self.logger
            ) { [weak self] error in self?.lost(id, error) }
            let isWanted = self.state.withLock { state in
                guard state.machine.connections[id] == .connecting else { return false }
                state.connections[id] = connection
                state.ids[ObjectIdentifier(connection)] = id
                return true
            }
            guard isWanted else { return await connection.close() }
            self.handle { machine, now in machine.connected(id, at: now) }
            // It may have ended before it was registered.
            if connection.isClosed {
                self.lost(id, PostgresError(.connectionLost, "the connection ended at once"))
            }
        } catch {
            if error.code != .cancelled {
                self.logger.warning(
                    "postgres connection failed",
                    metadata: ["code": "\(error.code)", "reason": "\(error.message)"]
                )
            }
            let jitter = Double.random(in: 0...1)
            self.handle { machine, now in
                machine.connectFailed(id, reason: error.message, jitter: jitter, at: now)
            }
        }
    }

    private func lost(_ id: UInt64, _ error: PostgresError) {
        let isKnown = self.state.withLock { state in
            guard let connection = state.connections.removeValue(forKey: id) else { return false }
            state.ids[ObjectIdentifier(connection)] = nil
            return true
        }
        if isKnown, error.code != .closed {
            self.logger.warning(
                "postgres connection lost",
                metadata: ["code": "\(error.code)", "reason": "\(error.message)"]
            )
        }
        self.handle { machine, now in machine.lost(id, reason: error.message, at: now) }
    }

    // MARK: Machine and effects

    /// Lets the machine decide under the lock and acts after it.
    private func handle(
        _ event: (inout PostgresPoolMachine, ContinuousClock.Instant) -> [PostgresPoolMachine
            .Action]
    ) {
        let effects = self.state.withLock { state in
            let actions = event(&state.machine, .now)
            let effects = actions.compactMap { Self.effect(of: $0, &state) }
            self.openGauge.record(state.connections.count)
            self.waitersGauge.record(state.waiters.count)
            return effects
        }
        for effect in effects {
            switch effect {
            case .resume(let continuation, let lease): continuation.resume(returning: lease)
            case .order(let order): self.ordersContinuation.yield(order)
            case .wake(let at): self.wake(at: at)
            }
        }
    }

    private func wake(at instant: ContinuousClock.Instant) {
        let poller = self.poller
        poller.submit { [weak self] in
            let fireAt =
                PollerExecutor.nowNanoseconds() + (instant - ContinuousClock.now).nanoseconds
            _ = poller.schedule(at: fireAt) {
                guard let self else { return }
                self.state.withLock { state in
                    if state.timerAt == instant { state.timerAt = nil }
                }
                self.handle { machine, now in machine.tick(at: now) }
            }
        }
    }

    private static func effect(
        of action: PostgresPoolMachine.Action,
        _ state: inout State
    ) -> Effect? {
        switch action {
        case .connect(let id): return .order(.connect(id))
        case .close(let id):
            guard let connection = state.connections.removeValue(forKey: id) else { return nil }
            state.ids[ObjectIdentifier(connection)] = nil
            return .order(.close(connection))
        case .lease(let id, let waiter):
            guard let continuation = state.waiters.removeValue(forKey: waiter) else { return nil }
            guard let connection = state.connections[id] else {
                // Lost between the decision and now; `lost` tells the machine.
                let error = PostgresError(.connectionLost, "the connection was lost before its use")
                return .resume(continuation, .failure(error))
            }
            return .resume(continuation, .success(connection))
        case .refuse(let waiter, let refusal):
            guard let continuation = state.waiters.removeValue(forKey: waiter) else { return nil }
            let error = Self.error(refusal, state.machine.availability)
            return .resume(continuation, .failure(error))
        case .wake(let at):
            if let timerAt = state.timerAt, timerAt <= at { return nil }
            state.timerAt = at
            return .wake(at: at)
        }
    }

    private static func error(
        _ refusal: PostgresPoolMachine.Refusal,
        _ availability: PostgresAvailability
    ) -> PostgresError {
        switch refusal {
        case .closed: return PostgresError(.closed, "the pool has ended")
        case .cancelled: return PostgresError(.cancelled, "waiting for a connection was cancelled")
        case .tooManyWaiters:
            return PostgresError(.poolExhausted, "too many callers wait for a connection")
        case .timeout:
            if case .unavailable(_, let reason) = availability {
                return PostgresError(.missingServer, reason)
            }
            return PostgresError(.poolExhausted, "no connection became free in time")
        }
    }
}
