// Decides how many cards each lane of a board may have, so that the whole board has no more than it may. Pure.

/// How many cards lanes have at most: the same for all, so that a long queue takes nothing of a short one.
struct BoardShare: Equatable {
    /// Of runs under way.
    var active: Int64
    /// Of queued runs.
    var queued: Int64
    /// Whether lanes have more than that.
    var isCut: Bool

    /// Shares `room` among lanes: runs under way first, up to half of it where the queues need the other.
    ///
    /// - Parameters:
    ///   - counts: What the lanes have.
    ///   - active: Cards under way of one lane at most.
    ///   - queued: Queued cards of one lane at most.
    ///   - room: Cards of the board at most.
    init(
        _ counts: [(active: Int64, queued: Int64)],
        active: Int64,
        queued: Int64,
        room: Int64
    ) {
        let underWay = counts.map { min($0.active, active) }
        let waiting = counts.map { min($0.queued, queued) }
        let wanted = waiting.reduce(0, +)
        self.active = Self.level(underWay, max(room / 2, room - wanted), active)
        let taken = underWay.map { [level = self.active] in min($0, level) }.reduce(0, +)
        self.queued = Self.level(waiting, room - taken, queued)
        self.isCut =
            underWay.contains { [level = self.active] in $0 > level }
            || waiting.contains { [level = self.queued] in $0 > level }
    }

    /// The highest level up to which all may be filled.
    private static func level(_ counts: [Int64], _ room: Int64, _ most: Int64) -> Int64 {
        var level = most
        while level > 0, counts.reduce(0, { $0 + min($1, level) }) > room { level -= 1 }
        return level
    }
}
