// Decides what operators see and change of a cluster over the API.

import Gateway
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
            #expect(try await why().gate == "paused")
            #expect(try await bed.get("/v1/runs/zzzzzzzz/why").status == 404)
        }
    }
}
