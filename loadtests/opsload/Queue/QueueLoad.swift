// Decides which measurement a scenario is, and that a wrong result is no figure.

import PulserIR
import Store

/// One measurement, from an empty folder to the report.
struct QueueLoad: Sendable {
    /// Where things are.
    struct Setting: Sendable {
        var opsroom: String
        /// Where `queue.sql`, `pgbench/` and `peers/` are.
        var folder: String
        /// Neither floors nor peers.
        var isAlone: Bool
        var log: String?
        /// Whether the server counts statements.
        var tellsStatements: Bool
    }

    let name: String
    let scenario: QueueScenario
    let setting: Setting

    /// Measures.
    ///
    /// - Throws: When nothing could be measured.
    func run() async throws -> Report {
        guard let sql = TextFile.read("\(self.setting.folder)/queue.sql") else {
            throw LoadError("\(self.setting.folder)/queue.sql cannot be read")
        }
        var room = QueueRoom.Setting(
            opsroom: self.setting.opsroom,
            runsMax: self.scenario.runsMax,
            sql: sql
        )
        room.log = self.setting.log
        if self.scenario.kind == .pickup {
            room.server.append("ALTER SYSTEM SET track_commit_timestamp = on")
        }
        if self.scenario.kind == .idle || self.setting.tellsStatements {
            room.server.append("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        }
        var report = try await QueueRoom.with(room) { room in
            var report = Report(kind: "queue", scenario: self.name)
            if self.setting.tellsStatements { _ = try await room.ask("count_statements") }
            try await self.measure(room, &report)
            if self.setting.tellsStatements {
                report.notes += try await room.database.rows("SELECT load.dearest()").map { $0[0] }
            }
            try await self.measureBeside(room, &report)
            return report
        }
        if !report.faults.isEmpty { report.figures = [] }
        return report
    }

    private func measure(_ room: QueueRoom, _ report: inout Report) async throws {
        switch self.scenario.kind {
        case .drain: try await self.drain(room, &report)
        case .enqueue: try await self.enqueue(room, &report)
        case .pickup: try await self.pickup(room, &report)
        case .steps: try await self.steps(room, &report)
        case .fair: try await self.fair(room, &report)
        case .idle: try await self.idle(room, &report)
        case .long: try await self.long(room, &report)
        case .storm: try await self.storm(room, &report)
        case .memory: try await self.memory(room, &report)
        }
    }

    /// Checks everything that happened in the room.
    func check(_ room: QueueRoom, runs: Int, _ report: inout Report) async throws {
        let all = runs + self.scenario.warmupRuns
        report.faults += try await room.breaches(expected: all)
        report.notes.append("\(all) runs checked: each ended once, in turn, no event missing")
    }

    /// A rate; 0 when no time has passed.
    static func rate(_ count: Int, from begin: Int64, to end: Int64) -> Double {
        end > begin ? Double(count) * 1_000_000 / Double(end - begin) : 0
    }
}

/// What node, server and log have used between two looks.
struct QueueUse: Sendable {
    private var node: Double
    private var server: Double
    private var wal: Int64
    private var writes: Int64
    private var transactions: Int64

    /// Looks.
    @inline(never)
    init(_ room: QueueRoom) async throws {
        self.node = try await room.nodeUse().cpuMicroseconds
        self.server = try await room.serverMicroseconds()
        let work = try await room.ask("work").first ?? []
        guard work.count == 3 else { throw LoadError("the server does not tell its work") }
        self.wal = work[0]
        self.writes = work[1]
        self.transactions = work[2]
    }

    /// What each of so many runs or steps cost since.
    func figures(since before: QueueUse, per count: Int, of unit: String) -> [Figure] {
        let number = Double(max(1, count))
        return [
            Figure("node.cpu", (self.node - before.node) / number, "us/\(unit)", .lower),
            Figure("postgres.cpu", (self.server - before.server) / number, "us/\(unit)", .lower),
            Figure("wal", Double(self.wal - before.wal) / number, "bytes/\(unit)", .lower),
            Figure(
                "commit.size",
                number / Double(max(1, self.writes - before.writes)),
                "\(unit)s/commit",
                .higher
            ),
        ]
    }

    /// What a second cost since.
    func figures(since before: QueueUse, seconds: Double) -> [Figure] {
        [
            Figure("node.cpu", (self.node - before.node) / seconds / 10_000, "% of a core", .lower),
            Figure(
                "postgres.cpu",
                (self.server - before.server) / seconds / 10_000,
                "% of a core",
                .lower
            ),
            Figure("wal", Double(self.wal - before.wal) / seconds, "bytes/s", .lower),
            Figure(
                "transactions",
                Double(self.transactions - before.transactions) / seconds,
                "per s",
                .lower
            ),
        ]
    }
}
