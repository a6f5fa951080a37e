// Decides how often a run is taken up again whose writes the database refuses for good.

internal import PulserIR
internal import Store
internal import Synchronization

/// Runs that were let go because a write of theirs was refused, and why.
///
/// The same write is refused again, yet a person may mend the database meanwhile: so a run is tried
/// a few times, then it fails with the reason, and when not even that can be stored it is left.
final class Refusals: Sendable {
    /// How often a run is taken up before it fails.
    static let triesMax = 5
    /// Runs remembered; beyond that all are forgotten, which costs each a few more tries.
    static let runsMax = 10_000

    private struct Entry {
        var count: Int
        var reason: String
    }

    private let entries = Mutex<[RunID: Entry]>([:])

    func note(_ run: RunID, _ error: StoreError) {
        self.entries.withLock { entries in
            if entries.count >= Self.runsMax, entries[run] == nil { entries = [:] }
            entries[run] = Entry(count: (entries[run]?.count ?? 0) + 1, reason: error.message)
        }
    }

    /// Why the run is to fail; `nil` when it may be tried once more.
    func verdict(_ run: RunID) -> String? {
        self.entries.withLock { entries in
            guard let entry = entries[run], entry.count >= Self.triesMax else { return nil }
            return "the database refused to store its work \(entry.count) times: \(entry.reason)"
        }
    }

    /// Whether not even the run's failure could be stored.
    func isOver(_ run: RunID) -> Bool {
        self.entries.withLock { ($0[run]?.count ?? 0) > Self.triesMax }
    }

    func forget(_ run: RunID) { self.entries.withLock { $0[run] = nil } }
}
