// Decides what a node does with the shards that are its own: serve, settle, hand over, let go.

public import PulserIR

/// The owner's side of shards, from being assigned to being handed over.
///
/// ```
/// assigned ──start──▶ running ──marked, leaving──▶ settling ──at rest──▶ settled ──handOver──▶ gone
///                        ▲                           │   │                 │ refused
///                        │      unmarked, taken back │   │ 5 s             ▼
///                        ├───────────────────────────┘   └─▶ declining ◀─ doubtful
///                        └──────────────────────────────────────┘
/// ```
///
/// Only the owner hands over, by one compare-and-set, after its work came to rest. Work that does not
/// come to rest soon is not cut off to make loads even: the move is declined. A node that a person
/// drains waits for as long as it takes; one whose process leaves waits a while, and then does cut it
/// off. A shard whose row shows a higher generation is lost at once, from everywhere.
public struct ShardOwnerMachine: Sendable {
    /// What the node must do with a shard's actors.
    public enum Action: Sendable, Hashable {
        /// Load it and serve it; effects that no fence can refuse wait until `effectsFrom`.
        case begin(OwnedShard, effectsFrom: Duration)
        /// Admit nothing more, finish what is under way, then say ``settled(_:at:)``.
        case settle(OwnedShard)
        /// Serve it again: it stays.
        case resume(OwnedShard)
        /// End everything of it at once.
        case stop(OwnedShard)
        /// Send what still waits to its new owner, in order, then tell it to begin.
        case forward(OwnedShard, to: NodeEpoch, generation: Int64)
    }

    /// What to do with a message for a shard.
    public enum Admission: Sendable, Hashable {
        /// Take it.
        case admit
        /// Its sender knows an older generation.
        case stale(generation: Int64)
        /// Its sender knows a newer one: read the shards first.
        case refresh
        /// Another node owns the shard.
        case moved(to: NodeEpoch, generation: Int64)
        /// The shard is between two owners: try again shortly.
        case moving
    }

    enum Phase: Sendable, Hashable {
        case assigned
        case running
        /// `isMarked`: by the coordinator; else by this node, which drains. Without a target the shard
        /// becomes free, without an `until` it may take as long as it takes.
        case settling(to: NodeEpoch?, until: Duration?, isMarked: Bool)
        case settled(to: NodeEpoch?, isMarked: Bool)
        /// Its work goes on, so it stays.
        case declining
        /// Its handing over was refused; a reading after this time tells why.
        case doubtful(since: Duration)
        case letGo
    }

    struct Owned: Sendable {
        var generation: Int64
        var effectsFrom: Duration
        var phase: Phase
        /// When it was last asked to settle.
        var settlingSince: Duration = .zero
        var isAsking = false
        var notBefore: Duration = .zero
    }

    /// Every shard as last read, in order; nothing before the first reading.
    public internal(set) var table: [ShardView] = []

    private let me: NodeEpoch
    let timing: ClusterTiming
    var owned: [Int32: Owned] = [:]
    /// Owned shards that are not simply running.
    var restless: Set<Int32> = []

    /// A node that owns nothing.
    public init(me: NodeEpoch, timing: ClusterTiming = ClusterTiming()) {
        self.me = me
        self.timing = timing
    }

    /// Whether the node owns nothing.
    public var isEmpty: Bool { self.owned.isEmpty }

    /// The shards that are simply served, in order.
    public var running: [Int32] {
        self.owned.keys.filter { !self.restless.contains($0) }.sorted()
    }

    /// How many shards are on their way out; those that take long to settle do not keep others waiting.
    public func leaving(at now: Duration) -> Int {
        self.restless.count { shard in
            guard let entry = self.owned[shard] else { return false }
            switch entry.phase {
            case .assigned, .running: return false
            case .settling: return now - entry.settlingSince < self.timing.drainPatience
            case .settled, .declining, .doubtful, .letGo: return true
            }
        }
    }

    /// When `work` has something to do next; `nil` when only events change anything.
    public var wakeAt: Duration? {
        self.restless.compactMap { shard -> Duration? in
            guard let entry = self.owned[shard], !entry.isAsking else { return nil }
            switch entry.phase {
            case .settling(_, let until, _): return until
            case .assigned, .settled, .declining, .letGo: return entry.notBefore
            case .running, .doubtful: return nil
            }
        }.min()
    }

    /// What to do with a message for `shard` whose sender knows it at `generation`.
    public func admission(_ shard: Int32, generation: Int64) -> Admission {
        guard shard >= 0, Int(shard) < self.table.count else { return .refresh }
        let row = self.table[Int(shard)]
        let known = self.owned[shard]?.generation ?? row.generation
        if generation > known { return .refresh }
        guard let entry = self.owned[shard] else {
            guard let owner = row.owner, owner != self.me else { return .moving }
            return .moved(to: owner, generation: row.generation)
        }
        guard entry.phase == .running else { return .moving }
        return generation < entry.generation ? .stale(generation: entry.generation) : .admit
    }

    /// Whether an effect of `shard` that no fence can refuse may begin, as far as the shard goes; the
    /// lease must be trusted besides.
    public func mayAct(_ shard: Int32, generation: Int64, at now: Duration) -> Bool {
        guard let entry = self.owned[shard], entry.generation == generation else { return false }
        switch entry.phase {
        case .running, .settling, .declining: return now >= entry.effectsFrom
        case .assigned, .settled, .doubtful, .letGo: return false
        }
    }

    /// Takes a reading of the shards.
    ///
    /// - Parameters:
    ///   - rows: All shards, or those that changed since the last reading; older generations than
    ///     known are ignored.
    ///   - sentAt: When the reading was asked for.
    ///   - now: When it arrived.
    /// - Returns: What follows from it.
    public mutating func learn(
        _ rows: [ShardView],
        sentAt: Duration,
        at now: Duration
    ) -> [Action] {
        var actions: [Action] = []
        for row in rows where row.shard >= 0 {
            while self.table.count <= Int(row.shard) {
                let shard = Int32(self.table.count)
                self.table.append(ShardView(shard: shard, owner: nil, generation: -1, state: .free))
            }
            guard row.generation >= self.table[Int(row.shard)].generation else { continue }
            self.table[Int(row.shard)] = row
            self.compare(row, sentAt: sentAt, at: now, &actions)
        }
        for shard in self.restless.sorted() {
            guard let entry = self.owned[shard], case .doubtful(let since) = entry.phase,
                sentAt >= since
            else { continue }
            // Refused although still ours: the target takes nothing, or nothing is asked any more.
            let isMarked = self.table[Int(shard)].state == .handingOff
            self.set(shard, isMarked ? .declining : .running)
            if !isMarked { actions.append(.resume(self.name(shard, entry))) }
        }
        return actions
    }

    /// The shard's actors are at rest.
    public mutating func settled(_ shard: OwnedShard) {
        guard let entry = self.owned[shard.shard], entry.generation == shard.generation,
            case .settling(let target, _, let isMarked) = entry.phase
        else { return }
        self.set(shard.shard, .settled(to: target, isMarked: isMarked))
    }

    /// Begins to move a running shard away, because this node drains.
    ///
    /// - Parameters:
    ///   - shard: Which one.
    ///   - target: To whom; `nil` for nobody.
    ///   - isLeaving: Whether the process ends, so that work which does not come to rest is cut off.
    ///   - now: The node's monotonic clock.
    /// - Returns: What follows from it.
    public mutating func move(
        _ shard: Int32,
        to target: NodeEpoch?,
        isLeaving: Bool,
        at now: Duration
    ) -> [Action] {
        guard let entry = self.owned[shard], entry.phase == .running else { return [] }
        let until = isLeaving ? now + self.timing.finish : nil
        self.set(shard, .settling(to: target, until: until, isMarked: false), at: now)
        return [.settle(self.name(shard, entry))]
    }

    /// The process ends: what has settled for as long as it takes until now gets a limit.
    public mutating func hurry(at now: Duration) {
        for shard in self.restless {
            guard case .settling(let target, nil, let isMarked)? = self.owned[shard]?.phase else {
                continue
            }
            let until = now + self.timing.finish
            self.set(shard, .settling(to: target, until: until, isMarked: isMarked))
        }
    }

    /// The node does not drain any more: what it was to give away without a mark stays.
    public mutating func stay() -> [Action] {
        var actions: [Action] = []
        for shard in self.restless.sorted() {
            guard let entry = self.owned[shard], !entry.isAsking else { continue }
            switch entry.phase {
            case .settling(_, _, isMarked: false), .settled(_, isMarked: false):
                self.set(shard, .running)
                actions.append(.resume(self.name(shard, entry)))
            default: continue
            }
        }
        return actions
    }

    /// Stops everything and lets it go.
    public mutating func letGo() -> [Action] {
        var actions: [Action] = []
        for shard in self.owned.keys.sorted() {
            guard let entry = self.owned[shard], entry.phase != .letGo, !entry.isAsking else {
                continue
            }
            actions.append(.stop(self.name(shard, entry)))
            self.set(shard, .letGo)
        }
        return actions
    }

    /// Says what to ask now; each request is under way until ``answered(_:_:at:)`` is called with it.
    public mutating func work(at now: Duration) -> (actions: [Action], requests: [DirectoryRequest])
    {
        guard !self.restless.isEmpty else { return ([], []) }
        var actions: [Action] = []
        var requests: [DirectoryRequest] = []
        var starting: [OwnedShard] = []
        var releasing: [OwnedShard] = []
        var declining: [OwnedShard] = []
        for shard in self.restless.sorted() {
            guard let entry = self.owned[shard], !entry.isAsking else { continue }
            let name = self.name(shard, entry)
            if case .settling(let target, let until?, let isMarked) = entry.phase, now >= until {
                if isMarked {
                    self.set(shard, .declining)
                } else {
                    actions.append(.stop(name))
                    self.set(shard, .settled(to: target, isMarked: false))
                }
            }
            guard let phase = self.owned[shard]?.phase, now >= entry.notBefore else { continue }
            switch phase {
            case .assigned: starting.append(name)
            case .letGo: releasing.append(name)
            case .declining: declining.append(name)
            case .settled(let target?, _): requests.append(.handOver(name, to: target))
            case .settled(nil, _):
                actions.append(.stop(name))
                self.set(shard, .letGo)
                releasing.append(name)
            case .running, .settling, .doubtful: continue
            }
            self.owned[shard]?.isAsking = true
        }
        if !starting.isEmpty { requests.append(.start(starting)) }
        if !releasing.isEmpty { requests.append(.release(releasing)) }
        if !declining.isEmpty { requests.append(.decline(declining)) }
        return (actions, requests)
    }
}

extension ShardOwnerMachine {
    /// Brings what is owned in line with one row.
    private mutating func compare(
        _ row: ShardView,
        sentAt: Duration,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        let entry = self.owned[row.shard]
        if let entry, entry.generation < row.generation || row.owner != self.me {
            actions.append(.stop(self.name(row.shard, entry)))
            self.remove(row.shard)
        }
        guard row.owner == self.me else { return }
        guard let entry = self.owned[row.shard] else { return self.gain(row, at: now, &actions) }
        let name = self.name(row.shard, entry)
        switch (entry.phase, row.state) {
        case (.running, .handingOff):
            guard let target = row.target else { return }
            let until = now + self.timing.settle
            self.set(row.shard, .settling(to: target, until: until, isMarked: true), at: now)
            actions.append(.settle(name))
        case (.settling(_, let until, _), .handingOff):
            guard let target = row.target else { return }
            // Marked shards are forced in the end: before that it stays with its work.
            let limit = until ?? now + self.timing.settle
            self.set(row.shard, .settling(to: target, until: limit, isMarked: true))
        case (.settled, .handingOff) where !entry.isAsking:
            guard let target = row.target else { return }
            self.set(row.shard, .settled(to: target, isMarked: true))
        case (.settling(_, _, isMarked: true), .running), (.settled(_, isMarked: true), .running),
            (.declining, .running):
            guard !entry.isAsking else { return }
            self.set(row.shard, .running)
            actions.append(.resume(name))
        default: break
        }
    }

    private mutating func gain(_ row: ShardView, at now: Duration, _ actions: inout [Action]) {
        let entry = Owned(
            generation: row.generation,
            // The database's clock went on between its answer and now; a tenth more for a clock of
            // this node that runs too fast.
            effectsFrom: now + max(.zero, row.effectsIn) * 11 / 10,
            phase: .assigned
        )
        self.owned[row.shard] = entry
        switch row.state {
        case .running:
            self.set(row.shard, .running)
            actions.append(.begin(self.name(row.shard, entry), effectsFrom: entry.effectsFrom))
        case .handingOff:
            // Never begun here, so there is nothing to settle.
            guard let target = row.target else { return }
            self.set(row.shard, .settled(to: target, isMarked: true))
        case .assigned, .free: self.set(row.shard, .assigned)
        }
    }

    mutating func set(_ shard: Int32, _ phase: Phase, at settlingSince: Duration? = nil) {
        self.owned[shard]?.phase = phase
        if let settlingSince { self.owned[shard]?.settlingSince = settlingSince }
        if phase == .running {
            self.restless.remove(shard)
        } else {
            self.restless.insert(shard)
        }
    }

    mutating func remove(_ shard: Int32) {
        self.owned[shard] = nil
        self.restless.remove(shard)
    }

    private func name(_ shard: Int32, _ entry: Owned) -> OwnedShard {
        OwnedShard(shard: shard, generation: entry.generation)
    }
}
