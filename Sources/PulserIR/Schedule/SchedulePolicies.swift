// What a schedule does when ticks were missed, and when its last run is still open.

/// What becomes of ticks that nobody was there for.
public enum MisfirePolicy: String, Sendable, Hashable, CaseIterable {
    /// They are dropped.
    case skip
    /// One run stands for all of them: the latest.
    case latest
    /// Each gets its run, up to the schedule's limit; the oldest beyond it are dropped.
    case all
}

/// What becomes of a tick while a run of an earlier one is open.
public enum OverlapPolicy: String, Sendable, Hashable, CaseIterable {
    /// It is dropped.
    case skip
    /// Its run is queued behind the others.
    case queue
    /// The open ones are cancelled, then it gets its run.
    case cancel
}

/// Why no run was made for a tick. The last four are what its runs being unique comes to: they are
/// words of a run's `unique_outcome`, too.
public enum TickDrop: String, Sendable, Hashable, CaseIterable {
    /// It was missed, and the policy drops missed ticks or keeps a later one.
    case missed
    /// It was missed longer ago than the schedule catches up with.
    case tooOld = "too_old"
    /// More were missed than the schedule's limit.
    case overLimit = "over_limit"
    /// A run of an earlier tick was open.
    case overlap
    /// Another run had the unique key and did not make room.
    case held
    /// Another run had the unique key and stands for the tick's.
    case joined
    /// Another run had the unique key, had not begun, and became the tick's.
    case replaced
    /// The same, and it begins later.
    case debounced
}
