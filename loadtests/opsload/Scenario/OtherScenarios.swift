// What `opsload api` and `opsload http2` are told.

/// A mix of API requests.
struct APIScenario: Sendable {
    /// How requests follow each other.
    enum Pace: Sendable, Hashable {
        /// So many a second, whether the server keeps up or not; latencies count from the moment a
        /// request was due.
        case open(perSecond: Double)
        /// So many at once, each followed by the next.
        case closed(concurrency: Int)
    }

    /// Phases, one after the other.
    var paces: [Pace]
    /// Connections at most.
    var connections: Int
    var phaseSeconds: Int
    var warmupSeconds: Int
    /// Requests under way at once, at most; one that is due waits, and its wait counts.
    var inFlightMax: Int
    /// How often each operation is chosen.
    var operations: [(name: String, weight: Int)]

    init(_ reader: inout ScenarioReader) throws(LoadError) {
        self.connections = try reader.integer("connections", 1...1_000, default: 4)
        self.phaseSeconds = try reader.integer("phase_seconds", 1...3_600, default: 10)
        self.warmupSeconds = try reader.integer("warmup_seconds", 0...600, default: 2)
        self.inFlightMax = try reader.integer("in_flight_max", 1...10_000, default: 512)
        self.operations = try reader.weights("operations", known: APIOperation.names)
        self.paces = []
        for var pace in try reader.objects("paces") {
            if pace.has("rate") {
                self.paces.append(.open(perSecond: try pace.number("rate", 0.1...1_000_000)))
            } else {
                self.paces.append(.closed(concurrency: try pace.integer("concurrency", 1...10_000)))
            }
            try pace.finish()
        }
        try reader.finish()
    }
}

/// CPU per request and memory, beside other servers in the same run.
struct HTTP2Scenario: Sendable {
    /// Connections, and streams on each.
    struct Shape: Sendable, Hashable {
        var connections: Int
        var streams: Int

        var name: String { "\(self.connections)x\(self.streams)" }
    }

    var shapes: [Shape]
    var phaseSeconds: Int
    var warmupSeconds: Int
    /// How often each figure is measured; the median counts.
    var rounds: Int
    /// Connections held idle to see what one takes; 0 leaves that out.
    var idleConnections: Int
    /// Streams held open to see what one takes; 0 leaves that out.
    var openStreams: Int

    init(_ reader: inout ScenarioReader) throws(LoadError) {
        self.phaseSeconds = try reader.integer("phase_seconds", 1...600, default: 3)
        self.warmupSeconds = try reader.integer("warmup_seconds", 0...60, default: 1)
        self.rounds = try reader.integer("rounds", 1...20, default: 3)
        self.idleConnections = try reader.integer("idle_connections", 0...20_000, default: 500)
        self.openStreams = try reader.integer("open_streams", 0...50_000, default: 2_000)
        self.shapes = []
        for var shape in try reader.objects("shapes") {
            self.shapes.append(
                Shape(
                    connections: try shape.integer("connections", 1...1_000),
                    streams: try shape.integer("streams", 1...1_000)
                )
            )
            try shape.finish()
        }
        try reader.finish()
    }
}
