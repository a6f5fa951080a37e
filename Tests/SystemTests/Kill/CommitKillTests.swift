// Decides what a loss between any two statements of a node's commits takes from a busy queue: nothing.

import ControlRoom
import Foundation
import Gateway
import Glibc
import Logging
import Postgres
import PulserIR
import Store
import Synchronization
import TestBed
import TestKit
import Testing

extension SystemTests {
    @Suite("Commits cut off", .timeLimit(.minutes(8)))
    struct CommitKill {
        @Test(
            "whatever is killed beside any statement of a commit, each run ends once, each step has one result"
        )
        func everywhere() async throws {
            let given = ProcessInfo.processInfo.environment["OPSROOM_SEED"].flatMap { UInt64($0) }
            let seed = given ?? UInt64.random(in: 0...UInt64.max)
            let directory = try DataDirectory.open(TestPostgres.temporaryDirectory())
            // Its commits survive its own crash, and what is set for it concerns no other test.
            let server = try await TestPostgres.start(in: directory, fsync: true)
            do {
                try await Site.with(.at(server.conninfo)) { site in
                    try await CommitCampaign(site, seed: seed).run()
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
            await server.stop()
        }
    }
}

/// A place in a commit where it can be held.
private struct CutPoint: Hashable, CustomStringConvertible {
    /// `nil`: at the commit itself.
    var statement: PostgresStatement?
    /// `before`, `after`, `commit`, or `acknowledged`: committed, but nobody was told.
    var at: String

    var description: String { "\(self.at) \(self.statement?.name ?? "")" }

    static func == (one: Self, other: Self) -> Bool { one.description == other.description }
    func hash(into hasher: inout Hasher) { hasher.combine(self.description) }

    /// Every one: a statement that is added to the batch is among them.
    static let all: [CutPoint] =
        Statements.all.filter { statement in
            statement.name.hasPrefix("writer.") && statement.sql.contains("unnest")
                && statement.name != "writer.fence"
        }.flatMap { [CutPoint(statement: $0, at: "before"), CutPoint(statement: $0, at: "after")] }
        + [CutPoint(statement: nil, at: "commit"), CutPoint(statement: nil, at: "acknowledged")]
}

/// What is killed.
private enum Victim: CaseIterable {
    /// The node; the server goes on with what it was sent.
    case node
    /// The node and with it what the server had of its commit.
    case both
    /// The connection's process in the server, told to end.
    case connection
    /// The server: one of its processes is gone, so all begin anew from the log.
    case server
}

/// Work at full speed, cut off at each place once.
private final class CommitCampaign {
    /// What was enqueued, by key, as the database said.
    private final class Ledger: Sendable {
        private let state = Mutex<(ids: [String: RunID], next: Int, isOver: Bool)>(([:], 0, false))

        var ids: [String: RunID] { self.state.withLock(\.ids) }
        var isOver: Bool {
            get { self.state.withLock(\.isOver) }
            set { self.state.withLock { $0.isOver = newValue } }
        }

        func keys(_ count: Int) -> [String] {
            self.state.withLock { state in
                defer { state.next += count }
                return (state.next..<(state.next + count)).map { "k\($0)" }
            }
        }

        func note(_ keys: [String], _ ids: [RunID]) {
            self.state.withLock { state in
                for (key, id) in zip(keys, ids) {
                    #expect(state.ids.updateValue(id, forKey: key) == nil)
                }
            }
        }
    }

    private let site: Site
    private let seed: UInt64
    private var random: SeededGenerator
    private let ledger = Ledger()

    init(_ site: Site, seed: UInt64) {
        self.site = site
        self.seed = seed
        self.random = SeededGenerator(seed: seed)
    }

    /// Triggers that hold whoever comes to the place that is named, as long as a lock is held.
    private static let schema = """
        CREATE SCHEMA halt;
        CREATE UNLOGGED TABLE halt.point (at text NOT NULL, query text);
        CREATE FUNCTION halt.stop() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM halt.point p WHERE p.at = TG_ARGV[0]
                AND (p.query IS NULL OR p.query = current_query()))
            THEN PERFORM pg_advisory_xact_lock(7777, 1);
            END IF;
            RETURN NULL;
        END $$;
        """

    private static let tables = ["run", "run_done", "step_journal", "run_events", "artifact"]

    func run() async throws {
        let statements = Set(CutPoint.all.compactMap(\.statement?.name))
        try #require(statements.count >= 6)
        var node = try await self.site.startNode()
        try await self.script(
            Self.schema
                + Self.tables.map { table in
                    """
                    CREATE TRIGGER halt_before BEFORE INSERT OR UPDATE OR DELETE ON \(table)
                        FOR EACH STATEMENT EXECUTE FUNCTION halt.stop('before');
                    CREATE TRIGGER halt_after AFTER INSERT OR UPDATE OR DELETE ON \(table)
                        FOR EACH STATEMENT EXECUTE FUNCTION halt.stop('after');
                    """
                }.joined()
                    + """
                    CREATE CONSTRAINT TRIGGER halt_commit AFTER INSERT ON run_events
                        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION halt.stop('commit');
                    """
        )
        let plans = try self.plans()
        let ledger = self.ledger
        try await self.site.withStore { store in
            for number in 0..<9 {
                let lane = "l\(number / 3)\(number % 3)"
                _ = try await store.ensureLane(session: "default", lane: lane)
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let site = self.site
            for worker in 0..<3 {
                group.addTask {
                    try await site.withStore { try await Self.feed($0, plans, worker, ledger) }
                }
            }
            var victims: [Victim] = []
            // There is work under way, whichever place is the first.
            try await self.goesOn()
            for point in CutPoint.all.shuffled(using: &self.random) {
                if victims.isEmpty { victims = Victim.allCases.shuffled(using: &self.random) }
                let victim = victims.removeLast()
                do {
                    node = try await self.cut(point, victim, node)
                } catch {
                    ledger.isOver = true
                    throw NeverHappened(description: "\(point), \(victim): \(error)")
                }
            }
            ledger.isOver = true
            try await group.waitForAll()
        }
        try await self.check()
        node.send(SIGTERM)
        #expect(try await node.end() == 0, "seed \(self.seed): \(node.errorOutput)")
    }

    // MARK: Work

    /// Nothing, a chain of nothing, and a program that leaves a file.
    private func plans() throws -> [PlanRow] {
        try [
            "noop": "steps: [{id: s0, effects: none, system: {sleep: 0s}}]",
            "chain": """
            steps:
              - {id: s0, effects: none, system: {sleep: 0s}}
              - {id: s1, effects: none, needs: [s0], system: {sleep: 0s}}
              - {id: s2, effects: none, needs: [s1], system: {sleep: 0s}}
            """,
            "file": """
            steps:
              - id: s0
                effects: idempotent
                shell: {argv: [sh, -c, 'echo words > file']}
                artifacts: [{file: file, name: file}]
            """,
        ].sorted { $0.key > $1.key }.flatMap { name, body in
            try PlanFile.compile(self.site.plan(name, body)).rows
        }
    }

    /// Enqueues in lanes of its own, of which one has runs with a key, until told otherwise, a thousand ahead; what nobody acknowledged is enqueued again
    /// under its keys.
    private static func feed(
        _ store: Store,
        _ plans: [PlanRow],
        _ worker: Int,
        _ ledger: Ledger
    ) async throws {
        var turn = 0
        while !ledger.isOver {
            let keys = ledger.keys(50)
            turn += 1
            try await eventually("a batch was enqueued") {
                do {
                    let lane = try await store.ensureLane(
                        session: "default",
                        lane: "l\(worker)\(turn % 3)"
                    )
                    let runs = keys.enumerated().map { index, key in
                        let plan = index == 0 ? plans[1] : plans[index % 2 * 2]
                        return NewRun(
                            lane: lane,
                            planDigest: plan.digest,
                            idempotencyKey: key,
                            key: turn % 3 == 0 ? "k" : ""
                        )
                    }
                    ledger.note(keys, try await store.enqueue(runs, plans: plans))
                    return true
                } catch let error as StoreError where error.isTransient || error.code == .server {
                    return false
                }
            }
            try await eventually("the queue is short") {
                let counts = (try? await store.runCounts()) ?? ["queued": 10_000]
                return counts["queued", default: 0] < 1_000 || ledger.isOver
            }
        }
    }

    // MARK: Cutting

    private func script(_ sql: String) async throws {
        let connection = try await self.connect()
        try await connection.script(sql)
        await connection.close()
    }

    private func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(
            PostgresConfiguration(conninfo: try self.site.conninfo()),
            logger: Logger(label: "test")
        )
    }

    /// Whatever the server is just doing.
    private func insist(_ sql: String) async throws -> [[String]] {
        var rows: [[String]] = []
        try await eventually("the server answers") {
            guard let answer = try? await self.site.rows(sql) else { return false }
            rows = answer
            return true
        }
        return rows
    }

    private func cut(_ point: CutPoint, _ victim: Victim, _ node: Program) async throws -> Program {
        if point.at == "acknowledged" { return try await self.cutAnswer(victim, node) }
        let holder = try await self.connect()
        _ = try await holder.query("SELECT pg_advisory_lock(7777, 1)")
        let query = point.statement.map { "$halt$\($0.sql)$halt$" } ?? "NULL"
        try await self.script("INSERT INTO halt.point VALUES ('\(point.at)', \(query))")
        var process = ""
        try await eventually("somebody comes to \(point)") {
            let waiting = try await self.site.rows(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7777 AND NOT granted"
            )
            process = waiting.first?[0] ?? ""
            return !process.isEmpty
        }
        var node = node
        switch victim {
        case .node, .both:
            try await node.killHard()
            if victim == .both {
                _ = try await self.insist("SELECT pg_terminate_backend(\(process))")
            }
        case .connection: _ = try await self.insist("SELECT pg_terminate_backend(\(process))")
        case .server: kill(try #require(pid_t(process)), SIGKILL)
        }
        _ = try await self.insist("DELETE FROM halt.point RETURNING 1")
        await holder.close()
        if node.exitCode != nil { node = try await self.site.startNode() }
        try await self.goesOn()
        return node
    }

    /// Has commits wait when they are made and before it is said: for a standby that is not there.
    private func cutAnswer(_ victim: Victim, _ node: Program) async throws -> Program {
        let waiting = """
            SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()
            """
        // The node's writer among them: nobody else writes to lanes' logs.
        let writer = """
            SELECT 1 FROM pg_locks k WHERE k.relation = 'run_events'::regclass
            AND k.mode = 'RowExclusiveLock' AND k.pid IN (\(waiting))
            """
        try await eventually("a commit waits") {
            try await self.script("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            _ = try await self.site.rows("SELECT pg_reload_conf()")
            let held: Void? = try? await eventually("the writer waits", within: .seconds(2)) {
                try await !self.site.rows(writer).isEmpty
            }
            if held != nil { return true }
            // Claims and enqueues were held first and left the writer nothing to write: all go on.
            try await self.script("ALTER SYSTEM RESET synchronous_standby_names")
            _ = try await self.site.rows("SELECT pg_reload_conf()")
            try await self.goesOn()
            return false
        }
        var node = node
        switch victim {
        case .node, .both: try await node.killHard()
        case .connection: break
        case .server:
            let process = try await self.site.rows(waiting).first?[0] ?? ""
            kill(try #require(pid_t(process)), SIGKILL)
        }
        _ = try await self.insist(
            "SELECT pg_terminate_backend(pid) FROM (\(waiting)) w"
        )
        try await eventually("the setting is reset") {
            (try? await self.script("ALTER SYSTEM RESET synchronous_standby_names")) != nil
        }
        _ = try await self.insist("SELECT pg_reload_conf()")
        if node.exitCode != nil { node = try await self.site.startNode() }
        try await self.goesOn()
        return node
    }

    /// Runs end again, and as many as the node takes at once.
    private func goesOn() async throws {
        let ended = "SELECT count(*) FROM run_done"
        let before = Int(try await self.insist(ended)[0][0]) ?? 0
        try await eventually("runs end again") {
            (Int(try await self.insist(ended)[0][0]) ?? 0) > before + 200
        }
    }

    // MARK: Afterwards

    private func check() async throws {
        let hint = Comment(rawValue: "seed \(self.seed)")
        try await eventually("all runs end", within: .seconds(120)) {
            try await self.site.rows("SELECT 1 FROM run LIMIT 1").isEmpty
        }
        let acknowledged = self.ledger.ids
        #expect(Set(acknowledged.values).count == acknowledged.count, hint)
        let stored = try await self.site.rows("SELECT id, idempotency_key FROM run_any")
        let ids = Dictionary(stored.map { ($0[1], RunID(Int64($0[0]) ?? 0)) }) { first, _ in first }
        #expect(stored.count == acknowledged.count && ids == acknowledged, hint)
        // What the load-test harness asks of a queue, but for beginnings: a run whose node was
        // killed begins once more.
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../loadtests/queue.sql").standardized.path
        try await self.script(try String(contentsOfFile: folder, encoding: .utf8))
        let breaches = try await self.site.rows("SELECT load.breaches(\(stored.count))")
            .map { $0[0] }.filter { !$0.hasSuffix("other than once") && !$0.contains("at once") }
        #expect(breaches == [], hint)
        let twice = try await self.site.rows(
            """
            SELECT e.run, count(*) FROM run_events c
            CROSS JOIN LATERAL string_to_table(rtrim(convert_from(c.bytes, 'UTF8'), E'\\n'), E'\\n') l (text)
            CROSS JOIN LATERAL json_to_record(l.text::json) AS e (type text, run text)
            WHERE e.type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out')
            GROUP BY e.run HAVING count(*) <> 1 LIMIT 5
            """
        )
        #expect(twice == [], hint)
        for table in ["step_journal"] {
            #expect(try await self.site.rows("SELECT 1 FROM \(table) LIMIT 1").isEmpty, hint)
        }
        print("seed \(self.seed): \(stored.count) runs, \(CutPoint.all.count) cuts")
    }
}
