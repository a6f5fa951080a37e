// Decides where a lane's next claim begins, so that it does not read again what was taken.

public import PulserIR

/// A lane's place in its queue.
///
/// What was taken leaves dead entries at the front of the index, which stay for as long as anybody's
/// transaction is open. A lane goes on behind what it has taken, and somebody looks now and then
/// whether a run of better rank has come before that: what the look finds is where the next claim
/// begins. A look reads the dead entries and tells what that cost; the dearer it is the rarer it is.
/// While the front costs next to nothing, claims themselves begin there now and then, and after one
/// that brought too little. A run that was read and let go before its claim was stored is still queued:
/// the next claim begins with it.
///
/// In a lane with keys every claim deals one run to each key in turn, around from the last key that was
/// served, until its room is used up. This machine finds out of the runs alone which key that was, so
/// that any number of claims deals as one large one would.
public struct QueueMachine: Sendable {
    /// The longest that a run of better rank is passed over while its queue's front is cheap to read.
    public static let frontInterval: Duration = .milliseconds(250)
    /// Looking at a lane, and at all that are dear together, takes one part in this many of the time.
    public static let lookShare = 50
    /// A front that takes longer to read than this no claim begins at.
    public static let frontMax: Duration = .microseconds(100)

    /// A place in the queue: that of a run, or the one behind it, where a claim begins.
    public struct Place: Sendable, Hashable {
        /// The run's rank; the least there is at the front.
        public var rank: Int64
        /// The run's number; the least there is at the front.
        public var run: Int64
        /// The run's key, or the last one that had its turn.
        public var key: QueueKey

        /// A place; without anything the front of a queue.
        public init(rank: Int64 = .min, run: Int64 = .min, key: QueueKey = "") {
            self.rank = rank
            self.run = run
            self.key = key
        }

        fileprivate func isBefore(_ other: Place) -> Bool {
            (self.rank, self.run) < (other.rank, other.run)
        }
    }

    /// As many runs before ``reached`` a look counts at most.
    public static let foundMax = 512
    /// The pause after a look that found a run which no claim then got: somebody has it locked.
    public static let vainPause: Duration = .seconds(1)

    /// What a look found and no claim has taken: behind which place, how many, and the last one.
    private struct Found {
        var after: Place
        var count: Int
        var last: Place
    }

    private var place = Place()
    /// Where the claim began that was sent last, and what had been found, if it was for that.
    private var sent: (after: Place, found: Found?) = (Place(), nil)
    private var found: Found?
    /// The first of those that were read and let go: they are in the queue behind the place.
    private var returned: Place?
    private var isVain = false
    /// Whether a look found something at a front that claims may read themselves.
    private var isFrontWanted = false
    /// The last place in the queue from which a run was ever taken; a look reads up to there.
    public private(set) var reached = Place()
    /// When somebody is to look at what lies before ``reached``; `nil` when nobody needs to.
    public private(set) var lookAt: Duration?
    /// When the front was last read.
    private var frontAt: Duration?
    /// How long that took when somebody looked, the shorter of the last two times: one may have waited
    /// for a processor.
    public private(set) var cost: Duration = .zero
    private var lastCost: Duration = .zero

    /// At the front.
    public init() {}

    /// Whether claims begin at the front now and then.
    public var isFrontNear: Bool { self.cost <= Self.frontMax }

    /// Where the claim begins that is sent now.
    ///
    /// - Parameters:
    ///   - room: How many runs the lane has room for.
    ///   - now: By the node's clock.
    /// - Returns: After what, or the front; and how many to claim.
    public mutating func next(room: Int, at now: Duration) -> (after: Place, room: Int) {
        if let returned = self.returned {
            self.returned = nil
            // A claim begins behind a place.
            self.go(to: Place(rank: returned.rank, run: returned.run - 1))
            self.sent = (self.place, nil)
            return (self.place, room)
        }
        let age = now - (self.frontAt ?? now)
        if self.isFrontNear, self.isFrontWanted || age >= Self.frontInterval {
            self.isFrontWanted = false
            self.go(to: Place())
        } else if let found = self.found {
            // No more than were found: what comes between them and the place reached is not read again.
            self.found = nil
            self.sent = (found.after, found)
            return (found.after, min(room, found.count))
        }
        if self.place.rank == .min { self.frontAt = now }
        self.sent = (self.place, nil)
        return (self.place, room)
    }

    /// Goes on after what was taken.
    ///
    /// - Parameters:
    ///   - runs: In the order of their ranks.
    ///   - isKeyed: Whether keys took turns.
    ///   - room: How many runs the lane had room for.
    ///   - now: By the node's clock.
    /// - Returns: Whether there may be more although fewer came than there was room for.
    public mutating func took(
        _ runs: [Place],
        isKeyed: Bool,
        of room: Int,
        at now: Duration
    ) -> Bool {
        if isKeyed, !runs.isEmpty {
            self.place = Place(key: self.lastServed(of: runs))
            return runs.count < room
        }
        if let last = runs.last {
            self.go(to: last)
            if self.reached.isBefore(last) { self.reached = last }
            // At least to know what the front costs by now.
            self.wantLook(after: Self.frontInterval, at: now)
        }
        if let found = self.sent.found {
            self.took(runs, of: min(room, found.count), found)
            return runs.count < room
        }
        guard runs.count < room else { return false }
        let beganAtFront = self.sent.after.rank == .min
        if self.isFrontNear {
            self.go(to: Place())
            return !beganAtFront
        }
        self.go(to: self.reached)
        if !beganAtFront { self.wantLook(after: self.isVain ? Self.vainPause : .zero, at: now) }
        return false
    }

    /// Goes on among those that were found, or behind the place reached when none is left.
    private mutating func took(_ runs: [Place], of asked: Int, _ found: Found) {
        self.isVain = runs.isEmpty
        guard runs.count == asked, let last = runs.last, last.isBefore(found.last) else {
            return self.go(to: self.reached)
        }
        // What another look found since is newer. One that came since may have taken the turn of one
        // that was found: then one is left, although as many are taken.
        guard self.found == nil else { return }
        let left = max(1, found.count - asked)
        self.found = Found(after: last, count: left, last: found.last)
    }

    /// A run that was read is in the queue as before: the next claim begins with it.
    ///
    /// - Parameter place: Where it is.
    public mutating func returns(_ place: Place) {
        if let returned = self.returned, returned.isBefore(place) { return }
        self.returned = place
    }

    /// Somebody begins to look.
    ///
    /// - Parameter now: By the node's clock.
    /// - Returns: Up to where.
    public mutating func looks(at now: Duration) -> Place {
        self.frontAt = now
        self.lookAt = nil
        return self.reached
    }

    /// Hears what a look found.
    ///
    /// - Parameters:
    ///   - runs: The first and the last run that can be claimed there; `nil` for none.
    ///   - count: How many there are, ``foundMax`` at most.
    ///   - cost: How long reading took; `nil` when nothing was read: the lane is paused or has limits.
    ///   - isBusy: Whether runs of the lane are under way, after which it will take others.
    ///   - now: By the node's clock.
    /// - Returns: Whether there is something to claim.
    public mutating func looked(
        _ runs: (first: Place, last: Place)?,
        count: Int,
        cost: Duration?,
        isBusy: Bool,
        at now: Duration
    ) -> Bool {
        if let cost {
            // Who counts to the end of a few reads all; who stops at many does not.
            let whole = count < Self.foundMax ? cost : max(cost, self.cost)
            self.cost = min(whole, self.lastCost)
            self.lastCost = whole
        }
        self.frontAt = now
        let isWanted = self.lookAt != nil
        self.lookAt = nil
        // Where the front is dear, or may be, no claim of its own reads what comes meanwhile.
        if isWanted || isBusy && self.lastCost > Self.frontMax {
            self.wantLook(after: Self.frontInterval, at: now)
        }
        guard let runs else {
            (self.isVain, self.isFrontWanted, self.found) = (false, false, nil)
            return false
        }
        // A claim begins behind a place.
        let first = Place(rank: runs.first.rank, run: runs.first.run - 1, key: self.place.key)
        self.isFrontWanted = self.isFrontNear
        self.found = self.isFrontNear ? nil : Found(after: first, count: count, last: runs.last)
        return true
    }

    private mutating func go(to place: Place) {
        self.place.rank = place.rank
        self.place.run = place.run
    }

    private mutating func wantLook(after interval: Duration, at now: Duration) {
        let earliest = (self.frontAt ?? now) + max(interval, self.cost * Self.lookShare)
        self.lookAt = min(self.lookAt ?? earliest, earliest)
    }

    /// The key whose turn was the last: of those that had the most turns the last one, counted around
    /// from the key before the first.
    private func lastServed(of runs: [Place]) -> QueueKey {
        var turns: [QueueKey: Int] = [:]
        for run in runs { turns[run.key, default: 0] += 1 }
        let most = turns.values.max() ?? 0
        let before = self.place.key
        let last = turns.filter { $0.value == most }.keys
        // Around from the last key: those after it, then from the first one on.
        return last.filter { $0 <= before }.max() ?? last.max() ?? before
    }
}
