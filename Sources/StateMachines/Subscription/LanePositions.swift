// How far somebody is in each of several lanes' logs.

/// By lane, the number of the last event that is behind; 0 where nothing is.
public struct LanePositions: Sendable, Hashable {
    /// One lane's position.
    public struct Position: Sendable, Hashable {
        /// The lane's number.
        public var lane: Int64
        /// The number of the last event that is behind, from 1.
        public var sequence: Int64

        /// Names a position.
        public init(lane: Int64, sequence: Int64) {
            self.lane = lane
            self.sequence = sequence
        }
    }

    /// Ascending by lane, without lanes at 0.
    public private(set) var all: [Position] = []

    /// Nothing is behind anywhere.
    public init() {}

    /// The positions of these lanes.
    public init(_ positions: [Int64: Int64]) {
        self.all = positions.filter { $0.value > 0 }
            .map { Position(lane: $0.key, sequence: $0.value) }
            .sorted { $0.lane < $1.lane }
    }

    /// The position in one lane; setting 0 forgets it.
    public subscript(lane: Int64) -> Int64 {
        get {
            let index = self.index(of: lane)
            guard index < self.all.count, self.all[index].lane == lane else { return 0 }
            return self.all[index].sequence
        }
        set {
            let index = self.index(of: lane)
            let isKnown = index < self.all.count && self.all[index].lane == lane
            switch (isKnown, newValue > 0) {
            case (true, true): self.all[index].sequence = newValue
            case (true, false): self.all.remove(at: index)
            case (false, true):
                self.all.insert(Position(lane: lane, sequence: newValue), at: index)
            case (false, false): break
            }
        }
    }

    /// The first lane in which these positions are before `other`'s; `nil` when in none.
    public func firstLane(before other: LanePositions) -> Int64? {
        var own = self.all[...]
        for position in other.all {
            own = own.drop { $0.lane < position.lane }
            guard let first = own.first, first.lane == position.lane,
                first.sequence >= position.sequence
            else { return position.lane }
        }
        return nil
    }

    /// In every lane the later of two positions.
    public func later(_ other: LanePositions) -> LanePositions {
        var result = self
        for position in other.all where result[position.lane] < position.sequence {
            result[position.lane] = position.sequence
        }
        return result
    }

    /// Only the lanes that `isIncluded` wants.
    public func filter(_ isIncluded: (Int64) -> Bool) -> LanePositions {
        var result = self
        result.all.removeAll { !isIncluded($0.lane) }
        return result
    }

    /// Where `lane` is, or belongs.
    private func index(of lane: Int64) -> Int {
        var low = 0
        var high = self.all.count
        while low < high {
            let middle = (low + high) / 2
            if self.all[middle].lane < lane { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Appends a position behind all others; for readers of text, which is in order.
    mutating func append(_ position: Position) { self.all.append(position) }
}
