// Decides that `opsload queue` measures only what is right: its checks find each kind of breach.

import ControlRoom
import Foundation
import Logging
import Postgres
import PulserIR
import Testing

extension SystemTests {
    @Suite("Opsload queue", .timeLimit(.minutes(4)))
    struct QueueLoadTests {
        private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../loadtests").standardized.path

        /// What is done to sound records, and what the checks must say to it.
        private static let breaches = [
            (
                "DELETE FROM run_any WHERE id = (SELECT min(id) FROM run_any)",
                "runs are there instead of 3"
            ),
            (
                "UPDATE run_any SET status = 'failed' WHERE id = (SELECT min(id) FROM run_any)",
                "1 runs are failed"
            ),
            (
                "DELETE FROM run_events WHERE first_seq = (SELECT min(first_seq) FROM run_events)",
                "have not the number that is due"
            ),
            (
                """
                INSERT INTO step_journal (run_id, step, attempt, claim_no, state)
                SELECT min(run_id), 's0', 99, 1, 'succeeded' FROM step_any
                """,
                "the journal has 4 results"
            ),
            (Self.event("run.succeeded"), "began or ended other than once"),
            (Self.event("run.started"), "began or ended other than once"),
            (Self.event("step.succeeded"), "3 steps of 4 succeeded"),
            (
                """
                \(Self.event("run.started"));
                \(Self.event("run.started"))
                """,
                "had 2 runs at once, its width is 1"
            ),
            ("UPDATE run_any SET first_seq = 1000 - first_seq", "began before it was their turn"),
        ]

        /// Adds an event of the first run to its lane's log.
        private static func event(_ type: String) -> String {
            """
            INSERT INTO run_events (lane_id, first_seq, n, bytes)
            SELECT lane_id, max(first_seq + n), 1, convert_to(format(
                '{"seq":%s,"type":"\(type)","run":"%s","step":"s0"}' || chr(10), max(first_seq + n),
                min(substring(convert_from(bytes, 'UTF8') FROM '"run":"([^"]+)"'))), 'UTF8')
            FROM run_events GROUP BY lane_id
            """
        }

        @Test("of sound records nothing is said, of each breach its own sentence")
        func breaches() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let plan = try site.plan("noop", "steps: [{id: s0, system: {sleep: 0s}}]")
                for _ in 0..<3 { try await site.run(["run", plan]) }
                try await node.killHard()
                let connection = try await PostgresConnection.connect(
                    PostgresConfiguration(conninfo: try site.conninfo()),
                    logger: Logger(label: "test")
                )
                let sql = try String(contentsOfFile: Self.folder + "/queue.sql", encoding: .utf8)
                try await connection.script(sql)
                func found() async throws -> [String] {
                    let rows = try await connection.query("SELECT load.breaches(3)")
                    return (0..<rows.count).map { rows.columnText($0, 0) ?? "" }
                }
                #expect(try await found() == [])
                for (breach, words) in Self.breaches {
                    try await connection.script("BEGIN; \(breach)")
                    let sentences = try await found()
                    try await connection.script("ROLLBACK")
                    #expect(sentences.contains { $0.contains(words) }, "\(words): \(sentences)")
                }
                #expect(try await found() == [])
                await connection.close()
            }
        }

        @Test(
            "a scenario measures a node of its own; of a peer there is a figure or why there is none",
            arguments: ["drain", "steps"]
        )
        func small(scenario: String) async throws {
            try await Site.with { site in
                let result = "\(site.folder)/result.json"
                let load = try site.start(
                    [
                        "queue", "\(Self.folder)/scenarios/queue-\(scenario).json", "--runs", "200",
                        "--folder", Self.folder, "--out", result,
                    ] + (scenario == "drain" ? [] : ["--alone"]),
                    data: nil,
                    program: "opsload"
                )
                let code = try await load.end(within: .seconds(120))
                #expect(code == 0, "\(load.output)\(load.errorOutput)")
                let report = try JSONValue(
                    parsing: [UInt8](FileManager.default.contents(atPath: result) ?? Data())
                )
                let names = (report["figures"]?.arrayValue ?? []).compactMap {
                    $0["name"]?.stringValue
                }
                #expect(names.contains(scenario == "drain" ? "drained" : "durable"))
                guard scenario == "drain" else { return }
                let notes = (report["notes"]?.arrayValue ?? []).compactMap(\.stringValue)
                for peer in ["pgqueuer", "procrastinate", "oban"] {
                    let isAbsent = notes.contains { $0.hasPrefix("NOT MEASURED: \(peer)") }
                    #expect(isAbsent != names.contains("\(peer).drained"), "\(notes) \(names)")
                }
            }
        }
    }
}
