// Decides that a run which a client queued in plain SQL is as good as any other.

import HTTPTypes
import PulserIR
import Testing

extension SystemTests {
    @Suite("Runs from plain SQL", .timeLimit(.minutes(2)))
    struct EnqueueSQLTests {
        private static let plan = """
            apiVersion: pulser/v1
            kind: Plan
            metadata: {name: echo}
            inputs:
              n: {type: number}
              who: {type: string, default: ann}
            steps:
              - id: say
                shell: {argv: [echo, "{{ inputs.who }}"]}
                outputs: {said: "{{ result.output }}"}
            outputs: {n: "{{ inputs.n }}", said: "{{ steps.say.outputs.said }}"}
            """

        @Test("a node takes it, woken or not, and one that cannot be read fails alone")
        func works() async throws {
            try await Site.with { site in
                _ = try await site.startListeningNode()
                let plan = try await APIClient.with(site) { api in
                    let stored = try await api.send(
                        .post,
                        "/v1/plans",
                        ["plan": .string(Self.plan)]
                    )
                    _ = try await api.send(.post, "/v1/sessions", ["name": "sql"])
                    let lane = try await api.send(.post, "/v1/sessions/sql/lanes", ["name": "A"])
                    #expect(lane.status == 201, "\(lane.json)")
                    return stored.json["digest"]?.stringValue ?? "\(stored.json)"
                }
                func queue(_ inputs: String, _ more: String = "") async throws -> String {
                    try await site.rows(
                        "SELECT enqueue_run('A', '\(plan)', '\(inputs)', session => 'sql'\(more))"
                    )[0][0]
                }
                // More than any number of ours holds.
                let bad = try await queue(#"{"n": 1e400}"#)
                let good = try await queue(#"{"n": 7.5}"#)
                let woken = try await queue(#"{"n": 8, "who": "bob"}"#, ", wake => true")
                try await WaitTests.reaches(site, bad, "failed")
                let reason = try await WaitTests.document(site, bad)["failure"]?.stringValue ?? ""
                #expect(reason.contains("cannot be read"), "\(reason)")
                try await WaitTests.reaches(site, good, "succeeded")
                try await WaitTests.reaches(site, woken, "succeeded")
                let outputs = try await WaitTests.document(site, good)["outputs"]
                #expect(outputs?["n"] == .number(7.5))
                #expect(outputs?["said"]?.stringValue?.hasPrefix("ann") == true)
            }
        }
    }
}
