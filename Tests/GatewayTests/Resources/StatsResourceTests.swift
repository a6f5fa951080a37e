// Decides what the API answers about how runs ended, and into how many buckets a time is cut.

import PulserIR
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct StatsResourceTests {
    @Test("a time is cut into buckets of a plain length, never into too many")
    func buckets() {
        #expect(StatsResource.bucket(hours: 1) == 60_000)
        #expect(StatsResource.bucket(hours: 24) == 30 * 60_000)
        for hours in 1...StatsResource.hoursMax {
            let count = hours * 3_600_000 / StatsResource.bucket(hours: hours)
            #expect((1...StatsResource.bucketsMax).contains(count), "\(hours)")
        }
    }

    @Test("statistics have the form described, with and without what narrows them")
    func form() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.run(["lane": "A"])
            _ = try await bed.run(["lane": "B"])
            try await TestNode.with(bed.store) { node in
                let (runs, log) = try await node.claim(1, room: 1)
                try await node.end(runs[0], log, .failed, first: 1)
                for query in ["", "?hours=1", "?session=default&lane=A", "?hours=744&template=t"] {
                    let answer = try await bed.get("/v1/stats\(query)")
                    try await OpenAPITests.check(answer, "stats.get")
                    let json = try answer.json
                    let buckets = json["buckets"]?.arrayValue ?? []
                    let failed = buckets.reduce(0) { $0 + ($1["failed"]?.integerValue ?? 0) }
                    #expect(failed == (query.contains("template") ? 0 : 1), "\(query)")
                    #expect(buckets.last?["failed"]?.integerValue == failed, "\(query)")
                }
                let all = try await bed.get("/v1/stats").json
                #expect(all["queue"]?.arrayValue?.map { $0["lane"] } == ["B"])
                #expect(all["lanes"]?[0]?["lane"] == "A")
                #expect(all["templates"]?[0]?["template"] == .null)
                #expect(all["templates"]?[0]?["plan"] == "nap")
            }
            for query in ["hours=0", "hours=745", "odd=1"] {
                #expect(try await bed.get("/v1/stats?\(query)").code == "invalid_parameter")
            }
        }
    }
}
