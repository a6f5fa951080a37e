// Decides what the API says of dead letters, one by one and by filter.

import Gateway
import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DeadResourceTests {
    /// Has as many runs of a lane fail.
    private static func fail(
        _ bed: GatewayBed,
        _ node: TestNode,
        _ count: Int
    ) async throws
        -> [String]
    {
        var ids: [String] = []
        for _ in 0..<count { ids.append(try await bed.run()) }
        let first = try await bed.store.run(try await bed.store.resolveRun(ids[0]))
        let (runs, log) = try await node.claim(first.lane, room: count)
        for run in runs { try await node.end(run, log, .failed, first: 1) }
        #expect(runs.count == count)
        return ids
    }

    private static func listed(_ bed: GatewayBed, _ query: String = "") async throws -> Set<String>
    {
        let answer = try await bed.get("/v1/dead\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        return Set((try answer.json["runs"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue })
    }

    @Test("dead letters are listed, shown, run again and put aside, one by one")
    func single() async throws {
        try await GatewayBed.with { bed in
            try await TestNode.with(bed.store) { node in
                let ids = try await Self.fail(bed, node, 3)
                let open = try await bed.run()
                #expect(try await Self.listed(bed) == Set(ids))
                #expect(try await Self.listed(bed, "?text=broke&session=default") == Set(ids))
                #expect(try await Self.listed(bed, "?text=other") == [])
                #expect(try await bed.get("/v1/counts").json["dead"]?["runs"] == .integer(3))
                #expect(try await bed.get("/v1/dead?status=failed").status == 400)
                #expect(try await bed.get("/v1/runs?status=dead,succeeded").status == 400)
                let shown = try await bed.get("/v1/dead/\(ids[0])")
                #expect(try shown.json["failure"] == "it broke", "\(shown.text)")
                #expect(try shown.json["discarded"] == .null)
                #expect(try await bed.get("/v1/dead/\(open)").status == 404)

                let aside = try await bed.post(
                    "/v1/dead/\(ids[0])/discard",
                    .object(["note": "sent by hand"])
                )
                #expect(aside.status == 200, "\(aside.text)")
                #expect(try aside.json["discarded"]?["note"] == "sent by hand")
                #expect(try aside.json["discarded"]?["by"]?.stringValue?.isEmpty == false)
                #expect(
                    try await bed.post("/v1/dead/\(ids[0])/discard", .object([:])).status == 409
                )
                let again = try await bed.post("/v1/dead/\(ids[1])/redrive", .object([:]))
                #expect(again.status == 202, "\(again.text)")
                #expect(try again.json["status"] == "queued")
                #expect(try await Self.listed(bed) == [ids[2]])
            }
        }
    }

    @Test("a filter of dead letters is run again or put aside as a whole")
    func many() async throws {
        try await GatewayBed.with { bed in
            try await TestNode.with(bed.store) { node in
                let ids = try await Self.fail(bed, node, 4)
                let note = try await bed.post("/v1/dead/\(ids[0])/discard", .object([:]))
                #expect(note.status == 200)
                let filter = JSONValue.object(["status": "dead"])
                let preview = try await bed.post(
                    "/v1/bulk?preview=true",
                    .object(["action": "discard", "filter": filter])
                )
                #expect(try preview.json["count"]?["runs"] == .integer(3), "\(preview.text)")
                let narrow = JSONValue.object(["status": "dead", "text": .string(ids[1])])
                let steps: [(String, JSONValue, Int)] = [
                    ("discard", narrow, 2), ("retry", filter, 0),
                ]
                for (action, filter, left) in steps {
                    let made = try await bed.post(
                        "/v1/bulk",
                        .object(["action": .string(action), "filter": filter, "reason": "enough"])
                    )
                    #expect(made.status == 202, "\(made.text)")
                    try await eventually("\(action) is done") {
                        try await Self.listed(bed).count == left
                    }
                }
                let aside = try await bed.get("/v1/dead/\(ids[1])")
                #expect(try aside.json["discarded"]?["note"] == "enough", "\(aside.text)")
                let both = try await bed.get("/v1/runs?status=queued")
                #expect(try both.json["runs"]?.arrayValue?.count == 2)
            }
        }
    }
}
