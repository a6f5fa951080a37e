// Decides what operators see and change of a cluster over the API.

import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterResourceTests {
    /// Two nodes, of which the first has all shards.
    private static func nodes(_ bed: GatewayBed) async throws -> [NodeEpoch] {
        let first = try await bed.store.join(name: "n1", address: "a", build: "test")
        _ = try await bed.store.takeShards(1_024, for: first)
        return [first, try await bed.store.join(name: "n2", address: "b", build: "test")]
    }

    @Test(
        "the cluster shows its nodes with what they hold, and who coordinates",
        arguments: Depth.allCases
    )
    func status(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let nodes = try await Self.nodes(bed)
            _ = try await bed.store.elect(nodes[0])
            let cluster = try await bed.get("/v1/cluster").json
            #expect(cluster["coordinator"]?["name"] == .string("n1"))
            #expect(cluster["free_shards"] == .integer(0))
            let shown = cluster["nodes"]?.arrayValue ?? []
            #expect(shown.map { $0["name"] } == [.string("n1"), .string("n2")])
            #expect(shown.first?["running"] == .integer(1_024))
            #expect(try await bed.get("/v1/cluster?x=1").status == 400)
        }
    }

    @Test("a node is drained, taken back and evicted by its name or number, by an administrator")
    func changes() async throws {
        try await GatewayBed.with { bed in
            let nodes = try await Self.nodes(bed)
            let drained = try await bed.post("/v1/nodes/n2/drain", .object([:]))
            #expect(drained.status == 200, "\(drained.text)")
            #expect(try drained.json["status"] == .string("draining"))
            #expect(try await bed.store.view().nodes.last?.status == .draining)
            // Sent twice it changes nothing twice.
            #expect(try await bed.post("/v1/nodes/n2/drain", .object([:])).status == 200)
            let number = nodes[1].number
            let back = try await bed.post("/v1/nodes/\(number)/undrain", .object([:]))
            #expect(try back.json["status"] == .string("active"))
            #expect(try await bed.get("/v1/nodes/n2").json["status"] == .string("active"))
            let evicted = try await bed.post("/v1/nodes/n1/evict", .object([:]))
            #expect(evicted.status == 200)
            #expect(try evicted.json["running"] == .integer(1_024))
            #expect(try await bed.store.view().nodes.map(\.epoch) == [nodes[1]])
            #expect(try await bed.get("/v1/cluster").json["free_shards"] == .integer(1_024))
            let gone = try await bed.post("/v1/nodes/n1/drain", .object([:]))
            #expect(gone.status == 404 && gone.text.contains("there are: n2"), "\(gone.text)")
            let odd = try await bed.post("/v1/nodes/n2/drain", .object(["x": .integer(1)]))
            #expect(odd.status == 422, "\(odd.text)")
            for route in bed.gateway.endpoints where route.path.hasPrefix("/v1/nodes/{node}/") {
                #expect(route.scope == .admin, "\(route.path)")
            }
        }
    }

    @Test("a name that two nodes have means none of them")
    func ambiguous() async throws {
        try await GatewayBed.with { bed in
            let nodes = try await Self.nodes(bed)
            let twin = try await bed.store.join(name: "n2", address: "c", build: "test")
            let answer = try await bed.post("/v1/nodes/n2/evict", .object([:]))
            #expect(answer.status == 409, "\(answer.text)")
            #expect(answer.text.contains("\(nodes[1].number), \(twin.number)"), "\(answer.text)")
            #expect(try await bed.store.view().nodes.count == 3)
        }
    }

    @Test("shards are listed by node and by state")
    func shards() async throws {
        try await GatewayBed.with { bed in
            _ = try await Self.nodes(bed)
            func count(_ query: String) async throws -> Int? {
                try await bed.get("/v1/shards\(query)").json["shards"]?.arrayValue?.count
            }
            #expect(try await count("") == 1_024)
            #expect(try await count("?node=n1&state=running") == 1_024)
            #expect(try await count("?node=n2") == 0)
            #expect(try await count("?state=free") == 0)
            #expect(try await bed.get("/v1/shards?node=n9").status == 404)
            #expect(try await bed.get("/v1/shards?state=lost").status == 400)
            let first = try await bed.get("/v1/shards").json["shards"]?.arrayValue?.first
            #expect(first?["owner"] == .string("n1") && first?["shard"] == .integer(0))
        }
    }

    @Test("shards go to a node by an administrator's word, each with what becomes of it")
    func move() async throws {
        try await GatewayBed.with { bed in
            let nodes = try await Self.nodes(bed)
            func move(
                _ shards: [JSONValue],
                _ more: [String: JSONValue] = [:]
            ) async throws
                -> Answer
            {
                let order: [String: JSONValue] = ["shards": .array(shards), "to": "n2"]
                return try await bed.post(
                    "/v1/shards/move",
                    .object(order.merging(more) { $1 })
                )
            }
            let dry = try await move([7, 8], ["dry_run": true])
            try await OpenAPITests.check(dry, "shards.move")
            #expect(try dry.json["dry_run"] == .bool(true))
            let foreseen = try dry.json["moves"]?.arrayValue ?? []
            #expect(foreseen.map { $0["outcome"] } == ["moves", "moves"])
            #expect(foreseen.first?["reason"] == "it would go from n1 to n2")
            #expect(try await bed.store.shards(in: .handingOff).isEmpty)
            let moved = try await move([8, 7, 7])
            try await OpenAPITests.check(moved, "shards.move")
            #expect(try moved.json["moves"]?.arrayValue?.map { $0["shard"] } == [7, 8])
            #expect(try await bed.store.shards(in: .handingOff).map(\.shard.shard) == [7, 8])
            // Its owner hands one over; sent again it says what came of them.
            let shard = OwnedShard(shard: 7, generation: 1)
            #expect(try await bed.store.handOver(nodes[0], shard, to: nodes[1]) == 2)
            let again = try await move([7, 8]).json["moves"]?.arrayValue ?? []
            #expect(again.map { $0["outcome"] } == ["there", "under_way"])
            let cluster = try await bed.get("/v1/cluster").json
            #expect(cluster["moves"]?.arrayValue?.map { $0["target"] } == ["n2"])
            for order: [JSONValue] in [[], [1_024], [-1], ["7"]] {
                #expect(try await move(order).status == 422, "\(order)")
            }
            #expect(try await bed.post("/v1/shards/move", .object(["shards": [7]])).status == 422)
            #expect(try await move([7], ["to": "n9"]).status == 404)
            try await bed.store.drain(nodes[1])
            let refused = try await move([9])
            #expect(refused.status == 409 && refused.text.contains("n2 is draining"))
        }
    }

    @Test("a round of moves is asked for by an administrator, or why nothing moves is said")
    func rebalance() async throws {
        try await GatewayBed.with { bed in
            func ask(_ body: JSONValue = .object([:])) async throws -> JSONValue {
                let answer = try await bed.post("/v1/shards/rebalance", body)
                try await OpenAPITests.check(answer, "shards.rebalance")
                return try answer.json
            }
            #expect(try await ask()["reason"] == "no node is active: nobody takes shards")
            let nodes = try await Self.nodes(bed)
            let dry = try await ask(.object(["dry_run": true]))
            #expect(dry["moves"]?.arrayValue?.count == 20 && dry["more"] == true)
            #expect(try await bed.store.shards(in: .handingOff).isEmpty)
            let round = try await ask()
            #expect(round["moves"] != dry["moves"] && round["reason"] == .null)
            let marked = try await bed.store.shards(in: .handingOff)
            #expect(marked.count == 20 && marked.allSatisfy { $0.shard.target == nodes[1] })
            let second = try await ask()
            #expect(second["moves"] == .array([]) && second["more"] == false)
            #expect(second["reason"] == "20 shards are on their way: one round at a time")
            for route in bed.gateway.endpoints where route.path.hasPrefix("/v1/shards/") {
                #expect(route.scope == .admin && route.method == .post, "\(route.path)")
            }
        }
    }

    @Test("why a run does not run is a sentence that names what is in the way")
    func why() async throws {
        try await GatewayBed.with { bed in
            let run = try await bed.run()
            func why() async throws -> (gate: String?, reason: String) {
                let json = try await bed.get("/v1/runs/\(run)/why").json
                return (json["gate"]?.stringValue, json["reason"]?.stringValue ?? "")
            }
            let free = try await why()
            #expect(free.gate == "shard_free" && free.reason.contains("nobody owns its shard"))
            let nodes = try await Self.nodes(bed)
            let ready = try await why()
            #expect(ready.gate == "ready" && ready.reason.contains("node n1"), "\(ready)")
            try await bed.store.drain(nodes[0])
            let draining = try await why()
            #expect(draining.gate == "node_draining" && draining.reason.contains("n1 drains"))
            #expect(try await bed.post("/v1/runs/\(run)/pause", .object([:])).status == 202)
            let paused = try await why()
            #expect(paused.gate == "paused" && paused.reason == "test paused it", "\(paused)")
            let json = try await bed.get("/v1/runs/\(run)/why").json
            #expect(json["since_ms"]?.integerValue != nil, "\(json)")
            #expect(json["deadline"] == .null, "\(json)")
            try await bed.text(
                """
                INSERT INTO run_deadline (run_id, kind, at, after_ms) VALUES
                    (\(RunID(run)?.number ?? 0), 'start', '2100-01-01Z', NULL),
                    (\(RunID(run)?.number ?? 0), 'end', NULL, 7200000)
                """
            )
            let late = try await bed.get("/v1/runs/\(run)/why").json["deadline"]
            #expect(late?["start_by"] == "2100-01-01T00:00:00.000Z", "\(late ?? .null)")
            #expect(late?["end_by"] == .null && late?["after_ms"] == 7_200_000)
            #expect(try await bed.get("/v1/runs/zzzzzzzz/why").status == 404)
        }
    }
}
