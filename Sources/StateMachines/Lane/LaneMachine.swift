// Decides how many runs a lane may take at this moment.

public import PulserIR

/// One lane: keeps its width and never asks twice at once.
///
/// ```
/// idle ──wake──▶ claiming ──claimed(n)──▶ idle (n < asked) or wanting more
/// ```
public struct LaneMachine: Sendable {
    /// What happened.
    public enum Event: Sendable {
        /// There may be queued runs.
        case wake
        /// The claim that was asked for answered with these runs.
        case claimed([RunID])
        /// The claim failed; the next wake tries again.
        case claimFailed
        /// A run that was under way before this owner came is taken up again.
        case adopted(RunID)
        /// Runs may be under way that the lane does not know of: it takes nothing, or a later run
        /// would overtake them.
        case doubt
        /// All that is under way is known again.
        case settled
        /// A run ended. Others may be ending at this moment: nothing is asked for before the next
        /// wake, and then for all of them at once.
        case ended(RunID)
        /// The lane's width changed.
        case widthChanged(Int)
        /// The lane's shard is about to leave: take nothing more.
        case drain
        /// The shard stays after all.
        case resume
        /// Too much fails here: take nothing for a while.
        case rest
        /// The rest is over.
        case rested
        /// A rate lets nothing begin for a while.
        case shut
        /// It may let something begin again.
        case opened
    }

    /// Runs at once.
    public private(set) var width: Int
    /// Runs under way.
    public private(set) var active: Set<RunID> = []
    /// Whether the lane takes no more runs.
    public private(set) var isDraining = false
    /// Whether the lane takes nothing for a while.
    public private(set) var isResting = false
    /// Whether a rate lets nothing begin for a while.
    public private(set) var isShut = false
    /// Whether runs may be under way that the lane does not know of.
    public private(set) var isInDoubt = false
    private var isClaiming = false
    private var isWanting = false
    private var asked = 0

    /// Makes an idle lane.
    public init(width: Int) { self.width = max(1, width) }

    /// Whether nothing is under way and nothing is asked for. What a draining lane would still like
    /// to take does not count: it never takes it, and would never be given away.
    public var isIdle: Bool {
        self.active.isEmpty && !self.isClaiming && (self.isDraining || !self.isWanting)
    }

    /// Takes one event.
    ///
    /// - Returns: How many runs to claim now; `nil` for none.
    public mutating func handle(_ event: Event) -> Int? {
        switch event {
        case .wake: self.isWanting = true
        case .claimed(let runs):
            self.isClaiming = false
            self.active.formUnion(runs)
            // A full answer means that there may be more; a short one that the lane is empty.
            if runs.count >= self.asked { self.isWanting = true }
        case .claimFailed:
            self.isClaiming = false
            return nil
        case .adopted(let run): self.active.insert(run)
        case .doubt: self.isInDoubt = true
        case .settled: self.isInDoubt = false
        case .ended(let run):
            self.active.remove(run)
            self.isWanting = true
            return nil
        case .widthChanged(let width): self.width = max(1, width)
        case .drain: self.isDraining = true
        case .resume:
            self.isDraining = false
            self.isWanting = true
        case .rest: self.isResting = true
        case .rested:
            self.isResting = false
            self.isWanting = true
        case .shut: self.isShut = true
        case .opened:
            self.isShut = false
            self.isWanting = true
        }
        let free = self.width - self.active.count
        guard self.isWanting, !self.isClaiming, !self.isDraining, !self.isResting, !self.isShut,
            !self.isInDoubt, free > 0
        else { return nil }
        self.isClaiming = true
        self.isWanting = false
        self.asked = free
        return free
    }
}
