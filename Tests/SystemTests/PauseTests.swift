// Decides what a paused run does, whatever happens to its node.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Pause", .timeLimit(.minutes(2)))
    struct PauseTests {
        /// Each step says that it began and waits for a file of its own.
        private static let plan = """
            inputs: {dir: {type: string}}
            steps:
              - id: first
                effects: idempotent
                shell: {argv: [sh, -c, 'echo first >> "$D/log"; until [ -e "$D/go" ]; do sleep 0.02; done'], env: {D: "{{ inputs.dir }}"}}
              - id: second
                needs: [first]
                effects: idempotent
                shell: {argv: [sh, -c, 'echo second >> "$D/log"'], env: {D: "{{ inputs.dir }}"}}
            """

        private func begin(_ site: Site) async throws -> String {
            let plan = try site.plan("pausable", Self.plan)
            let arguments = ["run", plan, "--input", "dir=\(site.folder)", "--detach"]
            let run = String(try await site.run(arguments).output.prefix(8))
            try await eventually("the first step began") { site.lines("log") == ["first"] }
            return run
        }

        private func letGo(_ site: Site) throws {
            try Data().write(to: URL(fileURLWithPath: site.folder + "/go"))
        }

        private func eventuallyRuns(_ site: Site, _ wanted: [String]) async throws {
            try await eventually("the runs are \(wanted)") {
                try await site.rows("SELECT status FROM run_any ORDER BY id").map { $0[0] }
                    == wanted
            }
        }

        @Test("a paused run stays so through kill -9 of its node, and ends well once resumed")
        func survives() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let run = try await self.begin(site)
                let paused = try await site.run(["runs", "pause", run, "--by", "ann"])
                #expect(paused.code == 0, "\(paused.error)")
                #expect(paused.output.contains("what is under way comes to its end first"))
                try self.letGo(site)
                try await self.eventuallyRuns(site, ["waiting"])
                let reason = try await site.rows("SELECT wait_reason FROM run_any")[0][0]
                #expect(reason.hasPrefix("paused by ann"))
                try await node.killHard()
                _ = try await site.startNode()
                // Taken over, it says so again.
                try await eventually("the run rests on the new node") {
                    let events = try await site.run(["runs", "logs", run, "-o", "jsonl"]).output
                    return events.split(separator: "\n").count {
                        $0.contains("\"type\":\"run.paused\"")
                    } == 2
                }
                try await self.eventuallyRuns(site, ["waiting"])
                #expect(site.lines("log") == ["first"])
                let resumed = try await site.run(["runs", "resume", run])
                #expect(resumed.output == "\(run) resumed\n", "\(resumed.error)")
                try await self.eventuallyRuns(site, ["succeeded"])
                #expect(site.lines("log") == ["first", "second"])
                let again = try await site.run(["runs", "resume", run])
                #expect(again.code != 0 && again.error.contains("is succeeded already"))
                try await LaneLogAudit.check(site, "pause")
            }
        }

        @Test("a run paused while its node is killed begins nothing on the next one until resumed")
        func cutOff() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let run = try await self.begin(site)
                try await site.run(["runs", "pause", run])
                try await node.killHard()
                try self.letGo(site)
                _ = try await site.startNode()
                try await self.eventuallyRuns(site, ["waiting"])
                #expect(site.lines("log") == ["first"])
                try await site.run(["runs", "resume", run])
                try await self.eventuallyRuns(site, ["succeeded"])
                #expect(site.lines("log") == ["first", "first", "second"])
            }
        }

        @Test("a paused run can be cancelled, and its lane then goes on")
        func cancel() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let run = try await self.begin(site)
                try await site.run(["runs", "pause", run])
                let quick = try site.plan("quick", "steps: [{id: nothing, system: {sleep: 0s}}]")
                try await site.run(["run", quick, "--detach"])
                try self.letGo(site)
                try await self.eventuallyRuns(site, ["waiting", "queued"])
                let cancelled = try await site.run(["runs", "cancel", run])
                #expect(cancelled.output == "\(run) cancelled\n", "\(cancelled.error)")
                try await self.eventuallyRuns(site, ["cancelled", "succeeded"])
                #expect(site.lines("log") == ["first"])
            }
        }
    }
}
