// What `opsload cluster` is told.

/// Calls between two nodes.
struct ClusterScenario: Sendable {
    /// Phases, one after the other.
    var paces: [APIScenario.Pace]
    /// Actors that are called in turn.
    var actors: Int
    /// Bytes of text in each message, there and back.
    var textBytes: Int
    var phaseSeconds: Int
    var warmupSeconds: Int

    init(_ reader: inout ScenarioReader) throws(LoadError) {
        self.actors = try reader.integer("actors", 1...10_000, default: 64)
        self.textBytes = try reader.integer("text_bytes", 0...100_000, default: 64)
        self.phaseSeconds = try reader.integer("phase_seconds", 1...600, default: 5)
        self.warmupSeconds = try reader.integer("warmup_seconds", 0...60, default: 2)
        self.paces = []
        for var pace in try reader.objects("paces") {
            if pace.has("rate") {
                self.paces.append(.open(perSecond: try pace.number("rate", 1...1_000_000)))
            } else {
                self.paces.append(.closed(concurrency: try pace.integer("concurrency", 1...10_000)))
            }
            try pace.finish()
        }
        try reader.finish()
    }
}
