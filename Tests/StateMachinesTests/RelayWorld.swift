// Decides what the relays of one node live through in random histories: owners that commit, hang, forget, move.

import PulserIR
import StateMachines
import TestKit

/// One node's relay machine between the database, two owners of lanes, and time.
struct RelayWorld {
    private enum Letter {
        /// A call reaches its node.
        case call(RelayMachine.Action)
        /// What a node says comes here.
        case outcome(RelayMachine.Event)
        /// What a node has kept comes here.
        case answer(NodeEpoch, tail: Int64, [Piece], lost: [Int64: Int64])
        case notice(lane: Int64, through: Int64)
        /// The database answers.
        case page(lane: Int64)
        /// A node has let a pull wait for long enough.
        case pullEnds(NodeEpoch, tail: Int64)
        /// Whoever made a call gives it up.
        case expired(String, call: Int, NodeEpoch, tail: Int64)
    }

    /// Events of one commit.
    private struct Piece {
        var lane: Int64
        var first: Int64
        var last: Int64
    }

    private struct Tail {
        var number: Int64
        var lanes: Set<Int64>
        var pieces: [Piece] = []
        var lost: [Int64: Int64] = [:]
        var isPulled = false
    }

    private static let owners = [NodeEpoch(2), NodeEpoch(3)]
    private static let lanes: ClosedRange<Int64> = 1...4

    private var random: SeededGenerator
    private var machine = RelayMachine()
    private var now = Duration.zero
    private var letters: [(at: Duration, Letter)] = []
    private var owner: [Int64: NodeEpoch] = [:]
    private var stored: [Int64: Int64] = [:]
    /// By lane the last event that is here.
    private var here: [Int64: Int64] = [:]
    private var tails: [NodeEpoch: Tail] = [:]
    private var hung: Set<NodeEpoch> = []
    /// Calls without an outcome, each with its number.
    private var open: [String: Int] = [:]
    private var calls = 0
    private var reads = 0
    /// Notices that are neither read nor satisfied, each with when it must be.
    private var waiting: [(lane: Int64, through: Int64, due: Duration)] = []
    /// The first rule that was broken.
    private(set) var breach: String?

    init(seed: UInt64) {
        self.random = SeededGenerator(seed: seed)
        for lane in Self.lanes {
            let owner = self.random.pick(Self.owners)
            self.owner[lane] = owner
            self.handle(.placed(lane: lane, owner: owner))
        }
    }

    /// Something happens, and a little time passes.
    mutating func step() {
        switch Int.random(in: 0..<100, using: &self.random) {
        case ..<60: self.commit()
        case ..<66: self.move()
        case ..<70: self.hung.formSymmetricDifference([self.random.pick(Self.owners)])
        case ..<74: self.tails[self.random.pick(Self.owners)] = nil
        case ..<78: self.overflow()
        default: break
        }
        self.pass(.milliseconds(Int.random(in: 0...120, using: &self.random)))
    }

    /// Everything is well again, and the database is looked at once.
    mutating func settle() {
        self.hung = []
        for (lane, owner) in self.owner { self.handle(.placed(lane: lane, owner: owner)) }
        self.pass(.seconds(40))
        for lane in Self.lanes { self.notice(lane, through: self.stored[lane] ?? 0) }
        self.pass(.seconds(2))
        for lane in Self.lanes where self.here[lane] != self.stored[lane] {
            self.note("lane \(lane) is at \(self.here[lane] ?? 0) of \(self.stored[lane] ?? 0)")
        }
        guard self.machine.relayedLanes == Self.lanes.count else {
            return self.note("\(self.machine.relayedLanes) lanes are relayed after all is well")
        }
        // The relay is quicker than a notice nearly always: soon it is trusted.
        for round in 1...9 {
            let before = self.reads
            for lane in Self.lanes { self.commit(lane) }
            self.pass(.milliseconds(300))
            if round > 6, self.reads > before { self.note("a relayed event is read all the same") }
        }
        for lane in Self.lanes where self.here[lane] != self.stored[lane] {
            self.note("nothing brings lane \(lane) after all is well")
        }
    }

    private mutating func note(_ what: String) {
        self.breach = self.breach ?? "\(what), \(self.now) after the beginning"
    }

    // MARK: Owners

    private mutating func commit(_ only: Int64? = nil) {
        let lane = only ?? Int64.random(in: Self.lanes, using: &self.random)
        let first = (self.stored[lane] ?? 0) + 1
        let last = first + Int64.random(in: 0...2, using: &self.random)
        self.stored[lane] = last
        let noticeDelay = Int.random(in: 10...80, using: &self.random)
        // A notice may be lost: the next one, or the look at the end, tells more than it did.
        if only != nil || !self.random.chance(10) {
            self.send(.notice(lane: lane, through: last), after: noticeDelay)
        }
        guard let node = self.owner[lane], self.tails[node]?.lanes.contains(lane) == true else {
            return
        }
        self.tails[node]?.pieces.append(Piece(lane: lane, first: first, last: last))
        self.answerPull(node)
    }

    private mutating func move() {
        let lane = Int64.random(in: Self.lanes, using: &self.random)
        let owner = self.random.pick(Self.owners)
        self.owner[lane] = owner
        // It is known here at once, later, or only with the next move.
        if self.random.chance(60) { self.handle(.placed(lane: lane, owner: owner)) }
        if self.random.chance(10) { self.handle(.placed(lane: lane, owner: nil)) }
    }

    /// A node keeps nothing any more of what waits.
    private mutating func overflow() {
        let node = self.random.pick(Self.owners)
        for piece in self.tails[node]?.pieces ?? [] {
            self.tails[node]?.lost[piece.lane] = piece.last
        }
        self.tails[node]?.pieces = []
        self.answerPull(node)
    }

    private mutating func take(_ call: RelayMachine.Action) {
        switch call {
        case .follow(let node, let change):
            guard !self.hung.contains(node) else { return }
            var isKnown = false
            if change.isFirst {
                if let old = self.tails[node], old.isPulled {
                    self.pulled(node, tail: old.number, isKnown: false)
                }
                self.tails[node] = Tail(number: change.tail, lanes: Set(change.lanes))
                isKnown = true
            } else if self.tails[node]?.number == change.tail {
                self.tails[node]?.lanes.formUnion(change.lanes)
                self.tails[node]?.lanes.subtract(change.gone)
                isKnown = true
            }
            self.send(.outcome(.followed(node, tail: change.tail, isKnown: isKnown)), after: 3)
        case .pull(let node, let tail):
            guard !self.hung.contains(node) else { return }
            guard self.tails[node]?.number == tail else {
                return self.pulled(node, tail: tail, isKnown: false)
            }
            self.tails[node]?.isPulled = true
            self.send(.pullEnds(node, tail: tail), after: 2_000)
            self.answerPull(node)
        case .read: break
        }
    }

    private mutating func answerPull(_ node: NodeEpoch, isDue: Bool = false) {
        guard let tail = self.tails[node], tail.isPulled, !self.hung.contains(node),
            isDue || !tail.pieces.isEmpty || !tail.lost.isEmpty
        else { return }
        self.tails[node]?.isPulled = false
        self.tails[node]?.pieces = []
        self.tails[node]?.lost = [:]
        self.send(
            .answer(node, tail: tail.number, tail.pieces, lost: tail.lost),
            after: Int.random(in: 1...9, using: &self.random)
        )
    }

    private mutating func pulled(_ node: NodeEpoch, tail: Int64, isKnown: Bool) {
        self.send(.outcome(.pulled(node, tail: tail, isKnown: isKnown, lost: [:])), after: 2)
    }

    // MARK: Time

    private mutating func send(_ letter: Letter, after milliseconds: Int) {
        self.letters.append((self.now + .milliseconds(milliseconds), letter))
    }

    /// Time passes; whatever is due happens in its order.
    private mutating func pass(_ time: Duration) {
        let end = self.now + time
        while self.breach == nil {
            let letter = self.letters.indices.min { self.letters[$0].at < self.letters[$1].at }
            let tick = self.machine.wakeAt ?? end
            if let letter, self.letters[letter].at <= min(tick, end) {
                let (at, what) = self.letters.remove(at: letter)
                self.now = max(self.now, at)
                self.deliver(what)
            } else if tick < end {
                self.now = max(self.now, tick)
                self.handle(.tick)
            } else {
                break
            }
        }
        self.now = end
    }

    private mutating func deliver(_ letter: Letter) {
        switch letter {
        case .call(let call): self.take(call)
        case .outcome(let event):
            self.closed(event)
            self.handle(event)
        case .answer(let node, let tail, let pieces, let lost):
            for piece in pieces { self.arrive(piece, from: node) }
            let event = RelayMachine.Event.pulled(node, tail: tail, isKnown: true, lost: lost)
            self.closed(event)
            self.handle(event)
        case .notice(let lane, let through): self.notice(lane, through: through)
        case .page(let lane):
            self.here[lane] = self.stored[lane]
            self.handle(.reached(lane: lane, through: self.here[lane] ?? 0, by: nil))
        case .pullEnds(let node, let tail):
            if self.tails[node]?.number == tail { self.answerPull(node, isDue: true) }
        case .expired(let key, let call, let node, let tail):
            guard self.open[key] == call else { return }
            self.open[key] = nil
            self.handle(.failed(node, tail: tail, isCapable: true))
        }
    }

    private mutating func arrive(_ piece: Piece, from node: NodeEpoch) {
        let here = self.here[piece.lane] ?? 0
        guard piece.last > here else { return }
        if piece.first > here + 1 { return self.send(.page(lane: piece.lane), after: 5) }
        self.here[piece.lane] = piece.last
        self.handle(.reached(lane: piece.lane, through: piece.last, by: node))
    }

    private mutating func notice(_ lane: Int64, through: Int64) {
        guard through > self.here[lane] ?? 0 else { return }
        self.waiting.append((lane, through, self.now + self.machine.patience))
        self.handle(.noticed(lane: lane, through: through))
    }

    // MARK: Rules

    private mutating func handle(_ event: RelayMachine.Event) {
        for action in self.machine.handle(event, at: self.now) {
            switch action {
            case .read(let lane, let through):
                self.reads += 1
                self.waiting.removeAll { $0.lane == lane && $0.through <= through }
                self.send(.page(lane: lane), after: Int.random(in: 1...30, using: &self.random))
            case .follow(let node, let change): self.opened("follow", node, change.tail, action)
            case .pull(let node, let tail): self.opened("pull", node, tail, action)
            }
        }
        self.waiting.removeAll { $0.through <= self.here[$0.lane] ?? 0 }
        if let late = self.waiting.first(where: { $0.due < self.now }) {
            self.note("a notice of lane \(late.lane) through \(late.through) waits too long")
        }
        if self.machine.relayedLanes > Self.lanes.count { self.note("a lane has two relays") }
    }

    private mutating func opened(
        _ kind: String,
        _ node: NodeEpoch,
        _ tail: Int64,
        _ call: RelayMachine.Action
    ) {
        let key = "\(kind) \(node.number) \(tail)"
        if self.open[key] != nil { self.note("two calls at a time: \(key)") }
        self.calls += 1
        self.open[key] = self.calls
        self.send(.call(call), after: Int.random(in: 1...9, using: &self.random))
        self.send(.expired(key, call: self.calls, node, tail: tail), after: 4_000)
    }

    private mutating func closed(_ event: RelayMachine.Event) {
        switch event {
        case .followed(let node, let tail, _): self.open["follow \(node.number) \(tail)"] = nil
        case .pulled(let node, let tail, _, _): self.open["pull \(node.number) \(tail)"] = nil
        default: break
        }
    }
}
