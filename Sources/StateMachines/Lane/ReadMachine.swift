// Decides which of the runs that a lane reads are new to it.

public import PulserIR

/// Runs that a lane has read from its queue and that are not claimed yet.
///
/// A run is claimed with its first write, so that until then reading finds it again; and an answer that was
/// under way while a run was claimed, or ended, may still show it. What is read twice is told apart by
/// the claim that it would be. Two claims of one number must never meet, so the lane claims nothing
/// before it begins as long as any run is here.
public struct ReadMachine: Sendable {
    /// A run that was read.
    public struct Entry: Sendable, Hashable {
        /// The run.
        public var run: RunID
        /// The claim under which it is worked on.
        public var claim: Int64
        /// Where it is in the queue.
        public var place: QueueMachine.Place
        /// Whether its claim is stored.
        public var isClaimed: Bool

        /// Describes one.
        public init(run: RunID, claim: Int64, place: QueueMachine.Place, isClaimed: Bool) {
            self.run = run
            self.claim = claim
            self.place = place
            self.isClaimed = isClaimed
        }
    }

    private var held: [RunID: Entry] = [:]
    /// Those that left while an answer was under way.
    private var gone: Set<RunID> = []
    /// Those that nothing can be stored about, under which claim: they are not taken again.
    private var aside: [RunID: Int64] = [:]
    private var isReading = false
    private var isAwaited = false

    /// A lane that has read nothing.
    public init() {}

    /// How many are not claimed yet.
    public var count: Int { self.held.count }

    /// How many an answer from the front may bring that are not new.
    public var known: Int { self.held.count + self.aside.count }

    private var isClear: Bool { self.held.count == self.gone.count }

    /// Somebody wants to know when no run is here.
    ///
    /// - Returns: Whether any is; ``left(_:)`` tells when the last one leaves.
    public mutating func awaits() -> Bool {
        self.isAwaited = !self.isClear
        return self.isAwaited
    }

    /// A question is sent.
    public mutating func asks() { self.isReading = true }

    /// An answer came.
    ///
    /// - Parameters:
    ///   - entries: What it brought, in the queue's order.
    ///   - room: Runs that the lane takes at most.
    /// - Returns: The places, in the answer, of those that are new; and how many had to be looked at.
    public mutating func found(_ entries: [Entry], room: Int) -> (new: [Int], seen: Int) {
        var new: [Int] = []
        var seen = 0
        for (index, entry) in entries.enumerated() {
            if new.count >= room, !entry.isClaimed { break }
            seen = index + 1
            if entry.isClaimed {
                self.aside[entry.run] = nil
            } else if let claim = self.held[entry.run]?.claim ?? self.aside[entry.run],
                claim >= entry.claim
            {
                continue
            }
            new.append(index)
        }
        self.settle()
        for index in new where !entries[index].isClaimed {
            self.held[entries[index].run] = entries[index]
        }
        return (new, seen)
    }

    /// No answer came, and none will.
    public mutating func failed() { self.settle() }

    /// A run is claimed, has ended, or was let go.
    ///
    /// - Returns: Where it was in the queue, `nil` for one that is not here; and whether it was the last
    ///   one that somebody waits for.
    public mutating func left(_ run: RunID) -> (place: QueueMachine.Place?, isAwaited: Bool) {
        guard let entry = self.held[run], !self.gone.contains(run) else { return (nil, false) }
        if self.isReading { self.gone.insert(run) } else { self.held[run] = nil }
        guard self.isAwaited, self.isClear else { return (entry.place, false) }
        self.isAwaited = false
        return (entry.place, true)
    }

    /// A run of which not even the claim can be stored is left alone.
    ///
    /// - Returns: As of ``left(_:)``.
    public mutating func putAside(
        _ run: RunID
    ) -> (place: QueueMachine.Place?, isAwaited: Bool) {
        if let entry = self.held[run] { self.aside[run] = entry.claim }
        return self.left(run)
    }

    /// Somebody ends a run that was left alone.
    ///
    /// - Returns: Whether it was.
    public mutating func takesBack(_ run: RunID) -> Bool {
        self.aside.removeValue(forKey: run) != nil
    }

    private mutating func settle() {
        self.isReading = false
        for run in self.gone { self.held[run] = nil }
        self.gone = []
    }
}
