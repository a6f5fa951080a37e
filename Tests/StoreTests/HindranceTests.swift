// Decides that nothing is lost, doubled or tried without end when a database hinders a writer, and
// that it is told why. Each hindrance is a real one of a server of the test's own.

import ControlRoom
import Foundation
import Postgres
import PulserIR
import Store
import TestBed
import TestKit
import Testing

@Suite("Hindrances of a database", .timeLimit(.minutes(3)))
struct HindranceTests {
    /// A node with one claimed run on a server whose settings the test may change.
    private struct Scene {
        let bed: StoreBed
        let owner: Owner
        let run: ClaimedRun
        let log: LaneLog
        let server: EmbeddedPostgres

        static func with(_ body: @escaping @Sendable (Scene) async throws -> Void) async throws {
            let directory = try DataDirectory.open(
                TestPostgres.temporaryDirectory(),
                purpose: "tests"
            )
            let server = try await TestPostgres.start(in: directory)
            let configuration = PostgresConfiguration(conninfo: server.conninfo)
            try await StoreBed.with(configuration) { bed in
                try await Owner.with(bed) { owner in
                    let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                    _ = try await bed.enqueue(1, lane: lane)
                    let run = try await owner.claimOne(lane)
                    let log = try await owner.log(lane)
                    try await body(
                        Scene(bed: bed, owner: owner, run: run, log: log, server: server)
                    )
                }
            }
            await server.stop()
        }

        /// A connection that no setting of the server hinders.
        func connect() async throws -> PostgresConnection {
            let connection = try await PostgresConnection.connect(
                self.bed.configuration,
                logger: logger
            )
            try await connection.script(
                "SET default_transaction_read_only = off; SET statement_timeout = 0"
            )
            return connection
        }

        /// Has the server go by a setting, and every connection of the pool know it: each hears of it in
        /// its own time, and asked all at once none answers twice.
        func set(_ name: String, _ value: String, by other: PostgresConnection) async throws {
            try await other.script("ALTER SYSTEM SET \(name) = '\(value)'")
            try await other.script("SELECT pg_reload_conf()")
            try await eventually("every connection knows it") {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<16 {
                        group.addTask {
                            let sql = "SELECT current_setting('\(name)') FROM pg_sleep(0.05)"
                            return try await self.bed.text(sql) == value
                        }
                    }
                    return try await group.reduce(true) { $0 && $1 }
                }
            }
        }

        func submit(_ step: String) async throws {
            try await self.owner.writer.submit(
                [
                    .journal(record(step)), .event(event(self.run.fence.run)),
                    .transition(transition(.running)),
                ],
                fence: self.run.fence,
                log: self.log
            )
        }

        /// How often the server's log says so, and when it did.
        func said(_ words: String) throws -> [Date] {
            let folder = self.server.logDirectory
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.dateFormat = "yyyy-MM-dd HH:mm:ss.SSS"
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap {
                let bytes = FileManager.default.contents(atPath: "\(folder)/\($0)") ?? Data()
                return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                    .filter { $0.contains("ERROR:") && $0.contains(words) }
                    .map { format.date(from: String($0.prefix(23))) ?? .distantPast }
            }
        }

        /// Backends that wait for a lock.
        func waiting() async throws -> Int {
            try await self.bed.number(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            )
        }

        /// What was written is there once, with an event each.
        func check(steps: [String]) async throws {
            #expect(!self.log.isLost)
            let journal = try await self.bed.store.journal(self.run.fence.run)
            #expect(journal.map(\.record.step).sorted() == steps)
            let chunks = try await self.bed.store.events(
                lane: self.run.fence.lane,
                from: 1,
                limit: 1_000
            )
            #expect(chunks.flatMap(\.lines).map(\.sequence) == Array(1...Int64(steps.count)))
            #expect(self.bed.store.obstacle.reason == nil)
        }
    }

    @Test("what a read-only server refuses is kept with the reason, tried less and less often")
    func readOnly() async throws {
        try await Scene.with { scene in
            let other = try await scene.connect()
            try await scene.submit("before")
            try await scene.set("default_transaction_read_only", "on", by: other)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await scene.submit("meanwhile") }
                try await eventually("it was tried five times") {
                    try scene.said("read-only transaction").count >= 5
                }
                let times = try scene.said("read-only transaction")
                // 50, 100, 200 and 400 ms lie between them, at least.
                #expect(times[4].timeIntervalSince(times[0]) > 0.7)
                let reason = scene.bed.store.obstacle.reason
                #expect(reason?.hasPrefix("database unavailable: it takes no writes now") == true)
                // Reading goes on; who writes without a writer is told at once.
                #expect(try await scene.bed.store.journal(scene.run.fence.run).count == 1)
                await #expect {
                    try await scene.bed.enqueue(1, lane: scene.run.fence.lane)
                } throws: {
                    ($0 as? StoreError)?.hindrance == .readOnly
                }
                try await other.script("ALTER SYSTEM RESET default_transaction_read_only")
                try await other.script("SELECT pg_reload_conf()")
                try await group.waitForAll()
            }
            try await scene.check(steps: ["before", "meanwhile"])
            await other.close()
        }
    }

    @Test("what a server cuts off for its time is kept with the reason, and stored in the end")
    func statementTimeout() async throws {
        try await Scene.with { scene in
            let other = try await scene.connect()
            // Long enough for what is not hindered, on a busy machine too.
            try await scene.set("statement_timeout", "1s", by: other)
            // Somebody's long transaction is what the statement waits for.
            try await other.script("BEGIN; LOCK TABLE step_journal IN SHARE MODE")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await scene.submit("meanwhile") }
                try await eventually("it was cut off twice") {
                    try scene.said("canceling statement due to statement timeout").count >= 2
                }
                let reason = scene.bed.store.obstacle.reason
                #expect(reason?.contains("cuts off statements that take longer") == true)
                try await other.script("ROLLBACK")
                try await group.waitForAll()
            }
            try await other.script("ALTER SYSTEM RESET statement_timeout")
            try await other.script("SELECT pg_reload_conf()")
            try await scene.check(steps: ["meanwhile"])
            await other.close()
        }
    }

    @Test("a transaction that could not be put in order with another one is done again")
    func serializationFailure() async throws {
        try await Scene.with { scene in
            let other = try await scene.connect()
            try await scene.set("default_transaction_isolation", "repeatable read", by: other)
            let shard = scene.run.fence.shard.shard
            try await other.script(
                "BEGIN; UPDATE shard SET effects_after = effects_after WHERE shard_id = \(shard)"
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await scene.submit("a") }
                try await eventually("the writer waits for the shard") {
                    try await scene.waiting() == 1
                }
                try await other.script("COMMIT")
                try await group.waitForAll()
            }
            // The server's log is written by a process of its own.
            try await eventually("the server says so") {
                try scene.said("could not serialize access").count == 1
            }
            // Who enqueues has no writer that would keep it.
            try await other.script(
                "BEGIN; UPDATE session SET intent = 'b' WHERE name = 'default'"
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await scene.bed.enqueue(1, lane: scene.run.fence.lane) }
                try await eventually("the enqueue waits for the session") {
                    try await scene.waiting() == 1
                }
                try await other.script("COMMIT")
                try await group.waitForAll()
            }
            // The server's log is written by a process of its own.
            try await eventually("the server says so") {
                try scene.said("could not serialize access").count == 2
            }
            #expect(try await scene.bed.number("SELECT count(*) FROM run") == 2)
            try await scene.check(steps: ["a"])
            await other.close()
        }
    }

    @Test("the victim of a deadlock does its transaction again")
    func deadlock() async throws {
        try await Scene.with { scene in
            let other = try await scene.connect()
            // Gives way when the writer looked for a deadlock before there was one.
            try await other.script("SET deadlock_timeout = '10min'; SET lock_timeout = '10s'")
            let run = scene.run.fence.run.number
            let shard = scene.run.fence.shard.shard
            var steps: [String] = []
            while steps.count < 10, try scene.said("deadlock detected").isEmpty {
                let step = "s\(steps.count)"
                steps.append(step)
                try await other.script("BEGIN; SELECT id FROM run WHERE id = \(run) FOR UPDATE")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await scene.submit(step) }
                    try await eventually("the writer waits for the run") {
                        try await scene.waiting() == 1
                    }
                    // The writer has the shard and wants the run; this one has the run.
                    let text = "UPDATE shard SET effects_after = now() WHERE shard_id = \(shard)"
                    try? await other.script(text)
                    try await other.script("ROLLBACK")
                    try await group.waitForAll()
                }
            }
            let detected = try scene.said("deadlock detected").count
            #expect(detected >= 1, "after \(steps.count) submissions")
            try await scene.check(steps: steps)
            await other.close()
        }
    }
}
