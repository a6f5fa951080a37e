// Decides that the command line says of a schedule's runs what they shall be, and that ticks keep to it.

import PulserIR
import TestKit
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(3)))
    struct ScheduleRuns {
        private static let nap = "steps: [{id: a, system: {sleep: 1h}}]"

        @Test("what is said of runs is shown and taken away, here and over the network")
        func said() async throws {
            try await Site.with(.embedded) { site in
                let node = try await site.startListeningNode()
                let plan = try site.plan("nap", Self.nap)
                let yearly = ["--plan", plan, "--cron", "0 0 1 1 *"]
                let runs = [
                    "--for", "customer-7", "--delay", "30s", "--ttl", "2m", "--deadline", "90s",
                    "--unique", "nap", "--unique-in", "session", "--on-conflict", "debounce",
                ]
                for (name, isThere) in [("here", false), ("there", true)] {
                    func run(_ words: [String]) async throws -> (Int32, String) {
                        let done =
                            isThere
                            ? try await site.run(words, data: nil, environment: node.environment)
                            : try await site.run(words)
                        return (done.code, done.output + done.error)
                    }
                    let made = try await run(["schedules", "create", name] + yearly + runs)
                    #expect(made.0 == 0, "\(made.1)")
                    let shown = try await run(["schedules", "show", name])
                    for line in [
                        "for      customer-7", "delay    30.0 s behind the tick",
                        "begins within 2 min 0 s, ends within 1 min 30 s of its beginning",
                        "unique   'nap' in its session, until it has ended, else debounce",
                    ] { #expect(shown.1.contains(line), "\(line): \(shown.1)") }
                    let changed = try await run(
                        ["schedules", "edit", name, "--without", "unique", "--without", "ttl"]
                            + ["--for", "", "-o", "json"]
                    )
                    #expect(changed.0 == 0, "\(changed.1)")
                    let row = try JSONValue(parsing: changed.1)
                    #expect(row["unique"] == .null && row["ttl_ms"] == .null && row["key"] == "")
                    #expect(row["deadline_ms"] == 90_000 && row["delay_ms"] == 30_000)
                    let same = try await run(["schedules", "edit", name, "--unique", "same"])
                    #expect(same.0 == 0, "\(same.1)")
                    let kind = try await run(["schedules", "show", name])
                    #expect(kind.1.contains("unique   plan and inputs in its lane"), "\(kind.1)")
                    for (words, sentence) in [
                        (["--on-conflict", "join"], "say --unique KEY"),
                        (["--overlap", "cancel"], "has its unique key until it has ended"),
                        (
                            ["--delay", "0s", "--unique", "x", "--on-conflict", "debounce"],
                            "needs a delay"
                        ),
                    ] {
                        let refused = try await run(["schedules", "edit", name] + words)
                        #expect(refused.0 == 64, "\(refused)")
                        #expect(refused.1.contains(sentence), "\(refused.1)")
                    }
                }
                let bare = try await site.run(
                    ["schedules", "create", "x"] + yearly + ["--on-conflict", "debounce"]
                        + ["--unique", "same"]
                )
                #expect(bare.code == 64 && bare.error.contains("needs --delay"), "\(bare.error)")
            }
        }

        @Test("ticks make runs that are timed out, and make none beside the one of their kind")
        func ticks() async throws {
            try await Site.with(.embedded) { site in
                _ = try await site.startListeningNode()
                let plan = try site.plan("nap", Self.nap)
                let every = ["--plan", plan, "--every", "1s", "--overlap", "queue"]
                let kind = ["--unique", "k", "--on-conflict"]
                for (name, words) in [
                    ("late", ["--deadline", "1s"]), ("joins", kind + ["join"]),
                    ("rejects", ["--unique", "same"]), ("replaces", kind + ["replace"]),
                    ("debounces", kind + ["debounce", "--delay", "1h"]),
                ] {
                    let made = try await site.run(
                        ["schedules", "create", name, "--lane", name, "--for", "customer-7"]
                            + every + words
                    )
                    #expect(made.code == 0, "\(made.error)")
                }
                try await eventually("a run was ended at its deadline", within: .seconds(60)) {
                    try await site.rows(
                        """
                        SELECT r.status FROM run_any r JOIN schedule_run o ON o.run_id = r.id
                        JOIN schedule s ON s.id = o.schedule_id
                        WHERE s.name = 'late' AND r.status = 'timed_out' AND r.key = 'customer-7'
                        """
                    ).isEmpty == false
                }
                for (name, word) in [
                    ("joins", "joined"), ("rejects", "held"), ("replaces", "held"),
                    ("debounces", "debounced"),
                ] {
                    try await eventually("ticks of \(name)", within: .seconds(60)) {
                        let rows = try await site.rows(
                            """
                            SELECT s.dropped, s.last_drop FROM schedule s WHERE s.name = '\(name)'
                            """
                        )
                        return try #require(Int(rows[0][0])) >= 3 && rows[0][1] == word
                    }
                    let runs = try await site.rows(
                        """
                        SELECT count(*) FROM run_any r JOIN lane l ON l.id = r.lane_id
                        WHERE l.name = '\(name)'
                        """
                    )
                    #expect(runs == [["1"]], "\(name)")
                    let shown = try await site.run(["schedules", "show", name])
                    #expect(shown.output.contains("(\(word))"), "\(shown.output)")
                    #expect(!shown.output.contains("paused"), "\(shown.output)")
                }
            }
        }
    }
}
