// What `opsload queue` is told.

/// One question about the queue.
struct QueueScenario: Sendable {
    /// What is measured.
    enum Kind: String, CaseIterable, Sendable {
        case drain, enqueue, pickup, steps, fair, idle, long, storm, memory
    }

    var kind: Kind
    /// Runs that are measured; for `memory` those that are queued.
    var runs: Int
    /// Lanes they are spread over, and how many of each lane go at once.
    var lanes: Int
    var width: Int
    /// Runs at once on the node.
    var runsMax: Int
    /// Runs enqueued in one transaction.
    var batch: Int
    /// Runs that come before, so that nothing is new to anybody.
    var warmupRuns: Int
    /// Runs a second where they come one by one.
    var rate: Int
    /// Sequential steps of a run.
    var steps: Int
    /// How long is measured, where time is what is given.
    var seconds: Int
    /// Clients that each hold a transaction open meanwhile; none is what the others are held against.
    var holders: Int
    /// Sessions that have little to do.
    var quiet: Int
    /// How long each floor is measured.
    var floorSeconds: Int

    init(_ reader: inout ScenarioReader) throws(LoadError) {
        self.kind = try reader.word("scenario", default: Kind.drain)
        self.runs = try reader.integer("runs", 1...10_000_000, default: 100_000)
        self.lanes = try reader.integer("lanes", 1...10_000, default: 64)
        self.width = try reader.integer("width", 1...1_000, default: 8)
        self.runsMax = try reader.integer("runs_max", 1...10_000, default: 512)
        self.batch = try reader.integer("batch", 1...10_000, default: 1_000)
        self.warmupRuns = try reader.integer("warmup_runs", 0...100_000, default: 5_000)
        self.rate = try reader.integer("rate", 1...10_000, default: 50)
        self.steps = try reader.integer("steps", 1...1_000, default: 1)
        self.seconds = try reader.integer("seconds", 1...86_400, default: 20)
        self.holders = try reader.integer("holders", 0...10, default: 1)
        self.quiet = try reader.integer("quiet", 1...1_000, default: 50)
        self.floorSeconds = try reader.integer("floor_seconds", 0...600, default: 5)
        try reader.finish()
    }
}
