// Decides what becomes of runs that workers outside give back for later, or fail to be tried again.

import Foundation
import HTTPTypes
import PulserIR
import Testing

extension SystemTests {
    @Suite("Later, outside", .timeLimit(.minutes(3)))
    struct WorkerLaterTests {
        private static let plan = """
            retry: {max_attempts: 3}
            timeout: 2h
            steps: [{id: one, shell: {argv: [echo, hello]}}]
            """
        private static let claim: JSONValue = [
            "session": "mail", "lane": "out", "max": 9, "worker": "w",
        ]

        /// A node, and a lane that is worked outside, one run of a key at once.
        private static func outside(_ site: Site) async throws -> ListeningNode {
            let node = try await site.startListeningNode()
            try await APIClient.with(site) { api in
                _ = try await api.send(.post, "/v1/sessions", ["name": "mail"])
                let lane = try await api.send(
                    .post,
                    "/v1/sessions/mail/lanes",
                    ["name": "out", "width": 4, "worker": "external"]
                )
                #expect(lane.status == 201, "\(lane.json)")
            }
            let set = try await site.run(["lanes", "set", "mail/out", "--key-width", "1"])
            #expect(set.code == 0, "\(set.error)")
            return node
        }

        /// Queues a run for a key.
        private static func queue(_ site: Site, _ key: String) async throws -> String {
            let plan = try site.plan("outside", Self.plan)
            let made = try await site.run([
                "run", plan, "--detach", "--session", "mail", "--lane", "out", "--for", key,
                "--priority", "3",
            ])
            try #require(made.code == 0, "\(made.error)")
            return String(made.output.prefix(8))
        }

        /// Asks until it is given this run; the claim.
        private static func take(_ api: APIClient, _ run: String) async throws -> JSONValue {
            var given: JSONValue = .null
            try await eventually("run \(run) is given") {
                let answer = try await api.send(.post, "/v1/claims", Self.claim)
                let claims = answer.json["claims"]?.arrayValue ?? []
                given = claims.first { $0["run"] == .string(run) } ?? .null
                #expect(claims.count <= 1, "\(claims)")
                return given != .null
            }
            return given
        }

        private static func say(
            _ api: APIClient,
            _ run: String,
            _ verb: String,
            _ body: JSONValue
        ) async throws -> APIAnswer {
            try await api.send(.post, "/v1/claims/\(run)/\(verb)", body)
        }

        /// Status, whether it is queued for later, claims, retries, and whether that is in about an hour.
        private static func stands(_ site: Site, _ run: String) async throws -> [String] {
            let id = try #require(RunID(run)).number
            return try await site.rows(
                """
                SELECT status, is_delayed, claim_no, retry_count,
                    due_at - now() BETWEEN interval '50 min' AND interval '1 h', priority
                FROM run_any WHERE id = \(id)
                """
            )[0]
        }

        @Test("a run that is given back for later leaves its key free, and is due through kill -9")
        func later() async throws {
            try await Site.with { site in
                let node = try await Self.outside(site)
                let first = try await Self.queue(site, "x")
                let second = try await Self.queue(site, "x")
                try await APIClient.with(site) { api in
                    let claim = try await Self.take(api, first)
                    #expect(claim["key"] == "x" && claim["retries"] == 0, "\(claim)")
                    let none = try await api.send(.post, "/v1/claims", Self.claim)
                    #expect(none.json["claims"] == [])
                    let late = try await Self.say(
                        api,
                        first,
                        "release",
                        ["claim_no": 1, "delay_ms": 7_200_000]
                    )
                    #expect(late.status == 422, "\(late.json)")
                    #expect(late.json["detail"]?.stringValue?.contains("timeout") == true)
                    let back = try await Self.say(
                        api,
                        first,
                        "release",
                        ["claim_no": 1, "delay_ms": 3_600_000, "reason": "the bank is closed"]
                    )
                    #expect(back.status == 200 && back.json["status"] == "queued", "\(back.json)")
                    #expect(back.json["due_at"]?.stringValue?.isEmpty == false)
                    #expect(
                        try await Self.stands(site, first) == ["queued", "t", "1", "0", "t", "3"]
                    )
                    let stale = try await Self.say(api, first, "heartbeat", ["claim_no": 1])
                    #expect(stale.status == 409)
                    let why = try await api.send(.get, "/v1/runs/\(first)/why").json
                    #expect(why["gate"] == "not_due", "\(why)")
                    // Its key is free for the next one.
                    _ = try await Self.take(api, second)
                    let done: JSONValue = ["claim_no": 1, "status": "succeeded"]
                    #expect(try await Self.say(api, second, "complete", done).status == 200)
                }
                try await node.program.killHard()
                _ = try await site.startListeningNode(at: node.url)
                try await APIClient.with(site) { api in
                    let third = try await Self.queue(site, "x")
                    _ = try await Self.take(api, third)
                    #expect(
                        try await Self.stands(site, first) == ["queued", "t", "1", "0", "t", "3"]
                    )
                    let done: JSONValue = ["claim_no": 1, "status": "succeeded"]
                    #expect(try await Self.say(api, third, "complete", done).status == 200)
                    let now = try await site.run(["runs", "snooze", first, "--for", "0s"])
                    #expect(now.code == 0, "\(now.error)")
                    #expect(try await Self.take(api, first)["claim_no"] == 2)
                    // Due by itself, in a moment.
                    let soon: JSONValue = ["claim_no": 2, "delay_ms": 50]
                    #expect(try await Self.say(api, first, "release", soon).status == 200)
                    var patient = Self.claim.objectValue ?? [:]
                    patient["wait_ms"] = 30_000
                    let given = try await api.send(.post, "/v1/claims", .object(patient)).json
                    #expect(given["claims"]?[0]?["run"] == .string(first), "\(given)")
                    #expect(given["claims"]?[0]?["claim_no"] == 3)
                    let end: JSONValue = ["claim_no": 3, "status": "succeeded"]
                    #expect(try await Self.say(api, first, "complete", end).status == 200)
                }
                let told = try await WaitTests.events(site, first, "run.requeued")
                #expect(told.map { $0["data"]?["in_ms"] } == [3_600_000, 50], "\(told)")
                try await LaneLogAudit.check(site, "later")
            }
        }

        @Test(
            "what was given back ends as people and clocks wish, and goes on where its lane is worked"
        )
        func ends() async throws {
            try await Site.with { site in
                _ = try await Self.outside(site)
                let cancelled = try await Self.queue(site, "x")
                let late = try await Self.queue(site, "y")
                let taken = try await Self.queue(site, "z")
                try await APIClient.with(site) { api in
                    let claims = try await api.send(.post, "/v1/claims", Self.claim).json["claims"]
                    #expect(claims?.arrayValue?.count == 3)
                    let later: JSONValue = ["claim_no": 1, "delay_ms": 3_600_000]
                    for run in [cancelled, late] {
                        #expect(try await Self.say(api, run, "release", later).status == 200)
                    }
                    let asked = try await site.run(["runs", "cancel", cancelled])
                    #expect(asked.code == 0, "\(asked.error)")
                    try await WaitTests.reaches(site, cancelled, "cancelled")
                    // As if it had waited for longer than its timeout: no worker gets it any more.
                    _ = try await site.rows(
                        "UPDATE run SET started_at = now() - interval '3 h' WHERE key = 'y'"
                    )
                    #expect(try await site.run(["runs", "snooze", late, "--for", "0s"]).code == 0)
                    try await eventually("it timed out") {
                        let given = try await api.send(.post, "/v1/claims", Self.claim).json
                        #expect(given["claims"] == [])
                        let id = try #require(RunID(late)).number
                        return try await site.rows(
                            "SELECT status FROM run_any WHERE id = \(id)"
                        ) == [["timed_out"]]
                    }
                    // The room goes on with what its worker could not do.
                    let back = try await site.run(["lanes", "set", "mail/out", "--worker", "room"])
                    #expect(back.code == 0, "\(back.error)")
                    let failed: JSONValue = [
                        "claim_no": 1, "status": "failed", "failure": "no ink",
                        "retry_after_ms": 30,
                        "steps": [["step": "one", "status": "failed", "failure": "dry"]],
                    ]
                    let answer = try await Self.say(api, taken, "complete", failed)
                    #expect(answer.json["status"] == "queued", "\(answer.json)")
                    try await WaitTests.reaches(site, taken, "succeeded")
                    let shown = try await api.send(.get, "/v1/runs/\(taken)").json
                    #expect(shown["retry_count"] == 1)
                }
                try await LaneLogAudit.check(site, "ends")
            }
        }

        private static let script = """
            import sys
            sys.dont_write_bytecode = True
            sys.path.insert(0, sys.argv.pop(1))
            import worker

            def handle(run):
                key, first = run.claim["key"], run.claim["claim_no"] == 1
                if key == "later" and first:
                    raise worker.Later("the bank is closed", 0.02)
                if key == "again" and run.claim["retries"] == 0:
                    raise worker.Again("no ink", 0.02)
                if key == "never":
                    raise worker.Again("no ink", 0.02)
                if key == "beyond":
                    raise worker.Later("the bank is gone", 7200)
                return {"claim": run.claim["claim_no"]}

            worker.handle = handle
            worker.main()
            """

        @Test(
            "the example puts a run off, has one tried again, and goes on after what is refused",
            .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/python3"))
        )
        func example() async throws {
            try await Site.with { site in
                let node = try await Self.outside(site)
                let made = try await site.run(
                    ["tokens", "create", "worker", "--scope", "work"],
                    data: nil,
                    environment: node.environment
                )
                let token = String(made.output.split(separator: "\n").first ?? "")
                let script = "\(site.folder)/mine.py"
                try Self.script.write(toFile: script, atomically: true, encoding: .utf8)
                let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appending(path: "../../cluster/worker").standardized.path
                let worker = try site.start(
                    [script, folder, "--session", "mail", "--lane", "out"],
                    data: nil,
                    environment: ["OPSROOM_URL": node.url, "OPSROOM_TOKEN": token],
                    program: "/usr/bin/python3"
                )
                for (key, status, claims, retries, failure) in [
                    ("later", "succeeded", "2", "0", ""), ("again", "succeeded", "2", "1", ""),
                    ("never", "failed", "3", "2", "no ink"),
                    ("beyond", "failed", "1", "0", "say a shorter delay"),
                ] {
                    let run = try await Self.queue(site, key)
                    let id = try #require(RunID(run)).number
                    try await eventually("\(key) ended: \(worker.errorOutput)") {
                        try await !site.rows("SELECT id FROM run_done WHERE id = \(id)").isEmpty
                    }
                    let end = try await site.rows(
                        """
                        SELECT status, claim_no, retry_count, coalesce(failure, '') FROM run_done
                        WHERE id = \(id)
                        """
                    )[0]
                    #expect(Array(end[..<3]) == [status, claims, retries], "\(key): \(end)")
                    #expect(failure.isEmpty ? end[3].isEmpty : end[3].contains(failure), "\(end)")
                }
                try await LaneLogAudit.check(site, "example")
            }
        }

        @Test("a node that is killed between the end of a claim and the queue loses no time given")
        func between() async throws {
            try await Site.with { site in
                let node = try await Self.outside(site)
                let run = try await Self.queue(site, "x")
                // From now on no run comes into the queue.
                _ = try await site.rows(
                    """
                    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53200'; END $$
                    """
                )
                try await APIClient.with(site) { api in
                    _ = try await Self.take(api, run)
                    _ = try await site.rows(
                        """
                        CREATE TRIGGER no_room BEFORE UPDATE ON run FOR EACH ROW
                        WHEN (NEW.status = 'queued') EXECUTE FUNCTION no_room()
                        """
                    )
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            let body: JSONValue = [
                                "claim_no": 1, "status": "failed", "failure": "no ink",
                                "retry_after_ms": 3_600_000,
                            ]
                            // Nobody is there any more to answer it.
                            _ = try? await Self.say(api, run, "complete", body)
                        }
                        try await eventually("the claim is over") {
                            try await site.rows("SELECT is_over FROM external_claim") == [["t"]]
                        }
                        try await node.program.killHard()
                        try await group.waitForAll()
                    }
                }
                #expect(try await Self.stands(site, run)[0] == "running")
                _ = try await site.rows("DROP TRIGGER no_room ON run")
                _ = try await site.startListeningNode(at: node.url)
                try await eventually("the next owner has it queued for later") {
                    try await Self.stands(site, run) == ["queued", "t", "2", "1", "t", "3"]
                }
                try await LaneLogAudit.check(site, "between")
            }
        }

        @Test("a worker's failure is tried again as often as the plan says; the last one stands")
        func again() async throws {
            try await Site.with { site in
                _ = try await Self.outside(site)
                let run = try await Self.queue(site, "x")
                let final = try await Self.queue(site, "y")
                let cancelled = try await Self.queue(site, "z")
                try await APIClient.with(site) { api in
                    func fail(
                        _ number: Int64,
                        _ run: String,
                        _ more: [String: JSONValue]
                    ) async throws
                        -> JSONValue?
                    {
                        var body: [String: JSONValue] = [
                            "claim_no": .integer(number), "status": "failed", "failure": "no ink",
                            "steps": [["step": "one", "status": "failed", "failure": "dry"]],
                        ]
                        body.merge(more) { $1 }
                        let answer = try await Self.say(api, run, "complete", .object(body))
                        #expect(answer.status == 200, "\(answer.json)")
                        return answer.json["status"]
                    }
                    let claims = try await api.send(.post, "/v1/claims", Self.claim).json["claims"]
                    #expect(claims?.arrayValue?.count == 3)
                    // Without a word about it a failure is the end.
                    #expect(try await fail(1, final, [:]) == "failed")
                    // So it is for a run whose end somebody wants.
                    let asked = try await api.send(
                        .post,
                        "/v1/runs/\(cancelled)/cancel",
                        .object([:])
                    )
                    #expect(asked.status == 202, "\(asked.json)")
                    try await eventually("its worker hears of it") {
                        let beat: JSONValue = ["claim_no": 1]
                        return try await Self.say(api, cancelled, "heartbeat", beat).json["cancel"]
                            == true
                    }
                    #expect(try await fail(1, cancelled, ["retry_after_ms": 0]) == "failed")
                    for number in 1...3 as ClosedRange<Int64> {
                        let isLast = number == 3
                        #expect(
                            try await fail(number, run, ["retry_after_ms": 20])
                                == (isLast ? "failed" : "queued")
                        )
                        if isLast { continue }
                        let next = try await Self.take(api, run)
                        #expect(next["retries"] == .integer(number), "\(next)")
                        #expect(next["claim_no"] == .integer(number + 1) && next["losses"] == 0)
                    }
                    let shown = try await api.send(.get, "/v1/runs/\(run)?include=steps").json
                    #expect(shown["status"] == "failed" && shown["failure"] == "no ink", "\(shown)")
                    #expect(shown["retry_count"] == 2)
                }
                let told = try await WaitTests.events(site, run, "run.retrying")
                #expect(told.map { $0["data"]?["retry"] } == [1, 2], "\(told)")
                #expect(told.first?["data"]?["reason"] == "no ink")
                #expect(try await WaitTests.events(site, final, "run.retrying").isEmpty)
                // What its steps came to is kept of each attempt.
                let id = try #require(RunID(run)).number
                let steps = try await site.rows("SELECT steps FROM run_done WHERE id = \(id)")[0][0]
                let attempts = try JSONValue(parsing: steps).arrayValue ?? []
                #expect(attempts.count == 3, "\(steps)")
                try await LaneLogAudit.check(site, "again")
            }
        }
    }
}
