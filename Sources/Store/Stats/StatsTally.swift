// Adds up what ended, bucket by bucket from the newest on, and decides how many to ask for next. Pure.

/// What is known so far of a time.
struct StatsTally {
    /// What tells templates apart.
    struct Template: Hashable {
        var template: String?
        var plan: String
    }

    /// Of each bucket; `nil` of those that were not reached.
    private(set) var buckets: [StatsFigures?]
    private(set) var lanes: [Int64: StatsRow.Lane] = [:]
    private(set) var templates: [Template: StatsFigures] = [:]
    /// Runs that were counted.
    private(set) var counted: Int64 = 0
    /// Whether lanes or templates were left out.
    private(set) var isCut = false
    /// Runs that may be counted.
    let max: Int64
    /// Buckets to ask for next.
    private var step = 1

    init(buckets: Int, max: Int64) {
        self.buckets = Array(repeating: nil, count: buckets)
        self.max = max
    }

    /// The first bucket that was reached.
    var reached: Int { self.buckets.firstIndex { $0 != nil } ?? self.buckets.count }

    /// Runs that may still be counted.
    var room: Int64 { self.max - self.counted }

    /// The buckets to ask for; `nil` when all are known, or nothing more may be counted.
    var next: Range<Int>? {
        guard self.reached > 0, self.room > 0 else { return nil }
        return Swift.max(0, self.reached - self.step)..<self.reached
    }

    /// These were too many at once.
    ///
    /// - Returns: Whether fewer can be asked for.
    mutating func narrow() -> Bool {
        guard self.step > 1 else { return false }
        self.step /= 2
        return true
    }

    /// Takes over what was counted of some buckets.
    mutating func add(_ found: StatsTally.Found, of range: Range<Int>, groupsMax: Int64) {
        for bucket in range { self.buckets[bucket] = found.buckets[bucket] ?? StatsFigures() }
        for (id, lane) in found.lanes {
            let known = StatsRow.Lane(lane.session, lane.lane)
            self.lanes[id, default: known].figures.add(lane.figures)
        }
        for (name, figures) in found.templates {
            self.templates[name, default: StatsFigures()].add(figures)
        }
        self.isCut = self.isCut || found.groups > groupsMax
        self.counted += found.count
        // Twice as many, unless that is likely to be too many.
        let each = Swift.max(1, found.count / Int64(range.count))
        self.step = Int(Swift.max(1, min(Int64(range.count) * 2, self.room / each)))
    }

    /// Takes over the times that some rows tell.
    mutating func take(times rows: [StoreRow], from bucket: Int) throws(StoreError) {
        for row in rows {
            switch try row.int64(0) {
            case 0:
                let place = bucket + (try row.int(1))
                if self.buckets.indices.contains(place) {
                    try self.buckets[place]?.take(times: row)
                }
            case 1: try self.lanes[try row.int64(2)]?.figures.take(times: row)
            default:
                let name = Template(
                    template: try row.textIfPresent(3),
                    plan: try row.textIfPresent(4) ?? ""
                )
                try self.templates[name]?.take(times: row)
            }
        }
    }

    /// What one question found.
    struct Found {
        var buckets: [Int: StatsFigures] = [:]
        var lanes: [Int64: StatsRow.Lane] = [:]
        var templates: [Template: StatsFigures] = [:]
        /// Lanes or templates, whichever are more, in all.
        var groups: Int64 = 0

        init() {}

        init(_ rows: [StoreRow], from bucket: Int) throws(StoreError) {
            for row in rows {
                let figures = try StatsFigures(counts: row)
                switch try row.int64(0) {
                case 0: self.buckets[bucket + (try row.int(1))] = figures
                case 1:
                    var lane = StatsRow.Lane(
                        try row.textIfPresent(9) ?? "",
                        try row.textIfPresent(10) ?? ""
                    )
                    lane.figures = figures
                    self.lanes[try row.int64(2)] = lane
                    self.groups = Swift.max(self.groups, try row.int64(11))
                default:
                    let name = Template(
                        template: try row.textIfPresent(3),
                        plan: try row.textIfPresent(4) ?? ""
                    )
                    self.templates[name, default: StatsFigures()].add(figures)
                    self.groups = Swift.max(self.groups, try row.int64(11))
                }
            }
        }

        /// Runs that were counted.
        var count: Int64 { self.buckets.values.reduce(0) { $0 + $1.count } }
    }
}
