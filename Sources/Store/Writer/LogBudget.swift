// Decides how many bytes of events may wait for the database in all lanes of a node together.

internal import Synchronization

/// What waits in the logs of a node's lanes, and is on its way into the database.
///
/// A lane may have a megabyte waiting; a thousand lanes that print at once must not have a thousand.
public final class LogBudget: Sendable {
    /// Bytes that may wait in all lanes before each pauses at its share.
    public static let bytesMax = 32 << 20
    /// Bytes that a lane may have waiting however much others have.
    static let laneShareBytes = 16 << 10

    private let used = Atomic<Int>(0)

    /// Nothing waits.
    public init() {}

    /// Bytes that wait now.
    public var bytes: Int { self.used.load(ordering: .relaxed) }

    func add(_ count: Int) { self.used.add(count, ordering: .relaxed) }
    func remove(_ count: Int) { self.used.subtract(count, ordering: .relaxed) }
}

/// Bytes that were taken from a log and count until whoever holds this lets it go.
final class LogHold: Sendable {
    private let budget: LogBudget
    private let count: Int

    /// Takes over bytes that the budget counts already.
    init(_ budget: LogBudget, _ count: Int) {
        self.budget = budget
        self.count = count
    }

    deinit { self.budget.remove(self.count) }
}
