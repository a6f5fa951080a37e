// Decides that `runs enqueue` has every line of a file run once, here and over the network, and tells a bad line by its number.

import Foundation
import PulserIR
import Testing

@testable import opsroom

extension SystemTests {
    @Suite("Many runs from a file", .timeLimit(.minutes(3)))
    struct EnqueueCommand {
        private static let say = """
            inputs: {word: {type: string}}
            steps: [{id: say, shell: {argv: [sh, -c, 'echo "$W"'], env: {W: "{{ inputs.word }}"}}}]
            """

        private static func write(_ site: Site, _ name: String, _ lines: [String]) throws -> String
        {
            let path = "\(site.folder)/\(name).jsonl"
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }

        private static func line(_ number: Int, _ more: String = "") -> String {
            "{\"inputs\":{\"word\":\"w\(number)\"},\"idempotency_key\":\"k\(number)\"\(more)}"
        }

        @Test("every line is a run that a node works off, and a file that is sent again makes none")
        func roundTrip() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let plan = try site.plan("say", Self.say)
                let lines = [Self.line(1), "", Self.line(2, ",\"lane\":\"C\""), " ", Self.line(3)]
                let file = try Self.write(site, "jobs", lines)
                let words = ["runs", "enqueue", file, "--plan", plan, "--lane", "B"]
                let there = try await site.run(
                    words + ["-o", "json"],
                    data: nil,
                    environment: node.environment
                )
                try #require(there.code == 0, "\(there.error)")
                let runs = try JSONValue(parsing: there.output)["runs"]?.arrayValue ?? []
                #expect(runs.map { $0["line"] } == [.integer(1), .integer(3), .integer(5)])
                #expect(runs.allSatisfy { $0["made"] == .bool(true) }, "\(there.output)")
                let here = try await site.run(words)
                #expect(here.code == 0 && here.error.contains("3 there already"), "\(here)")
                #expect(
                    here.output.split(separator: "\n").map { JSONValue.string(String($0)) }
                        == runs.compactMap { $0["id"] }
                )
                try await eventually("all of them succeeded") {
                    try await site.rows("SELECT inputs FROM run_done WHERE status = 'succeeded'")
                        .count == 3
                }
                #expect(
                    try await site.rows(
                        """
                        SELECT l.name, count(*) FROM run_any r JOIN lane l ON l.id = r.lane_id
                        GROUP BY 1 ORDER BY 1
                        """
                    ) == [["B", "2"], ["C", "1"]]
                )
            }
        }

        @Test(
            "a bad line is told by its number, here as over the network, and its thousand is not stored"
        )
        func badLine() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let plan = try site.plan("say", Self.say)
                let later = ",\"delay_ms\":600000"
                let good = (1...1_001).map { Self.line($0, later) }
                let bad = "{\"inputs\":{\"wrod\":\"x\"}}"
                let file = try Self.write(site, "long", good + [bad])
                let words = ["runs", "enqueue", file, "--plan", plan]
                for environment in [node.environment, nil] {
                    let answer = try await site.run(
                        words + ["-o", "jsonl"],
                        data: environment == nil ? "data" : nil,
                        environment: environment ?? [:]
                    )
                    #expect(answer.code == 64, "\(answer.error)")
                    #expect(
                        answer.error.contains("line 1002 of \(file), inputs: "),
                        "\(answer.error)"
                    )
                    #expect(answer.error.contains("lines up to 1000 are stored"), "\(answer.error)")
                    #expect(answer.output.split(separator: "\n").count == 1_000)
                    let counted = try await site.rows("SELECT count(*) FROM run_any")
                    #expect(counted == [["1000"]])
                }
                for (name, text, told) in [
                    ("text", "no json", "line 1 of"), ("list", "[]", "a run is a JSON object"),
                    ("null", "{\"plan_digest\":null,\"lane\":null}", "line 1 of"),
                    ("unique", "{\"unique\":{}}", "line 1 of"),
                    ("plan", "{\"plan\":\"x\"}", "line 1"),
                ] {
                    let path = try Self.write(site, name, [text])
                    let answer = try await site.run(["runs", "enqueue", path, "--plan", plan])
                    #expect(answer.code == 64 && answer.error.contains(told), "\(answer.error)")
                    #expect(answer.output.isEmpty && !answer.error.contains("are stored"))
                }
                let nowhere = try Self.write(site, "nowhere", [Self.line(1, ",\"session\":\"n\"")])
                let refused = try await site.run(["runs", "enqueue", nowhere, "--plan", plan])
                #expect(refused.code == 5 && refused.error.contains("opsroom sessions list"))
                let none = try await site.run(["runs", "enqueue", "\(site.folder)/none"])
                #expect(none.code == 5, "\(none.error)")
            }
        }

        @Test("lines are what lies between line ends, however the file is cut into pieces")
        func lines() throws {
            let folder = FileManager.default.temporaryDirectory
            let path = folder.appending(path: "lines-\(UUID().uuidString)").path()
            defer { try? FileManager.default.removeItem(atPath: path) }
            let long = String(repeating: "y", count: 700_000)
            for (text, lines) in [
                ("", []), ("a", ["a"]), ("a\n", ["a"]), ("\na\n\n", ["", "a", ""]),
                ("\(long)\nb\n\(long)", [long, "b", long]),
            ] {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                var reader = try LineReader(path)
                var read: [String] = []
                while let line = try reader.next() {
                    read.append(String(decoding: line.bytes, as: UTF8.self))
                    #expect(line.number == read.count)
                }
                #expect(read == lines)
            }
            let huge = String(repeating: "z", count: LineReader.lineBytesMax + 1)
            try "a\n\(huge)\n".write(toFile: path, atomically: true, encoding: .utf8)
            var reader = try LineReader(path)
            #expect(try reader.next()?.bytes == [0x61])
            #expect(throws: (any Error).self) { try reader.next() }
        }
    }
}
