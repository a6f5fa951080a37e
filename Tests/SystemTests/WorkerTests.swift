// Decides what becomes of runs that programs outside work, whoever of them and whichever node is killed.

import Foundation
import HTTPTypes
import PulserIR
import TestPeers
import Testing

extension SystemTests {
    @Suite("Workers outside", .timeLimit(.minutes(4)))
    struct WorkerTests {
        private static let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../cluster/worker/worker.py").standardized.path

        private static let plan = """
            inputs:
              steps: {type: integer, default: 1}
              seconds: {type: number, default: 0}
            steps:
              - id: one
                shell: {argv: [echo, "{{ inputs.steps }} {{ inputs.seconds }}"]}
            """

        /// A node, and a lane of so many runs at once that is worked outside.
        private static func outside(
            _ site: Site,
            width: Int = 4
        ) async throws -> ListeningNode {
            let node = try await site.startListeningNode()
            try await APIClient.with(site) { api in
                let made = try await api.send(.post, "/v1/sessions", ["name": "mail"])
                #expect(made.status == 201)
                let lane = try await api.send(
                    .post,
                    "/v1/sessions/mail/lanes",
                    ["name": "out", "width": .integer(Int64(width)), "worker": "external"]
                )
                #expect(lane.status == 201 && lane.json["worker"] == "external")
            }
            return node
        }

        /// Queues runs and gives their ids.
        private static func queue(
            _ site: Site,
            _ count: Int,
            _ inputs: JSONValue = .object([:])
        ) async throws -> [String] {
            let file = try site.plan("outside", Self.plan)
            let text = try String(contentsOfFile: file, encoding: .utf8)
            return try await APIClient.with(site) { api in
                var ids: [String] = []
                for _ in 0..<count {
                    let made = try await api.send(
                        .post,
                        "/v1/runs",
                        [
                            "plan": .string(text), "session": "mail", "lane": "out",
                            "inputs": inputs,
                        ]
                    )
                    #expect(made.status == 201, "\(made.json)")
                    ids.append(made.json["id"]?.stringValue ?? "")
                }
                return ids
            }
        }

        private static func work(
            _ site: Site,
            _ node: ListeningNode,
            _ name: String,
            token: String
        ) throws -> Program {
            try site.start(
                [
                    Self.program, "--session", "mail", "--lane", "out", "--name", name, "--lease",
                    "2",
                ],
                data: nil,
                environment: ["OPSROOM_URL": node.url, "OPSROOM_TOKEN": token],
                program: "/usr/bin/python3"
            )
        }

        private static func token(_ site: Site, _ node: ListeningNode) async throws -> String {
            let made = try await site.run(
                ["tokens", "create", "worker", "--scope", "work"],
                data: nil,
                environment: node.environment
            )
            #expect(made.code == 0, "\(made.error)")
            return String(made.output.split(separator: "\n").first ?? "")
        }

        private static func worker(_ site: Site, _ run: String) async throws -> JSONValue? {
            try await WaitTests.document(site, run)["worker"]
        }

        @Test(
            "each run has one accepted result, though a worker and then the node are killed",
            .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/python3"))
        )
        func kills() async throws {
            try await Site.with { site in
                let node = try await Self.outside(site)
                let token = try await Self.token(site, node)
                // What the first of them gets it will not end.
                let long = try await Self.queue(site, 1, ["seconds": .number(600.5)])[0]
                let first = try Self.work(site, node, "first", token: token)
                try await eventually("the first worker has it: \(first.errorOutput)") {
                    try await Self.worker(site, long)?["name"] == "first"
                }
                try await first.killHard()
                _ = try Self.work(site, node, "second", token: token)
                try await eventually("the second worker has it") {
                    try await Self.worker(site, long)?["name"] == "second"
                }
                #expect(try await Self.worker(site, long)?["claim_no"] == 2)
                // The first worker's word counts no more, however late it comes.
                try await APIClient.with(site) { api in
                    let late = try await api.send(
                        .post,
                        "/v1/claims/\(long)/complete",
                        ["claim_no": 1, "status": "succeeded"]
                    )
                    #expect(late.status == 409)
                    #expect(
                        late.json["detail"]?.stringValue?.contains("worker 'second' has it") == true
                    )
                }
                // Two workers more, and runs for them, while the node goes and another life begins.
                for name in ["third", "fourth"] {
                    _ = try Self.work(site, node, name, token: token)
                }
                let runs = try await Self.queue(site, 12, ["seconds": .number(0.4), "steps": 2])
                try await eventually("some are under way") {
                    let rows = try await site.rows(
                        "SELECT count(*) FROM run WHERE status = 'running'"
                    )
                    return Int(rows[0][0]) ?? 0 > 2
                }
                try await node.program.killHard()
                _ = try await site.startListeningNode(at: node.url)
                for run in runs { try await WaitTests.reaches(site, run, "succeeded") }
                #expect(try await Self.worker(site, long)?["name"] == "second")
                // It ends as a person wishes, by its worker.
                _ = try await site.run(["runs", "cancel", long])
                try await WaitTests.reaches(site, long, "cancelled")
                for run in runs + [long] {
                    let ends = try await WaitTests.events(site, run, "run.succeeded").count
                    let others = try await WaitTests.events(site, run, "run.cancelled").count
                    #expect(ends + others == 1, "run \(run)")
                }
                #expect(try await WaitTests.events(site, long, "run.requeued").count == 1)
                try await LaneLogAudit.check(site, "mail")
            }
        }

        @Test("a result counts once: the same claim's again is told of, another's is refused")
        func fences() async throws {
            try await Site.with { site in
                _ = try await Self.outside(site, width: 2)
                let runs = try await Self.queue(site, 3)
                try await APIClient.with(site) { api in
                    func say(_ path: String, _ body: JSONValue) async throws -> APIAnswer {
                        try await api.send(.post, "/v1/claims" + path, body)
                    }
                    let claim: JSONValue = [
                        "session": "mail", "lane": "out", "max": 5, "worker": "w",
                    ]
                    let taken = try await say("", claim).json["claims"]?.arrayValue ?? []
                    // In order, and no more than the lane's width.
                    #expect(taken.map { $0["run"]?.stringValue } == Array(runs.prefix(2)))
                    #expect(taken.first?["plan"]?["name"] == "outside")
                    #expect(try await say("", claim).json["claims"] == [])
                    let done: JSONValue = [
                        "claim_no": 1, "status": "succeeded", "outputs": ["n": 7],
                        "steps": [["step": "one", "status": "succeeded", "outputs": ["k": 1]]],
                    ]
                    let wrong = try await say(
                        "/\(runs[0])/complete",
                        ["claim_no": 2, "status": "succeeded"]
                    )
                    #expect(wrong.status == 409)
                    let step = try await say(
                        "/\(runs[0])/complete",
                        [
                            "claim_no": 1, "status": "succeeded",
                            "steps": [["step": "no", "status": "succeeded"]],
                        ]
                    )
                    #expect(step.status == 422)
                    #expect(try await say("/\(runs[0])/complete", done).json["replayed"] == false)
                    #expect(try await say("/\(runs[0])/complete", done).json["replayed"] == true)
                    let other = try await say(
                        "/\(runs[0])/complete",
                        ["claim_no": 1, "status": "failed", "failure": "no"]
                    )
                    #expect(other.status == 409)
                    let shown = try await api.send(.get, "/v1/runs/\(runs[0])?include=steps").json
                    #expect(shown["outputs"] == ["n": 7])
                    #expect(shown["steps"]?[0]?["outputs"] == ["k": 1])
                    try await Self.fail(site, api, runs[1])
                    try await Self.giveBack(api, runs[1])
                }
            }
        }

        /// Gives a run back while the database takes no ends of claims: nothing changes by that.
        private static func fail(_ site: Site, _ api: APIClient, _ run: String) async throws {
            _ = try await site.rows(
                """
                CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53200'; END $$
                """
            )
            _ = try await site.rows(
                """
                CREATE TRIGGER no_room BEFORE UPDATE OF is_over ON external_claim
                FOR EACH ROW EXECUTE FUNCTION no_room()
                """
            )
            let path = "/v1/claims/\(run)"
            let failed = try await api.send(.post, path + "/release", ["claim_no": 1])
            #expect(failed.status == 503, "\(failed.json)")
            let beat = try await api.send(.post, path + "/heartbeat", ["claim_no": 1])
            #expect(beat.status == 200, "\(beat.json)")
            _ = try await site.rows("DROP TRIGGER no_room ON external_claim")
        }

        /// Gives a run back and does it with the next claim.
        private static func giveBack(_ api: APIClient, _ run: String) async throws {
            func say(_ path: String, _ body: JSONValue) async throws -> APIAnswer {
                try await api.send(.post, "/v1/claims" + path, body)
            }
            let claim: JSONValue = ["session": "mail", "lane": "out", "max": 5, "worker": "w"]
            // Given back it is somebody's at once, under a higher number.
            let back = try await say(
                "/\(run)/release",
                ["claim_no": 1, "reason": "no"]
            )
            #expect(back.status == 200, "\(back.json)")
            var again: [JSONValue] = []
            try await eventually("it can be taken again") {
                again += try await say("", claim).json["claims"]?.arrayValue ?? []
                return again.count == 2
            }
            let numbers: [[JSONValue]] = again.map {
                [$0["run"] ?? .null, $0["claim_no"] ?? .null]
            }
            #expect(numbers.contains([.string(run), 2]))
            #expect(try await say("/\(run)/heartbeat", ["claim_no": 1]).status == 409)
            #expect(try await say("/\(run)/heartbeat", ["claim_no": 2]).status == 200)
            let why = try await api.send(.get, "/v1/runs/\(run)/why").json
            #expect(why["reason"]?.stringValue?.contains("worker 'w' has it") == true)
            let failed = try await say(
                "/\(run)/complete",
                ["claim_no": 2, "status": "failed", "failure": "no ink"]
            )
            #expect(failed.status == 200)
            let end = try await api.send(.get, "/v1/runs/\(run)").json
            #expect(end["failure"] == "no ink" && end["status"] == "failed")
        }

        @Test(
            "a worker that waits gets the run that comes, and the room's own lanes are not for it"
        )
        func waiting() async throws {
            try await Site.with { site in
                _ = try await Self.outside(site)
                try await APIClient.with(site) { api in
                    let why = { (run: String) async throws -> JSONValue? in
                        try await api.send(.get, "/v1/runs/\(run)/why").json["gate"]
                    }
                    let first = try await Self.queue(site, 1)[0]
                    try await eventually("it says that nobody asks") {
                        try await why(first) == "no_worker"
                    }
                    let wish: JSONValue = [
                        "session": "mail", "lanes": ["out"], "wait_ms": 30_000,
                    ]
                    #expect(
                        try await api.send(.post, "/v1/claims", wish).json["claims"]?[0]?["run"]
                            == .string(first)
                    )
                    async let next = api.send(.post, "/v1/claims", wish)
                    let second = try await Self.queue(site, 1)[0]
                    #expect(try await next.json["claims"]?[0]?["run"] == .string(second))
                    _ = try await api.send(
                        .post,
                        "/v1/sessions/mail/lanes",
                        ["name": "in"]
                    )
                    let refused = try await api.send(
                        .post,
                        "/v1/claims",
                        ["session": "mail", "lane": "in"]
                    )
                    #expect(refused.status == 409)
                    #expect(
                        refused.json["next"]?.stringValue?.contains(#"{"worker": "external"}"#)
                            == true
                    )
                }
            }
        }

        /// Two nodes that call each other, each with shards of its own.
        private static func startTwo(_ site: Site) async throws -> [Program] {
            var nodes: [Program] = []
            for (name, port) in zip(["n1", "n2"], try FreePorts.take(2)) {
                let words = ["--name", name, "--peer-listen", "127.0.0.1:\(port)"]
                nodes.append(try await site.startNode(data: name, words, command: "node"))
            }
            try await eventually("both nodes have shards") {
                let shares = try await site.rows(
                    "SELECT count(*) FROM shard WHERE state = 'running' GROUP BY owner"
                )
                return shares.count == 2
            }
            return nodes
        }

        /// A lane of the second node that is worked outside.
        private static func laneElsewhere(_ site: Site, _ api: APIClient) async throws -> String {
            _ = try await api.send(.post, "/v1/sessions", ["name": "mail"])
            for number in 0..<64 {
                let name = "l\(number)"
                let made = try await api.send(
                    .post,
                    "/v1/sessions/mail/lanes",
                    ["name": .string(name), "worker": "external"]
                )
                let owner = try await site.rows(
                    """
                    SELECT n.name FROM lane l JOIN shard s ON s.shard_id = l.shard_id
                    JOIN node n ON n.node_epoch = s.owner WHERE l.id = \(made.json["id"]?.integerValue ?? 0)
                    """
                )
                if owner == [["n2"]] { return name }
            }
            throw NeverHappened(description: "a lane of n2")
        }

        @Test(
            "a worker at one node works another's lane, and keeps its claim when that node is killed"
        )
        func elsewhere() async throws {
            try await Site.with { site in
                let nodes = try await Self.startTwo(site)
                let text = try String(
                    contentsOfFile: try site.plan("outside", Self.plan),
                    encoding: .utf8
                )
                try await APIClient.with(site, data: "n1") { api in
                    let lane = try await Self.laneElsewhere(site, api)
                    let wish: JSONValue = [
                        "session": "mail", "lane": .string(lane), "worker": "w",
                        "wait_ms": 30_000, "lease_ms": 60_000,
                    ]
                    async let waiting = api.send(.post, "/v1/claims", wish)
                    let made = try await api.send(
                        .post,
                        "/v1/runs",
                        ["plan": .string(text), "session": "mail", "lane": .string(lane)]
                    )
                    let run = made.json["id"]?.stringValue ?? "\(made.json)"
                    let claims = try await waiting.json
                    #expect(claims["claims"]?[0]?["run"] == .string(run))
                    func say(_ verb: String, _ body: JSONValue) async throws -> APIAnswer {
                        try await api.send(.post, "/v1/claims/\(run)/\(verb)", body)
                    }
                    let lines: JSONValue = ["claim_no": 1, "events": [["line": "hello"]]]
                    #expect(try await say("events", lines).status == 200)
                    #expect(try await say("heartbeat", ["claim_no": 1]).status == 200)
                    try await nodes[1].killHard()
                    // Until the lane has its next owner nobody can tell; it is never refused.
                    var statuses: Set<Int> = []
                    try await eventually("the next owner knows the claim", within: .seconds(90)) {
                        let beat: JSONValue = ["claim_no": 1, "lease_ms": 60_000]
                        statuses.insert(try await say("heartbeat", beat).status)
                        let claim = try await site.rows("SELECT claim_no FROM run")
                        return statuses.contains(200) && claim == [["2"]]
                    }
                    #expect(statuses.isSubset(of: [200, 503]), "\(statuses)")
                    let done = try await say("complete", ["claim_no": 1, "status": "succeeded"])
                    #expect(done.status == 200, "\(done.json)")
                    let end = try await api.send(.get, "/v1/runs/\(run)").json
                    #expect(end["status"] == "succeeded")
                }
            }
        }
    }
}
