// Decides that a step's times are those of its attempt, whatever is written about it when.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Times of steps", .timeLimit(.minutes(2)))
    struct StepTimes {
        private func milliseconds(_ value: JSONValue?) throws -> Int64 {
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            let date = try style.parse(try #require(value?.stringValue))
            return Int64((date.timeIntervalSince1970 * 1_000).rounded())
        }

        @Test(
            "a step begins when its attempt does and ends when that does, with effects or without",
            arguments: ["none", "idempotent"]
        )
        func times(_ effects: String) async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = try site.plan(
                    "slow",
                    """
                    steps:
                      - id: one
                        effects: \(effects)
                        shell: {argv: [sleep, "0.4"]}
                      - id: two
                        needs: [one]
                        effects: \(effects)
                        shell: {argv: [sleep, "0.2"]}
                    """
                )
                let alone = try site.plan(
                    "alone",
                    "steps: [{id: one, effects: \(effects), shell: {argv: [sleep, \"0.4\"]}}]"
                )
                for (file, wanted) in [(plan, [400, 200]), (alone, [400])] {
                    let run = try await site.run(["run", file, "-o", "json"])
                    let json = try JSONValue(parsing: run.output)
                    let steps = try #require(json["steps"]?.arrayValue)
                    #expect(steps.count == wanted.count, "\(run.output)")
                    var before = try self.milliseconds(json["started_at"])
                    for (step, length) in zip(steps, wanted) {
                        let begun = try self.milliseconds(step["begun_at"])
                        let ended = try self.milliseconds(step["ended_at"])
                        // Times are told in whole milliseconds.
                        #expect(ended - begun >= Int64(length) - 2, "\(effects): \(step)")
                        #expect(begun >= before - 2, "\(effects): \(step)")
                        before = ended
                    }
                    let finished = try self.milliseconds(json["finished_at"])
                    #expect(before <= finished + 2, "\(effects): \(json)")
                }
            }
        }
    }
}
