// Decides what the pool's machine answers, in a table and in random histories.

import Testing

@testable import Postgres

/// SplitMix64: small, and the same everywhere.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private let start = ContinuousClock.now

private func configuration(max: Int, idle: Int) -> PostgresPoolConfiguration {
    var configuration = PostgresPoolConfiguration(connection: PostgresConfiguration(conninfo: ""))
    configuration.connectionsMax = max
    configuration.connectionsIdleMin = idle
    return configuration
}

struct PostgresPoolMachineTests {
    @Test("a connection is made for the first caller, lent, returned and lent again")
    func lending() {
        var machine = PostgresPoolMachine(configuration(max: 1, idle: 0))
        #expect(machine.started(at: start) == [])
        let deadline = start + .seconds(10)
        #expect(machine.acquire(1, at: start) == [.connect(1), .wake(at: deadline)])
        #expect(machine.acquire(2, at: start) == [])
        #expect(machine.connected(1, at: start) == [.lease(1, to: 1)])
        #expect(machine.released(1, at: start) == [.lease(1, to: 2)])
        let aged = start + .seconds(60)
        #expect(machine.released(1, at: start) == [.wake(at: aged)])
        #expect(machine.tick(at: aged) == [.close(1)])
        #expect(machine.connections.isEmpty)
    }

    @Test("a caller whose deadline passes is refused")
    func deadline() {
        var machine = PostgresPoolMachine(configuration(max: 1, idle: 0))
        _ = machine.started(at: start)
        _ = machine.acquire(1, at: start)
        #expect(machine.tick(at: start + .seconds(10)) == [.refuse(1, .timeout)])
    }

    @Test("a failed attempt is followed by a pause that doubles up to the limit")
    func backoff() {
        var machine = PostgresPoolMachine(configuration(max: 4, idle: 1))
        #expect(machine.started(at: start) == [.connect(1)])
        var now = start
        var id: UInt64 = 1
        for milliseconds in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let next = now + .milliseconds(milliseconds)
            let actions = machine.connectFailed(id, reason: "away", jitter: 1, at: now)
            #expect(actions == [.wake(at: next)])
            #expect(machine.availability == .unavailable(since: start, reason: "away"))
            now = next
            id += 1
            #expect(machine.tick(at: now) == [.connect(id)])
        }
        _ = machine.connected(id, at: now)
        #expect(machine.availability == .available)
    }

    @Test("while the server is away one attempt asks for all callers")
    func oneAttempt() {
        var machine = PostgresPoolMachine(configuration(max: 8, idle: 1))
        _ = machine.started(at: start)
        _ = machine.connectFailed(1, reason: "away", jitter: 0, at: start)
        for waiter in UInt64(1)...5 { _ = machine.acquire(waiter, at: start) }
        #expect(machine.tick(at: start + .seconds(1)).contains(.connect(2)))
        #expect(machine.connectingCount == 1)
    }

    @Test("an ended pool refuses everybody and closes everything")
    func stopped() {
        var machine = PostgresPoolMachine(configuration(max: 1, idle: 1))
        _ = machine.started(at: start)
        _ = machine.connected(1, at: start)
        _ = machine.acquire(1, at: start)
        _ = machine.acquire(2, at: start)
        #expect(machine.stopped() == [.refuse(2, .closed), .close(1)])
        #expect(machine.acquire(3, at: start) == [.refuse(3, .closed)])
        #expect(machine.connected(9, at: start) == [.close(9)])
    }

    @Test(
        "in random histories nothing is lent twice, no limit is passed and nobody is forgotten",
        arguments: 0..<200
    )
    func randomHistory(_ offset: UInt64) {
        let seed = 0x0C0F_FEE0 + offset
        var random = SeededGenerator(state: seed)
        let limit = Int.random(in: 1...4, using: &random)
        var history = PoolHistory(limit: limit, seed: seed)
        history.perform(history.machine.started(at: start))
        for _ in 0..<300 { history.step(&random) }
        history.finish()
    }
}

/// A pool's surroundings, and what must hold in them.
private struct PoolHistory {
    var machine: PostgresPoolMachine
    let limit: Int
    let seed: UInt64
    var now = start
    var connecting: Set<UInt64> = []
    var open: Set<UInt64> = []
    var lent: [UInt64: UInt64] = [:]
    var waiting: [UInt64: ContinuousClock.Instant] = [:]
    var nextWaiter: UInt64 = 1
    var wakeAt: ContinuousClock.Instant?

    init(limit: Int, seed: UInt64) {
        self.limit = limit
        self.seed = seed
        self.machine = PostgresPoolMachine(configuration(max: limit, idle: 1))
    }

    mutating func perform(_ actions: [PostgresPoolMachine.Action]) {
        for action in actions {
            switch action {
            case .connect(let id): self.connecting.insert(id)
            case .lease(let id, let waiter):
                #expect(self.open.contains(id) && self.lent[id] == nil, "seed \(self.seed)")
                #expect(self.waiting.removeValue(forKey: waiter) != nil, "seed \(self.seed)")
                self.lent[id] = waiter
            case .refuse(let waiter, _):
                #expect(self.waiting.removeValue(forKey: waiter) != nil, "seed \(self.seed)")
            case .close(let id):
                #expect(self.lent[id] == nil, "seed \(self.seed)")
                self.open.remove(id)
            case .wake(let at): self.wakeAt = at
            }
        }
        #expect(self.connecting.count + self.open.count <= self.limit, "seed \(self.seed)")
    }

    mutating func step(_ random: inout SeededGenerator) {
        self.now += .milliseconds(Int.random(in: 0...500, using: &random))
        if let wakeAt, wakeAt <= self.now {
            self.wakeAt = nil
            self.perform(self.machine.tick(at: self.now))
        }
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:
            self.waiting[self.nextWaiter] = self.now
            self.nextWaiter += 1
            self.perform(self.machine.acquire(self.nextWaiter - 1, at: self.now))
        case 2:
            guard let id = self.connecting.min() else { return }
            self.connecting.remove(id)
            self.open.insert(id)
            self.perform(self.machine.connected(id, at: self.now))
        case 3:
            guard let id = self.connecting.min() else { return }
            self.connecting.remove(id)
            self.perform(
                self.machine.connectFailed(id, reason: "", jitter: 0.5, at: self.now)
            )
        case 4:
            guard let id = self.lent.keys.min() else { return }
            self.lent[id] = nil
            self.perform(self.machine.released(id, at: self.now))
        case 5:
            guard let id = self.open.min() else { return }
            self.open.remove(id)
            self.lent[id] = nil
            self.perform(self.machine.lost(id, reason: "", at: self.now))
        default:
            guard let waiter = self.waiting.keys.min() else { return }
            self.perform(self.machine.cancelled(waiter))
        }
        for (_, asked) in self.waiting where self.wakeAt == nil {
            Issue.record("seed \(self.seed): a caller since \(asked) waits for nothing")
        }
    }

    /// With time alone everybody who waits is answered.
    mutating func finish() {
        for _ in 0..<100 where !self.waiting.isEmpty {
            guard let wakeAt else { break }
            self.now = max(self.now, wakeAt)
            self.wakeAt = nil
            self.perform(self.machine.tick(at: self.now))
        }
        #expect(self.waiting.isEmpty, "seed \(self.seed)")
    }
}
