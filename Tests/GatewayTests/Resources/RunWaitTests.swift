// Decides when a request that waits for a run's end is answered, and what a path says that is no run.

import HTTPTypes
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct RunWaitTests {
    @Test("whoever waits for a run is answered when it has ended", arguments: Depth.allCases)
    func ends(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let (one, other) = (try await bed.run(), try await bed.run())
            try await withThrowingTaskGroup(of: JSONValue.self) { group in
                for _ in 0..<5 {
                    group.addTask { try await bed.get("/v1/runs/\(one)?wait_ms=30000").json }
                }
                let early = try await bed.get("/v1/runs/\(other)?wait_ms=300").json
                #expect(early["status"] == "queued" && early["id"] == .string(other))
                let path = "/v1/runs/\(one)/cancel"
                #expect(try await bed.post(path, .object([:])).status == 202)
                for try await run in group {
                    #expect(run["status"] == "cancelled" && run["id"] == .string(one))
                }
            }
            // It has ended: nobody waits.
            let late = try await bed.get("/v1/runs/\(one)?wait_ms=30000&include=steps")
            #expect(try late.json["status"] == "cancelled")
        }
    }

    @Test("a wait that is no time is refused; a run that is not there is not waited for")
    func refused() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run()
            for wait in ["-1", "30001", "long"] {
                let answer = try await bed.get("/v1/runs/\(id)?wait_ms=\(wait)")
                #expect(answer.code == "invalid_parameter", "\(answer.text)")
            }
            #expect(try await bed.get("/v1/runs/zzzz?wait_ms=30000").status == 404)
            #expect(try await bed.get("/v1/runs/\(id)?wait_ms=0").status == 200)
        }
    }

    @Test("a node that stops lets nobody wait")
    func stops() async throws {
        try await GatewayBed.with { bed in
            let run = try #require(RunID(try await bed.run()))
            async let waits: Void = bed.gateway.runEnds.wait(for: run, upTo: .seconds(3_600))
            await bed.gateway.drain()
            try await waits
            try await bed.gateway.runEnds.wait(for: run, upTo: .seconds(3_600))
        }
    }

    @Test("a path that is there for POST alone says so, and where the list is")
    func methods() async throws {
        try await GatewayBed.with { bed in
            let answer = try await bed.get("/v1/runs/batch")
            #expect(answer.status == 405 && answer.fields[.allow] == "OPTIONS, POST")
            #expect(answer.text.contains("use OPTIONS, POST; GET /v1/runs lists what there is"))
            let id = try await bed.run()
            let put = try await bed.send(.put, "/v1/runs/\(id)")
            #expect(put.status == 405 && put.fields[.allow] == "GET, HEAD, OPTIONS, PATCH")
        }
    }
}
