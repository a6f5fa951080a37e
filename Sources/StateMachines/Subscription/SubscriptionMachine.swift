// Decides what a subscriber of an event stream gets next, so that it misses nothing unknowingly.

/// One subscriber of a stream: an event in, an action out.
///
/// ```
/// greeting ──> catchingUp ──> live ──> ending ──> over
///     │            ^   ^        │ evicted      ^
///     └> resetting ┘   └────────┘              └── leaving (drain, close)
/// ```
/// The stream's recent events lie in a *ring* and are counted by an index; what is older lies in the
/// database, lane by lane. A live subscriber is an index, one that catches up a position per lane.
public struct SubscriptionMachine: Sendable {
    /// What happens to a subscriber that reads too slowly.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// It keeps its place, and reads from the database what has left the ring.
        case park
        /// Of the events it is behind, it gets the newest of every kind and run.
        case conflate
        /// It is told of a gap and goes on with the newest.
        case drop
        /// Its stream ends.
        case close
    }

    /// Where a subscriber wants to begin.
    public enum Start: Sendable, Hashable {
        /// At the oldest event there is.
        case beginning
        /// With the next event.
        case now
        /// Where a cursor says.
        case cursor(StreamCursor)
        /// Behind these positions, found here.
        case after(LanePositions)
    }

    /// Why a subscriber cannot go on where it was.
    public enum ResetReason: String, Sendable, Hashable {
        /// Its cursor is from another installation.
        case epoch
        /// Its cursor names events that do not exist: the installation was restored from a backup.
        case ahead
        /// Events after its cursor are no longer kept.
        case expired
    }

    /// What is stored of each lane.
    public struct Bounds: Sendable, Hashable {
        /// The last events that are no longer kept.
        public var floors: LanePositions
        /// The last events.
        public var heads: LanePositions

        /// Names the bounds.
        public init(floors: LanePositions, heads: LanePositions) {
            self.floors = floors
            self.heads = heads
        }
    }

    /// What a ring holds now.
    public struct Ring: Sendable {
        /// The index of its oldest entry.
        public var floor: Int64
        /// The index its next entry gets.
        public var head: Int64
        /// The positions before its oldest entry.
        public var base: LanePositions
        /// The positions behind its newest entry.
        public var heads: LanePositions
        /// The lane, where the ring is of one lane and every entry one event of it.
        public var onlyLane: Int64?

        /// Describes a ring.
        public init(
            floor: Int64,
            head: Int64,
            base: LanePositions,
            heads: LanePositions,
            onlyLane: Int64? = nil
        ) {
            self.floor = floor
            self.head = head
            self.base = base
            self.heads = heads
            self.onlyLane = onlyLane
        }
    }

    /// What happened.
    public enum Event: Sendable {
        /// The peer takes bytes, and everything of the last action was given to it.
        case ready(Ring)
        /// Entries of the ring up to `index` were given to it.
        case delivered(index: Int64)
        /// It has had nothing of what the ring holds behind its index.
        case passed
        /// Stored events of a lane up to this one were given to it.
        case read(lane: Int64, through: Int64)
        /// Stored events that it needs are gone; these are the bounds now.
        case missing(Bounds)
        /// The ring dropped entries that it has not had; it stood here.
        case evicted(LanePositions)
        /// The ring begins anew, for reasons of its own; it stood here, so many entries behind.
        case jumped(LanePositions, lag: Int64)
        /// The snapshot is complete.
        case snapshotDone
        /// The final event of the run it follows was given to it, or there is none to come.
        case runEnded(status: String)
        /// The node goes away.
        case drain
    }

    /// What to do.
    public enum Action: Sendable, Hashable {
        /// Nothing until something is new.
        case wait
        /// Greet; `isRecovered` says that nothing was lost since its cursor.
        case hello(isRecovered: Bool)
        /// Tell that what it knows is void.
        case reset(ResetReason)
        /// Give the present state.
        case snapshot
        /// Tell that the state was complete, and where events go on.
        case snapshotEnd
        /// Give stored events of a lane behind `after`.
        case read(lane: Int64, after: Int64)
        /// Give entries of the ring, without those at or before ``SubscriptionMachine/skipping``.
        case deliver(from: Int64, to: Int64)
        /// Of these entries give the newest of each kind and run, and tell of the others.
        case conflate(from: Int64, to: Int64)
        /// Tell that these entries are left out.
        case skip(from: Int64, to: Int64)
        /// Tell that the events between are left out.
        case gap(from: LanePositions, to: LanePositions)
        /// Say goodbye: it is to come again with its cursor, which is that of the index, or
        /// ``SubscriptionMachine/known`` without one.
        case bye(index: Int64?)
        /// Tell that the run ended.
        case end(status: String)
        /// End the stream.
        case finish
    }

    private enum Phase: Sendable {
        case greeting(ResetReason?)
        case resetting(ResetReason)
        case snapshotting
        case catchingUp
        case behind
        case live(index: Int64)
        case leaving(index: Int64?)
        case ending(String)
        case over
    }

    /// Entries behind from which on ``Mode/drop`` and ``Mode/close`` act.
    public static let lagMax: Int64 = 1_024
    /// Entries behind from which on ``Mode/conflate`` acts.
    public static let conflatedLagMin: Int64 = 64

    private var phase: Phase
    private let mode: Mode
    /// Where it began; forgotten once it is live.
    public private(set) var start: LanePositions
    /// While catching up, how far it is; right after, what of the ring it has had already.
    private var positions: LanePositions
    private var isSkipping = true

    /// Decides where a subscriber begins.
    ///
    /// - Parameters:
    ///   - start: What it asks for.
    ///   - epoch: This installation's.
    ///   - bounds: What is stored; read after its cursor was received.
    ///   - mode: What happens when it is slow.
    public init(start: Start, epoch: String, bounds: Bounds, mode: Mode = .park) {
        self.mode = mode
        var reason: ResetReason?
        switch start {
        case .beginning: self.positions = bounds.floors
        case .now: self.positions = bounds.heads
        case .after(let positions): self.positions = positions.later(bounds.floors)
        case .cursor(let cursor):
            if cursor.epoch != epoch {
                reason = .epoch
            } else if bounds.heads.firstLane(before: cursor.positions) != nil {
                reason = .ahead
            } else if cursor.positions.firstLane(before: bounds.floors) != nil {
                reason = .expired
            }
            self.positions = reason == nil ? cursor.positions : bounds.heads
        }
        self.start = self.positions
        self.phase = .greeting(reason)
    }

    /// The index in the ring of a subscriber that is, or was until it was to leave, live.
    public var index: Int64? {
        switch self.phase {
        case .live(let index): index
        case .leaving(let index): index
        case .greeting, .resetting, .snapshotting, .catchingUp, .behind, .ending, .over: nil
        }
    }

    /// Whether it is over with the stream.
    public var isOver: Bool {
        switch self.phase {
        case .over: true
        case .greeting, .resetting, .snapshotting, .catchingUp, .behind, .live, .leaving, .ending:
            false
        }
    }

    /// Whether it waits for stored events or a snapshot rather than for new events.
    public var isCatchingUp: Bool {
        switch self.phase {
        case .greeting, .resetting, .snapshotting, .catchingUp, .behind: true
        case .live, .leaving, .ending, .over: false
        }
    }

    /// What a live subscriber has had already of the entries before it; `nil` when nothing.
    public var skipping: LanePositions? { self.isSkipping ? self.positions : nil }

    /// How far it is at least; a live one is where its index says, and not before this.
    public var known: LanePositions { self.positions }

    /// Takes one event.
    ///
    /// - Returns: What to do; for all but `ready`, `missing` and `snapshotDone` it is `wait`.
    public mutating func handle(_ event: Event) -> Action {
        switch event {
        case .ready(let ring): return self.next(ring)
        case .delivered(let index):
            if case .live = self.phase { self.phase = .live(index: index) }
        case .passed:
            if case .live = self.phase { self.endSkipping() }
        case .read(let lane, let through):
            self.positions[lane] = max(self.positions[lane], through)
        case .missing(let bounds):
            self.positions = bounds.heads
            self.phase = .resetting(.expired)
        case .evicted(let positions):
            self.evict(positions, self.mode)
        case .jumped(let positions, let lag):
            // Who was not slow before has done nothing wrong.
            self.evict(positions, lag > Self.lagMax ? self.mode : .park)
        case .snapshotDone:
            guard case .snapshotting = self.phase else { break }
            self.phase = .catchingUp
            return .snapshotEnd
        case .runEnded(let status):
            if !self.isOver { self.phase = .ending(status) }
        case .drain: self.leave()
        }
        return .wait
    }

    private mutating func evict(_ positions: LanePositions, _ mode: Mode) {
        let place = self.isSkipping ? positions.later(self.positions) : positions
        switch self.phase {
        case .live:
            self.positions = place
            self.isSkipping = true
            switch mode {
            case .park: self.phase = .catchingUp
            case .conflate, .drop: self.phase = .behind
            case .close: self.phase = .leaving(index: nil)
            }
        case .leaving(.some):
            self.positions = place
            self.phase = .leaving(index: nil)
        case .greeting, .resetting, .snapshotting, .catchingUp, .behind, .leaving, .ending, .over:
            break
        }
    }

    private mutating func leave() {
        switch self.phase {
        case .greeting, .resetting, .snapshotting, .catchingUp, .behind:
            self.phase = .leaving(index: nil)
        case .live(let index): self.phase = .leaving(index: index)
        case .leaving, .ending, .over: break
        }
    }

    private mutating func next(_ ring: Ring) -> Action {
        switch self.phase {
        case .greeting(let reason):
            self.phase = reason.map { .resetting($0) } ?? .catchingUp
            return .hello(isRecovered: reason == nil)
        case .resetting(let reason):
            self.phase = .snapshotting
            return .reset(reason)
        case .snapshotting: return .snapshot
        case .catchingUp:
            if let lane = self.positions.firstLane(before: ring.base) {
                return .read(lane: lane, after: self.positions[lane])
            }
            self.join(ring)
            return self.next(ring)
        case .behind:
            let from = self.positions
            let isDropping = self.mode == .drop
            self.positions = from.later(isDropping ? ring.heads : ring.base)
            self.isSkipping = ring.onlyLane == nil
            self.phase = .live(index: isDropping ? ring.head : ring.floor)
            return .gap(from: from, to: self.positions)
        case .live(let index): return self.nextLive(index, ring)
        case .leaving(let index):
            self.phase = .over
            return .bye(index: index)
        case .ending(let status):
            self.phase = .over
            return .end(status: status)
        case .over: return .finish
        }
    }

    /// Everything it lacks is in the ring.
    private mutating func join(_ ring: Ring) {
        self.start = LanePositions()
        if let lane = ring.onlyLane {
            self.isSkipping = false
            self.phase = .live(index: ring.floor + self.positions[lane] - ring.base[lane])
            self.positions = LanePositions()
        } else {
            self.isSkipping = true
            self.phase = .live(index: ring.floor)
        }
    }

    /// From here on its index tells all.
    private mutating func endSkipping() {
        self.isSkipping = false
        self.positions = LanePositions()
    }

    private mutating func nextLive(_ index: Int64, _ ring: Ring) -> Action {
        if index >= ring.head {
            // What it had before it joined has passed.
            if self.isSkipping, index == ring.head,
                ring.heads.firstLane(before: self.positions) == nil
            {
                self.endSkipping()
            }
            return .wait
        }
        let lag = ring.head - index
        switch self.mode {
        case .conflate where lag >= Self.conflatedLagMin && !self.isSkipping:
            let end = min(ring.head, index + Self.lagMax)
            self.phase = .live(index: end)
            return .conflate(from: index, to: end)
        case .drop where lag > Self.lagMax && !self.isSkipping:
            self.phase = .live(index: ring.head)
            return .skip(from: index, to: ring.head)
        case .close where lag > Self.lagMax && !self.isSkipping:
            self.phase = .over
            return .bye(index: index)
        case .park, .conflate, .drop, .close: return .deliver(from: index, to: ring.head)
        }
    }
}
