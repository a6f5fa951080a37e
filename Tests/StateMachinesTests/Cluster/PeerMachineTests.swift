// Decides how a peer comes to be suspected, and how it is cleared.

import StateMachines
import Testing

@Suite
struct PeerMachineTests {
    /// A peer and a clock; probes get the names 1, 2, 3 …
    private struct Bench {
        var peer = PeerMachine(at: .zero)
        var now: Duration = .zero
        var probes = 0
        var routes: [PeerMachine.Route] = []

        /// Lets time go on to the next thing that is due.
        mutating func step() {
            self.now = max(self.now, self.peer.wakeAt)
            guard let route = self.peer.tick(at: self.now, id: self.probes + 1) else { return }
            self.probes += 1
            self.routes.append(route)
        }

        mutating func answer(_ answer: PeerMachine.Answer, after wait: Duration) {
            self.now += wait
            self.peer.answered(self.probes, answer, at: self.now)
        }

        /// Some probes that are answered in time.
        mutating func live(_ count: Int, latency: Duration) {
            for _ in 0..<count {
                self.step()
                self.answer(.alive, after: latency)
            }
        }
    }

    @Test("probes go out every half second while they are answered")
    func interval() {
        var bench = Bench()
        bench.live(21, latency: .milliseconds(2))
        #expect(bench.now == .milliseconds(10_002))
        #expect(bench.peer.suspicion == .none)
        #expect(bench.routes.allSatisfy { $0 == .direct })
    }

    @Test("three misses make a peer suspected; the third probe goes through another peer")
    func soft() {
        var bench = Bench()
        bench.live(20, latency: .milliseconds(2))
        let silentSince = bench.now
        bench.routes = []
        while bench.peer.suspicion == .none { bench.step() }
        #expect(bench.routes.prefix(3) == [.direct, .direct, .indirect])
        #expect(bench.peer.suspicion == .soft)
        let wait = bench.now - silentSince
        #expect(wait > .milliseconds(1_500) && wait < .seconds(3), "\(wait)")
    }

    @Test("an answer by way of another peer clears, and so does one that comes too late")
    func clear() {
        for isLate in [false, true] {
            var bench = Bench()
            bench.live(5, latency: .milliseconds(2))
            while bench.peer.suspicion == .none { bench.step() }
            if isLate {
                bench.peer.answered(1, .alive, at: bench.now)
            } else {
                while bench.routes.last != .indirect { bench.step() }
                bench.answer(.alive, after: .milliseconds(5))
            }
            #expect(bench.peer.suspicion == .none)
        }
    }

    @Test("a refusal is tried again at once, and only a second one is hard")
    func hard() {
        for first in [PeerMachine.Answer.reset, .refused] {
            var bench = Bench()
            bench.live(5, latency: .milliseconds(2))
            bench.step()
            bench.answer(first, after: .milliseconds(1))
            #expect(bench.peer.suspicion == .none)
            #expect(bench.peer.wakeAt <= bench.now)
            bench.step()
            bench.answer(.refused, after: .milliseconds(1))
            #expect(bench.peer.suspicion == .hard(at: bench.now))
            while bench.routes.last != .direct { bench.step() }
            bench.step()
            bench.answer(.alive, after: .milliseconds(1))
            #expect(bench.peer.suspicion == .none)
        }
    }

    @Test("a connection that is reset again and again is no refusal")
    func reset() {
        var bench = Bench()
        bench.live(5, latency: .milliseconds(2))
        for _ in 0..<3 {
            bench.step()
            bench.answer(.reset, after: .milliseconds(1))
        }
        #expect(bench.peer.suspicion == .soft)
    }

    @Test("the timeout is learned and stays between a quarter of a second and two")
    func timeout() {
        for (latency, shortest, longest) in [(1, 250, 250), (200, 250, 600), (3_000, 2_000, 2_000)]
        {
            var bench = Bench()
            bench.live(60, latency: .milliseconds(latency))
            bench.step()
            let timeout = bench.peer.wakeAt - bench.now
            #expect(timeout >= .milliseconds(shortest), "\(latency) ms: \(timeout)")
            #expect(timeout <= .milliseconds(longest), "\(latency) ms: \(timeout)")
        }
    }

    @Test("a peer that became slow is waited for longer, because its late answers teach it")
    func slowness() {
        var bench = Bench()
        bench.live(20, latency: .milliseconds(2))
        for _ in 0..<12 {
            bench.step()
            let sentAt = bench.now
            let isLate = bench.peer.wakeAt < sentAt + .milliseconds(400)
            if isLate { _ = bench.peer.tick(at: bench.peer.wakeAt, id: -1) }
            bench.now = sentAt
            bench.answer(.alive, after: .milliseconds(400))
            #expect(bench.peer.suspicion == .none)
        }
        bench.step()
        #expect(bench.peer.wakeAt - bench.now > .milliseconds(400))
    }

    @Test("an unknown or repeated outcome of a probe says nothing")
    func strangers() {
        var bench = Bench()
        bench.live(5, latency: .milliseconds(2))
        for id in [77, 78, 79, bench.probes, bench.probes] {
            bench.peer.answered(id, .refused, at: bench.now)
            bench.peer.answered(id, .unreachable, at: bench.now)
        }
        #expect(bench.peer.suspicion == .none)
    }
}
