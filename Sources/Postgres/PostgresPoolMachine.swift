// Decides which connection serves whom, when to connect, and when to give up waiting. Pure: time comes in as a value.

/// The pool's decisions: events in, actions out.
///
/// A connection is connecting → idle ⇄ leased → gone. At most one attempt runs while the server is unavailable, and
/// none before the backoff has passed.
struct PostgresPoolMachine: Sendable {
    typealias ConnectionID = UInt64
    typealias WaiterID = UInt64
    typealias Instant = ContinuousClock.Instant

    /// What the pool's driver has to do.
    enum Action: Sendable, Hashable {
        case connect(ConnectionID)
        case lease(ConnectionID, to: WaiterID)
        case refuse(WaiterID, Refusal)
        case close(ConnectionID)
        /// Send a `tick` at this time; a later order replaces it.
        case wake(at: Instant)
    }

    /// Why a waiter gets no connection.
    enum Refusal: Sendable, Hashable {
        case timeout
        case tooManyWaiters
        case cancelled
        case closed
    }

    enum ConnectionState: Sendable, Hashable {
        case connecting
        case idle(since: Instant)
        case leased
    }

    private struct Waiter: Sendable {
        var id: WaiterID
        var deadline: Instant
    }

    private(set) var connections: [ConnectionID: ConnectionState] = [:]
    private(set) var availability = PostgresAvailability.available
    private(set) var failuresInARow = 0
    private var waiters: [Waiter] = []
    private var idle: [ConnectionID] = []
    private var nextConnection: ConnectionID = 1
    private var nextAttemptAt: Instant?
    private var wakeAt: Instant?
    private var isRunning = false
    private var isStopped = false
    private let configuration: PostgresPoolConfiguration

    init(_ configuration: PostgresPoolConfiguration) { self.configuration = configuration }

    /// How many connections are being made.
    var connectingCount: Int { self.connections.values.count { $0 == .connecting } }

    // MARK: Events

    /// The pool runs; connections may be made.
    mutating func started(at now: Instant) -> [Action] {
        self.isRunning = true
        return self.settle(now)
    }

    /// The pool ends: nobody gets a connection any more.
    mutating func stopped() -> [Action] {
        self.isStopped = true
        let refusals = self.waiters.map { Action.refuse($0.id, .closed) }
        let closes = self.connections.keys.sorted().map { Action.close($0) }
        self.waiters = []
        self.idle = []
        self.connections = [:]
        return refusals + closes
    }

    /// Somebody wants a connection.
    mutating func acquire(_ waiter: WaiterID, at now: Instant) -> [Action] {
        if self.isStopped { return [.refuse(waiter, .closed)] }
        if self.waiters.count >= self.configuration.waitersMax {
            return [.refuse(waiter, .tooManyWaiters)]
        }
        let deadline = now + self.configuration.acquireTimeout
        self.waiters.append(Waiter(id: waiter, deadline: deadline))
        return self.settle(now)
    }

    /// A waiter gave up.
    mutating func cancelled(_ waiter: WaiterID) -> [Action] {
        guard let index = self.waiters.firstIndex(where: { $0.id == waiter }) else { return [] }
        self.waiters.remove(at: index)
        return [.refuse(waiter, .cancelled)]
    }

    /// An attempt succeeded.
    mutating func connected(_ connection: ConnectionID, at now: Instant) -> [Action] {
        guard self.connections[connection] == .connecting else { return [.close(connection)] }
        self.availability = .available
        self.failuresInARow = 0
        self.nextAttemptAt = nil
        self.makeIdle(connection, now)
        return self.settle(now)
    }

    /// An attempt failed; `jitter` in 0...1 spreads the attempts of many nodes.
    mutating func connectFailed(
        _ connection: ConnectionID,
        reason: String,
        jitter: Double,
        at now: Instant
    ) -> [Action] {
        guard self.connections.removeValue(forKey: connection) != nil else { return [] }
        self.failuresInARow += 1
        let exponent = min(self.failuresInARow - 1, 30)
        let full = min(
            self.configuration.backoffMin * (1 << exponent),
            self.configuration.backoffMax
        )
        // Between half of the pause and all of it, so that it grows and still spreads.
        let pause = full * (0.5 + 0.5 * min(max(jitter, 0), 1))
        self.nextAttemptAt = max(self.nextAttemptAt ?? now, now + pause)
        self.noteUnavailable(reason, now)
        return self.settle(now)
    }

    /// A caller is done with its connection.
    mutating func released(_ connection: ConnectionID, at now: Instant) -> [Action] {
        guard self.connections[connection] == .leased else { return [] }
        self.makeIdle(connection, now)
        return self.settle(now)
    }

    /// A connection ended, idle or lent.
    mutating func lost(_ connection: ConnectionID, reason: String, at now: Instant) -> [Action] {
        guard self.connections.removeValue(forKey: connection) != nil else { return [] }
        self.idle.removeAll { $0 == connection }
        return self.settle(now)
    }

    /// Time passed.
    mutating func tick(at now: Instant) -> [Action] {
        self.wakeAt = nil
        return self.settle(now)
    }

    // MARK: Deciding

    private mutating func makeIdle(_ connection: ConnectionID, _ now: Instant) {
        self.connections[connection] = .idle(since: now)
        self.idle.append(connection)
    }

    private mutating func noteUnavailable(_ reason: String, _ now: Instant) {
        let isOpen = self.connections.values.contains { $0 != .connecting }
        guard !isOpen else { return }
        if case .unavailable(let since, _) = self.availability {
            self.availability = .unavailable(since: since, reason: reason)
        } else {
            self.availability = .unavailable(since: now, reason: reason)
        }
    }

    /// Everything that follows from the state as it is now.
    private mutating func settle(_ now: Instant) -> [Action] {
        guard !self.isStopped else { return [] }
        var actions: [Action] = []
        while let overdue = self.waiters.first, overdue.deadline <= now {
            self.waiters.removeFirst()
            actions.append(.refuse(overdue.id, .timeout))
        }
        // The connection used last is the warmest, and lets the others grow old enough to be closed.
        while !self.waiters.isEmpty, let connection = self.idle.popLast() {
            self.connections[connection] = .leased
            actions.append(.lease(connection, to: self.waiters.removeFirst().id))
        }
        actions += self.closeAged(now)
        actions += self.connectAsNeeded(now)
        if let wake = self.nextWake(), wake != self.wakeAt {
            self.wakeAt = wake
            actions.append(.wake(at: wake))
        }
        return actions
    }

    private mutating func closeAged(_ now: Instant) -> [Action] {
        var actions: [Action] = []
        while self.idle.count > self.configuration.connectionsIdleMin, let oldest = self.idle.first,
            case .idle(let since) = self.connections[oldest],
            since + self.configuration.idleTimeout <= now
        {
            self.idle.removeFirst()
            self.connections[oldest] = nil
            actions.append(.close(oldest))
        }
        return actions
    }

    private mutating func connectAsNeeded(_ now: Instant) -> [Action] {
        guard self.isRunning else { return [] }
        if let nextAttemptAt {
            guard nextAttemptAt <= now else { return [] }
        }
        var actions: [Action] = []
        let connecting = self.connectingCount
        let spare = max(0, self.configuration.connectionsIdleMin - self.idle.count)
        var wanted = max(self.waiters.count, spare) - connecting
        // While the server is away, one attempt asks for all.
        if self.failuresInARow > 0 { wanted = min(wanted, 1 - connecting) }
        wanted = min(wanted, self.configuration.connectionsMax - self.connections.count)
        for _ in 0..<max(0, wanted) {
            self.connections[self.nextConnection] = .connecting
            actions.append(.connect(self.nextConnection))
            self.nextConnection += 1
        }
        return actions
    }

    private func nextWake() -> Instant? {
        var candidates = [self.waiters.first?.deadline]
        if self.isRunning, self.connectingCount == 0 { candidates.append(self.nextAttemptAt) }
        if self.idle.count > self.configuration.connectionsIdleMin, let oldest = self.idle.first,
            case .idle(let since) = self.connections[oldest]
        {
            candidates.append(since + self.configuration.idleTimeout)
        }
        return candidates.compactMap(\.self).min()
    }
}
