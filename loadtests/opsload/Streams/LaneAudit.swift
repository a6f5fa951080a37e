// Decides, for one reader, which events were lost, repeated or out of order.

/// What one reader has had of each lane. Pure.
struct LaneAudit: Sendable {
    private struct Lane: Sendable {
        var number: Int64
        /// The number of the next event.
        var next: Int64
        /// Numbers that were passed over; bounded, beyond it only counted.
        var holes: Set<Int64> = []
        var uncounted: Int64 = 0
    }

    /// Numbers passed over that are remembered, to tell an event that is late from one that is
    /// repeated.
    static let holesMax = 1_000

    private var lanes: [Lane] = []
    /// Events that were there already.
    private(set) var duplicated = 0
    /// Events that came after a later one.
    private(set) var reordered = 0
    /// Events in all.
    private(set) var received = 0

    /// A reader that begins behind these positions.
    init(_ positions: [(lane: Int64, sequence: Int64)] = []) {
        self.lanes = positions.map { Lane(number: $0.lane, next: $0.sequence + 1) }
    }

    /// Takes an event; of a lane that was not named, numbers begin with 1.
    mutating func take(lane: Int64, sequence: Int64) {
        self.received += 1
        let index = self.index(lane)
        let next = self.lanes[index].next
        if sequence == next {
            self.lanes[index].next = next + 1
        } else if sequence > next {
            for hole in next..<sequence {
                if self.lanes[index].holes.count < Self.holesMax {
                    self.lanes[index].holes.insert(hole)
                } else {
                    self.lanes[index].uncounted += 1
                }
            }
            self.lanes[index].next = sequence + 1
        } else if self.lanes[index].holes.remove(sequence) != nil {
            self.reordered += 1
        } else {
            self.duplicated += 1
        }
    }

    /// Events lost so far, of which later ones came.
    var passedOver: Int64 {
        self.lanes.reduce(0) { $0 + Int64($1.holes.count) + $1.uncounted }
    }

    /// Events lost, when the logs end with these events, by lane.
    func lost(_ ends: [Int64: Int64]) -> Int64 {
        let behind = ends.reduce(Int64(0)) { sum, end in
            let next = self.lanes.first { $0.number == end.key }?.next ?? 1
            return sum + max(0, end.value + 1 - next)
        }
        return self.passedOver + behind
    }

    /// Whether the reader has all up to these ends.
    func isComplete(_ ends: [Int64: Int64]) -> Bool { self.lost(ends) == 0 }

    /// Where the reader would go on, in the words of a cursor; see `StreamCursor`.
    func cursor(epoch: String) -> String {
        let places = self.lanes.filter { $0.next > 1 }.sorted { $0.number < $1.number }
        var before: Int64 = 0
        let pairs = places.map { lane in
            defer { before = lane.number }
            let distance = String(lane.number - before, radix: 36)
            return "\(distance).\(String(lane.next - 1, radix: 36))"
        }
        return "\(epoch):\(pairs.isEmpty ? "0" : pairs.joined(separator: "-"))"
    }

    /// Reads a cursor.
    static func positions(cursor: String) -> (epoch: String, [(lane: Int64, sequence: Int64)])? {
        let halves = cursor.split(separator: ":", maxSplits: 1)
        guard halves.count == 2 else { return nil }
        if halves[1] == "0" { return (String(halves[0]), []) }
        var lane: Int64 = 0
        var positions: [(lane: Int64, sequence: Int64)] = []
        for pair in halves[1].split(separator: "-") {
            let numbers = pair.split(separator: ".").compactMap { Int64($0, radix: 36) }
            guard numbers.count == 2 else { return nil }
            lane += numbers[0]
            positions.append((lane, numbers[1]))
        }
        return (String(halves[0]), positions)
    }

    private mutating func index(_ lane: Int64) -> Int {
        // A reader has few lanes: looking through them is faster than hashing.
        for index in self.lanes.indices where self.lanes[index].number == lane { return index }
        self.lanes.append(Lane(number: lane, next: 1))
        return self.lanes.count - 1
    }
}
