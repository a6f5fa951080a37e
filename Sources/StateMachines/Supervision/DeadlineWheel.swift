// Decides which deadlines have passed, of very many that hardly ever do.

/// Deadlines in slots: setting one and taking it back cost the same however many there are.
///
/// A run that takes milliseconds has a timeout of minutes; a timer of the system's own for each would
/// cost more than the run. A deadline passes up to one slot late, never early.
public struct DeadlineWheel: Sendable {
    /// Names a deadline.
    public typealias Key = UInt64

    /// How long a slot is.
    public let slot: Duration

    /// Keys by slot, those included that were taken back since: they go when their slot is over, or
    /// when they are most of what is kept.
    private var slots: [Int64: [Key]] = [:]
    private var live: [Key: Duration] = [:]
    private var kept = 0

    /// An empty wheel.
    ///
    /// - Parameter slot: How late a deadline may pass. Default 50 ms.
    public init(slot: Duration = .milliseconds(50)) { self.slot = slot }

    /// How many deadlines are set.
    public var count: Int { self.live.count }

    /// Sets the deadline of a key that has none.
    ///
    /// - Returns: When somebody must look again at the latest, for this one.
    public mutating func set(_ key: Key, at time: Duration) -> Duration {
        // The slot's end: by then the deadline has passed.
        let place = Int64(time / self.slot) + 1
        self.slots[place, default: []].append(key)
        self.live[key] = time
        self.kept += 1
        return self.end(of: place)
    }

    /// Takes a key's deadline back, if it has one.
    public mutating func remove(_ key: Key) {
        guard self.live.removeValue(forKey: key) != nil else { return }
        guard self.kept > 2 * self.live.count + Self.spare else { return }
        self.slots = self.slots.compactMapValues { keys in
            let left = keys.filter { self.live[$0] != nil }
            return left.isEmpty ? nil : left
        }
        self.kept = self.live.count
    }

    /// Takes out what has passed, earliest first.
    public mutating func passed(at now: Duration) -> [Key] {
        let due = self.slots.keys.filter { self.end(of: $0) <= now }.sorted()
        var passed: [(key: Key, at: Duration)] = []
        for place in due {
            let keys = self.slots.removeValue(forKey: place) ?? []
            self.kept -= keys.count
            for key in keys {
                if let time = self.live.removeValue(forKey: key) { passed.append((key, time)) }
            }
        }
        return passed.sorted { ($0.at, $0.key) < ($1.at, $1.key) }.map(\.key)
    }

    /// When somebody must look again; `nil` when nothing is set. Costs a look at every slot.
    public var wakeAt: Duration? {
        self.live.isEmpty ? nil : self.slots.keys.min().map { self.end(of: $0) }
    }

    /// So many may be kept in vain before anybody tidies up.
    private static let spare = 10_000

    private func end(of place: Int64) -> Duration { self.slot * Double(place) }
}
