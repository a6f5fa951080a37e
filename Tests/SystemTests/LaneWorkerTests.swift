// Decides that a person hands a lane over to programs outside, and takes it back.

import HTTPTypes
import PulserIR
import Testing

extension SystemTests {
    @Suite("A lane's worker", .timeLimit(.minutes(2)))
    struct LaneWorkerTests {
        @Test("a person has a lane worked outside, and by the room again")
        func handedOver() async throws {
            try await Site.with { site in
                _ = try await site.startListeningNode()
                let plan = try site.plan("mine", "steps: [{id: nothing, system: {sleep: 0s}}]")
                #expect(try await site.run(["run", plan]).code == 0)
                let set = ["lanes", "set", "default/A", "--worker"]
                let out = try await site.run(set + ["external"])
                #expect(out.output.contains("worker external"), "\(out.error)")
                #expect(
                    try await site.run(["lanes", "show", "default/A"]).output.contains("external")
                )
                let run = String(try await site.run(["run", plan, "--detach"]).output.prefix(8))
                try await APIClient.with(site) { api in
                    try await eventually("it waits for a program") {
                        try await api.send(.get, "/v1/runs/\(run)/why").json["gate"] == "no_worker"
                    }
                    let claim = try await api.send(
                        .post,
                        "/v1/claims",
                        ["session": "default", "lane": "A", "wait_ms": 20_000]
                    )
                    #expect(claim.json["claims"]?[0]?["run"] == .string(run), "\(claim.json)")
                    let path = "/v1/claims/\(run)/complete"
                    let end = try await api.send(
                        .post,
                        path,
                        ["claim_no": 1, "status": "succeeded"]
                    )
                    #expect(end.status == 200, "\(end.json)")
                }
                let back = try await site.run(set + ["room"])
                #expect(back.code == 0 && !back.output.contains("worker"), "\(back.error)")
                #expect(try await site.run(["run", plan]).code == 0)
                #expect(try await site.run(set + ["nobody"]).code == 64)
            }
        }
    }
}
