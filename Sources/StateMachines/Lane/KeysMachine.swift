// Decides how many runs of each key a lane has under way.

public import PulserIR

/// The keys of a lane's runs.
///
/// Which runs are under way is ``LaneMachine``'s to say: a key is counted for as long as its run is
/// there, so nothing of it can be forgotten or stay behind.
public struct KeysMachine: Sendable {
    private var keys: [RunID: QueueKey] = [:]

    /// A lane without any.
    public init() {}

    /// A run was claimed or taken over.
    public mutating func note(_ run: RunID, key: QueueKey) {
        if !key.text.isEmpty { self.keys[run] = key }
    }

    /// How many runs of each key are under way; a key that is not named has none.
    ///
    /// - Parameter active: The runs that are under way.
    /// - Returns: The counts by key.
    public mutating func busy(of active: Set<RunID>) -> [QueueKey: Int] {
        if self.keys.count > active.count {
            self.keys = self.keys.filter { active.contains($0.key) }
        }
        var counts: [QueueKey: Int] = [:]
        for (run, key) in self.keys where active.contains(run) { counts[key, default: 0] += 1 }
        return counts
    }
}
