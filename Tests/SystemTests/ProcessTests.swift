// Decides what becomes of a step's programs when its run is cancelled or its node dies: nothing.

import Foundation
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(4)))
    struct Processes {
        /// Programs whose arguments hold `mark`, the searching ones excluded.
        private static func processes(with mark: String) -> [String] {
            let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc")
            return (names ?? []).filter { Int32($0) != nil }.filter { process in
                let bytes = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
                let words = String(decoding: bytes ?? Data(), as: UTF8.self).split(separator: "\0")
                return words.contains { $0 == mark }
            }
        }

        /// A number of seconds that no other program on this machine sleeps.
        private static func mark() -> String {
            "600.\(UInt32.random(in: 1_000_000...UInt32.max))"
        }

        private static func plan(_ mark: String) -> String {
            """
            inputs: {file: {type: string}}
            steps:
              - id: work
                shell: {argv: [sh, -c, 'sleep "$1" & setsid sleep "$1" & wait', sh, "\(mark)"]}
              - id: after
                needs: [work]
                shell: {argv: ["true"]}
              - id: cleanup
                needs: [after]
                if: always()
                shell: {argv: [sh, -c, 'echo clean >> "$1"', sh, "{{ inputs.file }}"]}
            """
        }

        private func begin(_ site: Site, _ mark: String) async throws -> String {
            let plan = try site.plan("work", Self.plan(mark))
            let input = "file=\(site.folder)/lines"
            let answer = try await site.run(["run", plan, "--input", input, "--detach"])
            try #require(answer.code == 0, "\(answer.error)")
            // sh and two sleeps hold the mark, and the guard that was given the words.
            try await eventually("the programs run") { Self.processes(with: mark).count >= 4 }
            return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        @Test("cancelling reaches programs and what they started; always() steps still run")
        func cancel() async throws {
            try await Site.with { site in
                let mark = Self.mark()
                let node = try await site.startNode()
                let run = try await self.begin(site, mark)
                let answer = try await site.run(["runs", "cancel", run, "--reason", "enough"])
                #expect(answer.code == 0, "\(answer.error)")
                #expect(answer.output == "\(run) cancelled\n")
                #expect(Self.processes(with: mark) == [])
                #expect(site.lines("lines") == ["clean"])
                let rows = try await site.rows("SELECT status, failure FROM run_any")
                #expect(rows == [["cancelled", "enough"]])
                let again = try await site.run(["runs", "cancel", run])
                #expect(again.code == 6, "\(again.error)")
                try await LaneLogAudit.check(site, "cancel")
                #expect(node.exitCode == nil)
            }
        }

        @Test("a queued run is cancelled without a start, and its lane goes on")
        func cancelQueued() async throws {
            try await Site.with { site in
                let mark = Self.mark()
                _ = try await site.startNode()
                let first = try await self.begin(site, mark)
                let input = "file=\(site.folder)/lines"
                let plan = "\(site.folder)/work.yaml"
                let second = try await site.run(["run", plan, "--input", input, "--detach"]).output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                let answer = try await site.run(["runs", "cancel", second])
                #expect(answer.output == "\(second) cancelled\n", "\(answer.error)")
                #expect(try await site.run(["runs", "cancel", first]).code == 0)
                #expect(site.lines("lines") == ["clean"])
                try await LaneLogAudit.check(site, "cancel queued")
            }
        }

        @Test("when a node is killed, its steps' programs and their children end")
        func nodeDeath() async throws {
            try await Site.with { site in
                let mark = Self.mark()
                let node = try await site.startNode()
                _ = try await self.begin(site, mark)
                try await node.killHard()
                try await eventually("no program is left", within: .seconds(15)) {
                    Self.processes(with: mark).isEmpty
                }
            }
        }
    }
}
