// Decides what programs that print much do to a node whose database takes nothing: they wait, it stays small.

import Foundation
import HTTPTypes
import Logging
import Postgres
import PulserIR
import TestBed
import TestKit
import Testing

extension SystemTests {
    @Suite("Backpressure", .timeLimit(.minutes(5)))
    struct BackpressureTests {
        private static let runs = 16
        /// What each run prints: so many pieces of a thousand lines, each of a thousand bytes. Fewer
        /// than a step may print.
        private static let pieces = 14

        /// Says in a file how many pieces it could print.
        private static let printer = """
            inputs: {folder: {type: string}, number: {type: integer}}
            steps:
              - id: print
                effects: none
                shell:
                  argv:
                    - sh
                    - -c
                    - |
                      echo begun >> "$1/printed-$2"
                      while [ ! -e "$1/go" ]; do sleep 0.05; done
                      line=$(printf '%0999d' 7)
                      for piece in $(seq \(pieces)); do
                        yes "$line" | head -n 1000
                        echo "$piece" >> "$1/printed-$2"
                      done
                    - sh
                    - "{{ inputs.folder }}"
                    - "{{ inputs.number }}"
            """

        /// How many lines each run has left in its file.
        private static func marks(_ site: Site) -> [Int] {
            (0..<Self.runs).map { site.lines("printed-\($0)").count }
        }

        /// The most memory that a process has ever had.
        private static func peakMebibytes(_ node: Program) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(node.processID)/status", encoding: .utf8)
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            let kibibytes = line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
            return try #require(kibibytes) / 1_024
        }

        private static func order(_ client: APIClient, _ site: Site) async throws {
            let head = "apiVersion: pulser/v1\nkind: Plan\nmetadata: {name: print}\n"
            for number in 0..<Self.runs {
                let answer = try await client.send(
                    .post,
                    "/v1/runs",
                    [
                        "plan": .string(head + Self.printer), "session": "default",
                        "lane": .string("l\(number)"),
                        "inputs": [
                            "folder": .string(site.folder), "number": .integer(Int64(number)),
                        ],
                    ]
                )
                #expect(answer.status == 201, "\(answer.json)")
            }
        }

        @Test("programs that print more than a stuck database takes wait for it, and lose no line")
        func stuck() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                try await APIClient.with(site) { try await Self.order($0, site) }
                try await eventually("every program has begun", within: .seconds(60)) {
                    Self.marks(site).allSatisfy { $0 == 1 }
                }
                let before = try Self.peakMebibytes(node)
                let holder = try await PostgresConnection.connect(
                    PostgresConfiguration(conninfo: try site.conninfo()),
                    logger: Logger(label: "test")
                )
                try await holder.script("BEGIN; LOCK TABLE run_events IN SHARE MODE")
                try "".write(toFile: "\(site.folder)/go", atomically: true, encoding: .utf8)
                try await APIClient.with(site) { client in
                    try await eventually("/readyz says so", within: .seconds(60)) {
                        try await DatabaseFaultTests.reason(client) != nil
                    }
                }
                // What is kept for each lane, what is being read, and what a pipe holds.
                let stood = Self.marks(site)
                #expect(stood.allSatisfy { $0 < 5 }, "\(stood)")
                await holder.close()
                try await eventually("all is printed", within: .seconds(120)) {
                    let open = "SELECT count(*) FROM run_any WHERE status <> 'succeeded'"
                    return try await site.rows(open) == [["0"]]
                }
                let after = try Self.peakMebibytes(node)
                // Of 224 MiB that were printed.
                let limit = before + 100 * (Sanitized.isOn ? 5 : 1)
                #expect(after < limit, "from \(before) MiB to \(after)")
                #expect(Self.marks(site).allSatisfy { $0 == Self.pieces + 1 })
                let lines = try await site.rows(
                    """
                    SELECT DISTINCT count(*) FROM run_events c
                    CROSS JOIN LATERAL string_to_table(rtrim(convert_from(c.bytes, 'UTF8'), E'\\n'), E'\\n') l (text)
                    WHERE l.text LIKE '%"type":"step.output"%' GROUP BY c.lane_id
                    """
                )
                #expect(lines == [["\(Self.pieces * 1_000)"]])
                node.send(SIGTERM)
                #expect(try await node.end() == 0, "\(node.errorOutput)")
            }
        }
    }
}
