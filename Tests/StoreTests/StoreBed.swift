// How the store's tests get a database: fresh, migrated, with a running pool, gone with the test process.

import Foundation
import Logging
import Postgres
import PulserIR
import Store
import TestBed
import TestKit
import Testing

let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A store over a database of its own.
struct StoreBed: Sendable {
    let configuration: PostgresConfiguration
    let store: Store
    private let pool: PostgresPool

    /// The files of `migrations/`.
    static func migrations() throws -> [Migration] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../migrations").standardized
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path())
        return try names.filter { $0.hasSuffix(".sql") }.map { name in
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            return Migration(number: Int(name.prefix(4)) ?? 0, name: name, sql: text)
        }
    }

    /// Runs `body` on a migrated database; on `configuration`'s, or else on a fresh one.
    static func with(
        _ configuration: PostgresConfiguration? = nil,
        _ body: @Sendable (StoreBed) async throws -> Void
    ) async throws {
        var fresh =
            if let configuration { configuration } else {
                try await TestPostgres.shared.freshDatabase()
            }
        fresh.options = Store.sessionOptions
        let migrations = try Self.migrations()
        try await Migrator(configuration: fresh, migrations: migrations, logger: logger).apply()
        let pool = PostgresPool(PostgresPoolConfiguration(connection: fresh), logger: logger)
        let bed = StoreBed(
            configuration: fresh,
            store: Store(pool: pool, logger: logger),
            pool: pool
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            defer { group.cancelAll() }
            try await body(bed)
        }
    }

    /// The same database through another store.
    func through(_ store: Store) -> StoreBed {
        StoreBed(configuration: self.configuration, store: store, pool: self.pool)
    }

    /// The first cell of `sql`'s answer.
    @discardableResult
    func text(_ sql: String) async throws -> String? {
        try await self.pool.withConnection { connection throws(PostgresError) in
            let rows = try await connection.query(sql, [], format: .text)
            return rows.count == 0 ? nil : rows.columnText(0, 0)
        }
    }

    /// Has what `body` submits wait for a shard, be cut off there by the server and sent again; before it
    /// goes on, something else happens.
    func cuttingOff(
        _ shard: OwnedShard,
        _ change: String = "SELECT 1",
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let other = try await PostgresConnection.connect(self.configuration, logger: logger)
        try await other.script("BEGIN")
        _ = try await other.query(
            "SELECT shard_id FROM shard WHERE shard_id = \(shard.shard) FOR UPDATE"
        )
        async let submitted: Void = body()
        let waiting = """
            SELECT pid FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock' AND query LIKE '%FOR SHARE) held%'
            """
        try await eventually("it waits") {
            try await self.number("SELECT count(*) FROM (\(waiting)) w") == 1
        }
        try await self.text("SELECT pg_cancel_backend(pid) FROM (\(waiting)) w")
        try await eventually("it was cut off") { self.store.obstacle.reason != nil }
        try await other.script(change)
        try await other.script("COMMIT")
        await other.close()
        try await submitted
    }

    func number(_ sql: String) async throws -> Int { Int(try await self.text(sql) ?? "") ?? -1 }

    /// Enqueues `count` runs of one plan in a lane.
    func enqueue(_ count: Int, lane: Int64, priority: Int = 0) async throws -> [RunID] {
        let runs = (0..<count).map { _ in
            NewRun(lane: lane, planDigest: samplePlan.digest, priority: priority)
        }
        return try await self.store.enqueue(runs, plans: [samplePlan])
    }
}

/// A plan that exists.
let samplePlan = planRow("sample")

func planRow(_ name: String) -> PlanRow {
    let bytes = (try? Plan(name: name).canonicalBytes()) ?? []
    return PlanRow(
        digest: Digest(of: bytes),
        name: name,
        body: String(decoding: bytes, as: UTF8.self)
    )
}

/// A node that owns shards and writes.
struct Owner: Sendable {
    let store: Store
    let node: NodeEpoch
    let writer: WriterActor
    let shards: [Int32: OwnedShard]

    /// Runs `body` as a node that owns every free shard.
    static func with(
        _ bed: StoreBed,
        address: String = "here",
        _ body: @Sendable (Owner) async throws -> Void
    ) async throws {
        let node = try await bed.store.join(name: "n", address: address, build: "test")
        let taken = try await bed.store.takeShards(1_024, for: node)
        let writer = WriterActor(store: bed.store, node: node)
        let owner = Owner(
            store: bed.store,
            node: node,
            writer: writer,
            shards: Dictionary(uniqueKeysWithValues: taken.map { ($0.shard, $0) })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            defer { group.cancelAll() }
            try await body(owner)
        }
    }

    func shard(of lane: Int64) async throws -> OwnedShard {
        let row = try #require(try await self.store.loadLanes([lane]).first)
        return try #require(self.shards[row.shard])
    }

    func want(_ lane: Int64, room: Int) async throws -> ClaimWant {
        ClaimWant(lane: lane, shard: try await self.shard(of: lane), room: room)
    }

    func log(_ lane: Int64) async throws -> LaneLog {
        let row = try #require(try await self.store.loadLanes([lane]).first)
        return LaneLog(
            lane: lane,
            shard: try await self.shard(of: lane),
            nextSequence: row.nextSequence,
            budget: self.writer.budget
        )
    }

    /// Reads which runs are next; their claims are stored with their first writes.
    func next(_ lane: Int64, room: Int) async throws -> [ClaimedRun] {
        let want = try await self.want(lane, room: room)
        return try await withCheckedContinuation { waiter in
            self.writer.next(want) { waiter.resume(returning: $0) }
        }
        .get()
    }

    /// Claims one run.
    func claimOne(_ lane: Int64) async throws -> ClaimedRun {
        let want = try await self.want(lane, room: 1)
        return try #require(try await self.writer.claim([want]).first)
    }
}

func record(
    _ step: String,
    _ attempt: Int = 1,
    _ state: StepRecord.State = .succeeded
) -> StepRecord { StepRecord(step: step, attempt: attempt, state: state) }

func event(_ run: RunID) -> RunEvent { RunEvent(.stepOutput, at: 0, run: run) }

func transition(_ status: RunStatus) -> RunTransition {
    RunTransition(status: status, retryCount: 0, firstSequence: 1, lastSequence: 1)
}

/// The code of the store's error that `body` throws.
func code(_ body: () async throws -> Void) async -> StoreError.Code? {
    do {
        try await body()
        return nil
    } catch { return (error as? StoreError)?.code }
}
