// Decides which request goes to which connection, and how many connections there are.

internal import NIOCore

extension ClientQueueMachine {
    /// Places what can be placed, makes and closes connections, asks to be woken.
    mutating func proceed(at now: NIODeadline) -> [Action] {
        var actions: [Action] = []
        self.takeDue(at: now)
        self.place(&actions)
        self.connect(at: now, &actions)
        self.tidyConnections(&actions)
        self.askToWake(at: now, &actions)
        if self.phase == .stopping, self.connections.isEmpty, self.requests.isEmpty {
            self.phase = .ended
            actions.append(.ended)
        }
        return actions
    }

    /// Requests whose pause is over go before those that were never tried.
    private mutating func takeDue(at now: NIODeadline) {
        guard !self.delayed.isEmpty else { return }
        var due: [RequestID] = []
        self.delayed.removeAll { id in
            guard case .delayed(let time) = self.requests[id]?.place else { return true }
            guard time <= now else { return false }
            due.append(id)
            return true
        }
        for id in due.reversed() {
            self.requests[id]?.place = .waiting
            self.waiting.prepend(id)
            self.waitingCount += 1
        }
    }

    private mutating func place(_ actions: inout [Action]) {
        while self.waitingCount > 0, let index = self.roomiest() {
            guard let id = self.waiting.popFirst() else { return }
            guard self.requests[id]?.place == .waiting else { continue }
            let connection = self.connections[index].id
            self.requests[id]?.place = .on(connection)
            self.requests[id]?.attempts += 1
            self.waitingCount -= 1
            self.connections[index].streams += 1
            actions.append(.start(id, on: connection))
        }
    }

    /// The ready connection with the fewest streams that takes one more.
    private func roomiest() -> Int? {
        var best: Int?
        for (index, connection) in self.connections.enumerated()
        where connection.state == .ready && connection.streams < connection.streamsMax {
            if let other = best, self.connections[other].streams <= connection.streams { continue }
            best = index
        }
        return best
    }

    private mutating func connect(at now: NIODeadline, _ actions: inout [Action]) {
        guard self.phase == .running, now >= self.connectAfter else { return }
        // What a connection will take is not known before it is there.
        let guess = max(1, min(self.settings.streamsMax, 100))
        while true {
            let current = self.connections.filter { $0.state == .connecting || $0.state == .ready }
            let coming = current.filter { $0.state == .connecting }.count
            guard self.waitingCount > coming * guess,
                current.count < self.settings.connectionsMax,
                self.connections.count < 4 * self.settings.connectionsMax
            else { return }
            let id = self.nextConnection
            self.nextConnection += 1
            self.connections.append(Connection(id: id))
            actions.append(.connect(id))
        }
    }

    /// Closes what nobody uses any more.
    private mutating func tidyConnections(_ actions: inout [Action]) {
        for index in self.connections.indices {
            let connection = self.connections[index]
            let isUseless: Bool
            switch connection.state {
            case .closing: isUseless = false
            case .leaving: isUseless = connection.streams == 0
            case .connecting: isUseless = self.phase == .stopping
            case .ready: isUseless = self.phase == .stopping && connection.streams == 0
            }
            if isUseless {
                self.connections[index].state = .closing
                actions.append(.close(connection.id))
            }
        }
    }

    private mutating func askToWake(at now: NIODeadline, _ actions: inout [Action]) {
        var time: NIODeadline?
        for id in self.delayed {
            guard case .delayed(let due) = self.requests[id]?.place else { continue }
            time = min(time ?? due, due)
        }
        if self.phase == .running, self.waitingCount > 0, self.connectAfter > now {
            time = min(time ?? self.connectAfter, self.connectAfter)
        }
        guard let time, self.wakeAt.map({ time < $0 }) ?? true else { return }
        self.wakeAt = time
        actions.append(.wake(time))
    }

    mutating func leave(_ id: ConnectionID, hasServed: Bool) {
        guard let index = self.index(of: id) else { return }
        self.connections[index].streams -= 1
        guard hasServed else { return }
        self.connections[index].hasServed = true
        self.failures = 0
    }

    mutating func delayConnecting(at now: NIODeadline, jitter: Double) {
        self.failures += 1
        self.connectAfter = now + self.pause(after: self.failures, jitter: jitter)
    }

    /// Doubles with every failure; half of it is chance.
    func pause(after failures: Int, jitter: Double) -> TimeAmount {
        var nanoseconds = self.settings.backoff.nanoseconds
        for _ in 1..<max(1, failures) where nanoseconds < self.settings.backoffMax.nanoseconds {
            nanoseconds = min(nanoseconds * 2, self.settings.backoffMax.nanoseconds)
        }
        return .nanoseconds(Int64(Double(nanoseconds) * (0.5 + jitter / 2)))
    }

    /// Keeps requests that no longer wait from piling up in the queue.
    mutating func tidyWaiting() {
        guard self.waiting.count > 2 * self.waitingCount + 16 else { return }
        let waiting = self.waiting.filter { self.requests[$0]?.place == .waiting }
        self.waiting = CircularBuffer()
        self.waiting.append(contentsOf: waiting)
    }

    func index(of id: ConnectionID) -> Int? {
        self.connections.firstIndex { $0.id == id }
    }
}
