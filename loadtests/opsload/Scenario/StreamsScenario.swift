// What `opsload streams` is told: how many read, how much is written, who is slow, who comes back.

/// A load of event streams.
struct StreamsScenario: Sendable {
    /// Subscribers in all, spread evenly over the sessions.
    var subscribers: Int
    /// Connections they share.
    var connections: Int
    /// Sessions; a subscriber follows one of them.
    var sessions: Int
    /// Lanes of each session, each with a run that prints.
    var lanesPerSession: Int
    /// Lines printed each second by all runs together.
    var eventsPerSecond: Int
    /// Bytes of a line.
    var payloadBytes: Int
    /// How long each phase is measured: first all readers are fast, then a share of them is slow.
    var phaseSeconds: Int
    /// How long the load goes on before the first phase.
    var warmupSeconds: Int
    /// How long readers may take to have all events once nothing is printed any more.
    var drainSeconds: Int
    /// The share of readers that is slow in the second phase; 0 leaves that phase out.
    var slowShare: Double
    /// How long a slow reader takes nothing after each piece.
    var slowPauseMilliseconds: Int
    /// Readers cut off each second, each at a moment and place of chance; it resumes at once.
    var reconnectsPerSecond: Double
    var format: StreamForm
    /// Bytes a stream's window allows its server ahead of its reader.
    var streamWindowBytes: Int
    /// Bytes of a connection's window.
    var connectionWindowBytes: Int

    init(_ reader: inout ScenarioReader) throws(LoadError) {
        self.subscribers = try reader.integer("subscribers", 1...100_000)
        self.connections = try reader.integer("connections", 1...5_000)
        self.sessions = try reader.integer("sessions", 1...100, default: 1)
        self.lanesPerSession = try reader.integer("lanes_per_session", 1...32, default: 1)
        self.eventsPerSecond = try reader.integer("events_per_second", 1...100_000)
        self.payloadBytes = try reader.integer("payload_bytes", 1...4_096, default: 80)
        self.phaseSeconds = try reader.integer("phase_seconds", 1...3_600, default: 10)
        self.warmupSeconds = try reader.integer("warmup_seconds", 0...600, default: 2)
        self.drainSeconds = try reader.integer("drain_seconds", 1...600, default: 30)
        self.slowShare = try reader.number("slow_share", 0...1, default: 0)
        self.slowPauseMilliseconds = try reader.integer(
            "slow_pause_ms",
            1...60_000,
            default: 2_000
        )
        self.reconnectsPerSecond = try reader.number(
            "reconnects_per_second",
            0...10_000,
            default: 0
        )
        self.format = try reader.word("format", default: .binary)
        self.streamWindowBytes = try reader.integer(
            "stream_window_bytes",
            1_024...(16 << 20),
            default: 65_535
        )
        self.connectionWindowBytes = try reader.integer(
            "connection_window_bytes",
            65_535...(1 << 30),
            default: 16 << 20
        )
        try reader.finish()
        if self.sessions * self.lanesPerSession > 48 {
            // Each lane has a run, and a node has places for 64.
            throw LoadError("sessions × lanes_per_session is at most 48: each lane has a run")
        }
    }

    /// Lanes in all.
    var lanes: Int { self.sessions * self.lanesPerSession }

    /// How long the runs print.
    var publishingSeconds: Int {
        self.warmupSeconds + self.phaseSeconds * (self.slowShare > 0 ? 2 : 1)
    }
}
