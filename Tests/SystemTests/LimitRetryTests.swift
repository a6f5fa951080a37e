// Decides that limits of a lane hold from one attempt to the next, and for runs that people have run again.

import Foundation
import PulserIR
import Store
import Testing

extension SystemTests {
    @Suite("Limits across retries", .timeLimit(.minutes(3)))
    struct LimitRetryTests {
        /// Fails for as long as nobody has said that it is good, and waits for its next attempt.
        private static let again = """
            retry: {max_attempts: 3, backoff: 5m, jitter: 0}
            inputs: {dir: {type: string}, name: {type: string}}
            steps:
              - id: work
                effects: idempotent
                shell:
                  argv: [sh, -c, 'echo "$N" >> "$D/log"; test -e "$D/good-$N"']
                  env: {D: "{{ inputs.dir }}", N: "{{ inputs.name }}"}
            """

        /// Says when it begins and ends; fails once for as long as nobody has said that it is good.
        private static let counted = """
            retry: {max_attempts: 1}
            inputs: {dir: {type: string}, name: {type: string}}
            steps:
              - {id: in, effects: idempotent, shell: {argv: [sh, -c, 'echo + >> "$D/depth"'], env: {D: "{{ inputs.dir }}"}}}
              - {id: nap, needs: [in], system: {sleep: 30ms}}
              - id: out
                needs: [nap]
                effects: idempotent
                shell:
                  argv: [sh, -c, 'echo - >> "$D/depth"; test -e "$D/good-$N"']
                  env: {D: "{{ inputs.dir }}", N: "{{ inputs.name }}"}
            """

        /// A lane with limits, on a node.
        private static func lane(_ site: Site, _ settings: [String]) async throws -> Program {
            let node = try await site.startNode()
            try await site.withStore { store in
                _ = try await store.ensureLane(session: "default", lane: "A")
            }
            let set = try await site.run(["lanes", "set", "default/A"] + settings)
            #expect(set.code == 0, "\(set.error)")
            return node
        }

        /// Begins a run for a key, which its name begins with.
        private static func begin(
            _ site: Site,
            _ plan: String,
            _ name: String
        ) async throws -> String {
            let made = try await site.run([
                "run", plan, "--detach", "--for", String(name.prefix(1)), "--input",
                "dir=\(site.folder)", "--input", "name=\(name)",
            ])
            try #require(made.code == 0, "\(made.error)")
            return String(made.output.prefix(8))
        }

        private static func isGood(_ site: Site, _ name: String) {
            let path = "\(site.folder)/good-\(name)"
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
        }

        /// Status, number of the claim, attempts made by itself, whether it waits for the next one.
        private static func stands(_ site: Site, _ run: String) async throws -> [String] {
            let id = try #require(RunID(run)).number
            return try await site.rows(
                """
                SELECT status, claim_no, retry_count, retry_at IS NOT NULL FROM run_any
                WHERE id = \(id)
                """
            )[0]
        }

        private static func stands(
            _ site: Site,
            _ run: String,
            at wanted: [String]
        ) async throws {
            try await eventually("run \(run) stands at \(wanted)") {
                try await Self.stands(site, run) == wanted
            }
        }

        private static func gate(_ site: Site, _ run: String) async throws -> String? {
            let why = try await site.run(["why", run, "-o", "json"]).output
            return try JSONValue(parsing: why)["gate"]?.stringValue
        }

        private static func beginNow(_ site: Site, _ run: String) async throws {
            let now = try await site.run(["runs", "snooze", run, "--for", "0s"])
            #expect(now.code == 0, "\(now.error)")
        }

        /// Every key has all its places: so many runs of each go at once, and the next one waits.
        private static func isFree(_ site: Site, _ keys: [String], width: Int) async throws {
            let plan = try site.plan("hold", "steps: [{id: hold, system: {wait_signal: go}}]")
            for key in keys {
                for _ in 0...width {
                    let made = try await site.run(["run", plan, "--detach", "--for", key])
                    try #require(made.code == 0, "\(made.error)")
                }
            }
            let wanted = keys.sorted().flatMap {
                [[$0, "queued", "1"], [$0, "waiting", "\(width)"]]
            }
            try await eventually("each key has its places again") {
                try await site.rows(
                    """
                    SELECT key, status, count(*) FROM run GROUP BY key, status
                    ORDER BY key, status
                    """
                ) == wanted
            }
        }

        @Test(
            "a run has its key's place and its turn at a rate for all its attempts, through kill -9"
        )
        func attempts() async throws {
            try await Site.with { site in
                let limits = ["--width", "8", "--key-width", "1", "--rate", "1/h:4"]
                let node = try await Self.lane(site, limits)
                let plan = try site.plan("again", Self.again)
                for name in ["a2", "b1", "b2", "c1"] { Self.isGood(site, name) }
                let first = try await Self.begin(site, plan, "a1")
                try await Self.stands(site, first, at: ["waiting", "1", "1", "t"])
                let second = try await Self.begin(site, plan, "a2")
                let other = try await Self.begin(site, plan, "b1")
                try await Self.stands(site, other, at: ["succeeded", "1", "0", "f"])
                #expect(try await Self.gate(site, second) == "key_full")
                try await node.killHard()
                _ = try await site.startNode()
                try await Self.stands(site, first, at: ["waiting", "2", "1", "t"])
                // The lane's new life takes runs, and none of a key that is full.
                let next = try await Self.begin(site, plan, "b2")
                try await Self.stands(site, next, at: ["succeeded", "1", "0", "f"])
                try await Self.beginNow(site, first)
                try await Self.stands(site, first, at: ["waiting", "2", "2", "t"])
                #expect(try await Self.stands(site, second)[0] == "queued")
                #expect(try await Self.gate(site, second) == "key_full")
                #expect(site.lines("log") == ["a1", "b1", "b2", "a1"])
                Self.isGood(site, "a1")
                try await Self.beginNow(site, first)
                try await Self.stands(site, first, at: ["succeeded", "2", "2", "f"])
                // The last turn of the rate: three attempts of the other run took one.
                try await Self.stands(site, second, at: ["succeeded", "1", "0", "f"])
                let late = try await Self.begin(site, plan, "c1")
                try await LaneLogAudit.check(site, "attempts")
                // One that a person has run again begins again.
                let again = try await site.run([
                    "runs", "retry", other, "--from", "work", "--detach",
                ])
                #expect(again.code == 0, "\(again.error)")
                for run in [late, other] {
                    try await eventually("run \(run) waits for the rate") {
                        try await Self.gate(site, run) == "rate_limited"
                    }
                }
                #expect(site.lines("log").count == 6)
                try await site.run(["lanes", "set", "default/A", "--rate", "none"])
                for run in [late, other] {
                    try await WaitTests.reaches(site, run, "succeeded")
                }
                try await Self.isFree(site, ["a", "b", "c"], width: 1)
            }
        }

        @Test("runs that people have run again at once keep to their key's width and leave it free")
        func people() async throws {
            try await Site.with { site in
                _ = try await Self.lane(site, ["--width", "12", "--key-width", "2"])
                let plan = try site.plan("counted", Self.counted)
                var runs: [String] = []
                for number in 0..<5 {
                    runs.append(try await Self.begin(site, plan, "a\(number)"))
                }
                // One of another key, which somebody has run again while it waits for its next attempt.
                let waiting = try await Self.begin(site, try site.plan("again", Self.again), "b0")
                for run in runs { try await WaitTests.reaches(site, run, "failed") }
                try await Self.stands(site, waiting, at: ["waiting", "1", "1", "t"])
                for name in ["a0", "a1", "a2", "a3", "a4", "a5", "b0"] { Self.isGood(site, name) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for run in runs {
                        group.addTask {
                            let again = try await site.run([
                                "runs", "retry", run, "--from", "in", "--detach",
                            ])
                            #expect(again.code == 0, "\(again.error)")
                        }
                    }
                    try await group.waitForAll()
                }
                let again = try await site.run(["runs", "retry", waiting, "--detach"])
                #expect(again.code == 0, "\(again.error)")
                runs.append(try await Self.begin(site, plan, "a5"))
                for run in runs + [waiting] {
                    try await WaitTests.reaches(site, run, "succeeded")
                }
                var (depth, deepest) = (0, 0)
                for line in site.lines("depth") {
                    depth += line == "+" ? 1 : -1
                    deepest = max(deepest, depth)
                }
                #expect(depth == 0 && deepest <= 2, "\(site.lines("depth"))")
                #expect(site.lines("depth").count == 22)
                try await Self.isFree(site, ["a", "b"], width: 2)
            }
        }
    }
}
