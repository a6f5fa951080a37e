// Decides who gets a free place on a node: higher priority first, then sessions in turn.

/// The places of a node, and who waits for one.
///
/// Sessions take turns however many lanes of theirs wait, so a session with a thousand lanes delays
/// one with a single lane by one place each round. Inside a session lanes come in the order in which
/// they asked. Every operation takes constant time on average, but for a change of priority.
public struct PlacesMachine: Sendable {
    /// Somebody who waits for a place.
    public struct Ticket: Hashable, Sendable {
        fileprivate var number: UInt64
    }

    private struct Waiter {
        var lane: Int64
        var session: String
        var priority: Int
    }

    /// Values in the order in which they came.
    private struct Line<Value: Sendable>: Sendable {
        private var values: [Value] = []
        private var head = 0

        var isEmpty: Bool { self.head == self.values.count }

        mutating func append(_ value: Value) { self.values.append(value) }

        mutating func next() -> Value? {
            guard !self.isEmpty else { return nil }
            defer {
                self.head += 1
                if self.head > 64, self.head * 2 > self.values.count {
                    self.values.removeFirst(self.head)
                    self.head = 0
                }
            }
            return self.values[self.head]
        }
    }

    /// Sessions that wait with one priority, in turn.
    private struct Round: Sendable {
        var turns = Line<String>()
        var tickets: [String: Line<Ticket>] = [:]

        mutating func append(_ ticket: Ticket, of session: String) {
            if self.tickets[session] == nil { self.turns.append(session) }
            self.tickets[session, default: Line()].append(ticket)
        }

        mutating func next() -> Ticket? {
            guard let session = self.turns.next() else { return nil }
            let ticket = self.tickets[session]?.next()
            if self.tickets[session]?.isEmpty == false {
                self.turns.append(session)
            } else {
                self.tickets[session] = nil
            }
            return ticket
        }
    }

    /// Places that nobody has; below 0 when some were taken whatever the limit.
    public private(set) var free: Int
    private var waiters: [Ticket: Waiter] = [:]
    private var rounds: [Int: Round] = [:]
    /// Priorities with a round, highest first.
    private var priorities: [Int] = []
    private var count: UInt64 = 0

    /// Makes the places of a node.
    public init(places: Int) { self.free = places }

    /// What asking came to.
    public enum Answer: Sendable, Hashable {
        /// So many places, at least one.
        case granted(Int)
        /// One place when its turn comes.
        case waits(Ticket)
    }

    /// Asks for places.
    ///
    /// - Parameters:
    ///   - wanted: At most so many, at least 1.
    ///   - lane: For which lane.
    ///   - session: The lane's session.
    ///   - priority: The lane's priority; higher goes first.
    /// - Returns: What is granted now, or the ticket of the first place.
    public mutating func ask(
        _ wanted: Int,
        lane: Int64,
        session: String,
        priority: Int
    ) -> Answer {
        if self.free > 0, self.waiters.isEmpty {
            let granted = min(max(1, wanted), self.free)
            self.free -= granted
            return .granted(granted)
        }
        self.count += 1
        let ticket = Ticket(number: self.count)
        self.waiters[ticket] = Waiter(lane: lane, session: session, priority: priority)
        self.enter(ticket, session, priority)
        return .waits(ticket)
    }

    /// Takes places that are needed whatever the limit.
    public mutating func overdraw(_ places: Int) { self.free -= places }

    /// Gives places back.
    ///
    /// - Returns: Who gets one now.
    public mutating func give(_ places: Int) -> [Ticket] {
        self.free += places
        var granted: [Ticket] = []
        while self.free > 0, let ticket = self.next() {
            self.free -= 1
            granted.append(ticket)
        }
        return granted
    }

    /// Has the waiters of a lane wait with another priority, behind those of its session that have it.
    public mutating func reorder(_ lane: Int64, priority: Int) {
        for (ticket, waiter) in self.waiters.sorted(by: { $0.key.number < $1.key.number })
        where waiter.lane == lane && waiter.priority != priority {
            self.waiters[ticket]?.priority = priority
            self.enter(ticket, waiter.session, priority)
        }
    }

    private mutating func enter(_ ticket: Ticket, _ session: String, _ priority: Int) {
        if self.rounds[priority] == nil {
            let index = self.priorities.firstIndex { $0 < priority } ?? self.priorities.endIndex
            self.priorities.insert(priority, at: index)
        }
        self.rounds[priority, default: Round()].append(ticket, of: session)
    }

    /// The next who still waits, and waits with the priority of that round.
    private mutating func next() -> Ticket? {
        while let priority = self.priorities.first {
            while let ticket = self.rounds[priority]?.next() {
                guard self.waiters[ticket]?.priority == priority else { continue }
                self.waiters[ticket] = nil
                return ticket
            }
            self.rounds[priority] = nil
            self.priorities.removeFirst()
        }
        return nil
    }
}
