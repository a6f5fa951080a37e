// A world around the client's queue, drawn from a seed: servers that fail, refuse, go away; callers that give up.

import NIOCore
import TestKit

@testable import HTTP2

/// One random history, and the rules it broke.
struct ClientQueueHistory {
    private struct Link {
        var streams: Set<Int> = []
        var streamsMax: Int?
        var isLeaving = false
        var isClosing = false
    }

    private(set) var violations: [String] = []
    private var generator: SeededGenerator
    private var machine: ClientQueueMachine
    private var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private var links: [Int: Link] = [:]
    private var idempotent: Set<Int> = []
    private var open: Set<Int> = []
    private var told: Set<Int> = []
    private var attempts: [Int: Int] = [:]
    /// Requests that a server may have acted on.
    private var acted: Set<Int> = []
    private var wakes: [NIODeadline] = []
    private var submitted = 0
    private var hasEnded = false
    private let settings: ClientQueueMachine.Settings

    init(seed: UInt64) {
        self.generator = SeededGenerator(seed: seed)
        var settings = ClientQueueMachine.Settings()
        settings.queueMax = Int.random(in: 1...20, using: &self.generator)
        settings.connectionsMax = Int.random(in: 1...4, using: &self.generator)
        settings.streamsMax = Int.random(in: 1...6, using: &self.generator)
        settings.attemptsMax = Int.random(in: 1...4, using: &self.generator)
        self.settings = settings
        self.machine = ClientQueueMachine(settings, at: self.now)
    }

    mutating func run() {
        if self.generator.chance(50) { self.submit() }
        self.take(self.machine.start(at: self.now))
        for _ in 0..<200 {
            self.step()
            self.check()
            guard self.violations.isEmpty else { return }
        }
        self.end()
    }

    private mutating func step() {
        self.now = self.now + .milliseconds(Int64.random(in: 0...200, using: &self.generator))
        switch Int.random(in: 0..<10, using: &self.generator) {
        case 0...3: self.submit()
        case 4: self.giveUp()
        case 5...6: self.answer()
        case 7: self.disturb()
        case 8: self.wake()
        default: self.settle()
        }
    }

    private mutating func submit() {
        self.submitted += 1
        let isIdempotent = self.generator.chance(50)
        if isIdempotent { self.idempotent.insert(self.submitted) }
        self.open.insert(self.submitted)
        self.take(
            self.machine.submit(self.submitted, isIdempotent: isIdempotent, at: self.now)
        )
    }

    private mutating func giveUp() {
        guard let id = self.open.sorted().randomElement(using: &self.generator) else { return }
        self.take(self.machine.abandon(id, HTTP2Error(.timedOut, "late"), at: self.now))
    }

    /// A stream ends.
    private mutating func answer() {
        let busy = self.links.filter { !$0.value.streams.isEmpty }.keys.sorted()
        guard let link = busy.randomElement(using: &self.generator),
            let id = self.links[link]?.streams.sorted().randomElement(using: &self.generator)
        else { return }
        switch Int.random(in: 0..<6, using: &self.generator) {
        case 0: self.endStream(id, on: link, HTTP2Error(.refused, "no", streamCode: 7))
        case 1:
            self.acted.insert(id)
            self.endStream(id, on: link, HTTP2Error(.streamReset, "no", streamCode: 2))
        default:
            self.acted.insert(id)
            self.endStream(id, on: link, nil)
        }
    }

    private mutating func endStream(_ id: Int, on link: Int, _ error: HTTP2Error?) {
        self.links[link]?.streams.remove(id)
        if error == nil, !self.told.contains(id) { self.tell(id) }
        self.take(
            self.machine.streamEnded(
                id,
                error,
                canRepeat: true,
                at: self.now,
                jitter: Double.random(in: 0..<1, using: &self.generator)
            )
        )
    }

    /// A server goes away or is lost.
    private mutating func disturb() {
        guard let link = self.links.keys.sorted().randomElement(using: &self.generator),
            self.links[link]?.streamsMax != nil
        else { return }
        if self.generator.chance(50) {
            self.links[link]?.isLeaving = true
            self.take(self.machine.connectionLeaving(link, at: self.now))
        } else {
            self.lose(link)
        }
    }

    private mutating func lose(_ link: Int) {
        self.links[link]?.isLeaving = true
        self.take(self.machine.connectionLeaving(link, at: self.now))
        for id in (self.links[link]?.streams ?? []).sorted() {
            self.acted.insert(id)
            self.endStream(id, on: link, HTTP2Error(.connectionLost, "lost"))
        }
        self.links[link] = nil
        let jitter = Double.random(in: 0..<1, using: &self.generator)
        self.take(self.machine.connectionClosed(link, at: self.now, jitter: jitter))
    }

    private mutating func wake() {
        guard let time = self.wakes.min() else { return }
        self.wakes.removeAll { $0 == time }
        self.now = max(self.now, time)
        self.take(self.machine.wake(at: self.now))
    }

    /// A connection that was asked for is made or not; the peer's limits change.
    private mutating func settle() {
        guard let link = self.links.keys.sorted().randomElement(using: &self.generator) else {
            return
        }
        if self.links[link]?.isClosing == true { return self.lose(link) }
        if self.links[link]?.streamsMax == nil, self.generator.chance(30) {
            self.links[link] = nil
            let jitter = Double.random(in: 0..<1, using: &self.generator)
            let error = HTTP2Error(.connectFailed, "nobody there")
            return self.take(
                self.machine.connectFailed(link, error, at: self.now, jitter: jitter)
            )
        }
        let streamsMax = Int.random(in: 0...8, using: &self.generator)
        self.links[link]?.streamsMax = streamsMax
        self.take(self.machine.connectionReady(link, streamsMax: streamsMax, at: self.now))
    }

    private mutating func end() {
        self.take(self.machine.stop(at: self.now))
        self.take(self.machine.stopNow(at: self.now))
        for link in self.links.keys.sorted() { self.lose(link) }
        if !self.hasEnded { self.violations.append("the end did not come") }
        if !self.open.isEmpty { self.violations.append("never told: \(self.open.sorted())") }
    }

    private mutating func tell(_ id: Int) {
        if !self.told.insert(id).inserted { self.violations.append("\(id) was told twice") }
        self.open.remove(id)
    }

    private mutating func take(_ actions: [ClientQueueMachine.Action]) {
        for action in actions {
            switch action {
            case .connect(let link): self.links[link] = Link()
            case .start(let id, let link): self.started(id, on: link)
            case .fail(let id, _): self.tell(id)
            case .cancel(let id, let link):
                if self.links[link]?.streams.contains(id) != true {
                    self.violations.append("\(id) was cancelled where it is not")
                }
            case .close(let link): self.links[link]?.isClosing = true
            case .wake(let time): self.wakes.append(time)
            case .ended: self.hasEnded = true
            }
        }
    }

    private mutating func started(_ id: Int, on link: Int) {
        self.attempts[id, default: 0] += 1
        if self.attempts[id, default: 0] > self.settings.attemptsMax {
            self.violations.append("\(id) was tried too often")
        }
        if self.acted.contains(id), !self.idempotent.contains(id) {
            self.violations.append("\(id) may have been acted on and was sent again")
        }
        if self.told.contains(id) { self.violations.append("\(id) was started after its end") }
        guard let target = self.links[link], let streamsMax = target.streamsMax else {
            return self.violations.append("\(id) was started on a connection that is not there")
        }
        if target.isLeaving || target.isClosing {
            self.violations.append("\(id) was started on a connection that takes none")
        }
        self.links[link]?.streams.insert(id)
        if target.streams.count + 1 > min(streamsMax, self.settings.streamsMax) {
            self.violations.append("\(id) was one stream too many")
        }
    }

    private mutating func check() {
        let current = self.links.values.filter { !$0.isLeaving && !$0.isClosing }.count
        if current > self.settings.connectionsMax { self.violations.append("connections") }
        if self.links.count > 4 * self.settings.connectionsMax {
            self.violations.append("connections, old ones included")
        }
        // What comes back from a lost connection waits again, beyond what is let in.
        let onConnections = 4 * self.settings.connectionsMax * self.settings.streamsMax
        if self.open.count > self.settings.queueMax + onConnections {
            self.violations.append("more wait than may")
        }
    }
}
