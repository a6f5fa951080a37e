// Decides what a full disk means to running work: it waits, and says for what.

import Foundation
import Glibc
import HTTPTypes
import Logging
import Postgres
import PulserIR
import TestBed
import TestPeers
import Testing

extension SystemTests {
    @Suite("A full disk", .timeLimit(.minutes(4)))
    struct FullDiskTests {
        private static let notVerified = Comment(rawValue: Peer.smallDisk.absence)

        /// A node whose Postgres has a disk of its own, of 160 MB, that nobody else sees.
        private struct SmallDisk {
            let site: Site
            let node: Program

            private var data: String { "\(self.site.folder)/data" }
            /// The node's folder as the node sees it.
            private var seen: String { "/proc/\(self.node.processID)/root\(self.data)/postgres" }

            init(_ site: Site) async throws {
                self.site = site
                let script = """
                    mkdir -p "$1/postgres"
                    mount -t tmpfs -o size=160m,mode=700 small "$1/postgres" || exit 1
                    exec "$2" up --data "$1"
                    """
                let words = [
                    "sh", "-c", script, "sh", "\(site.folder)/data", Program.folder + "/opsroom",
                ]
                let unshare = try Peer.smallDisk.required()
                self.node = try site.start(
                    Array(unshare.dropFirst()) + words,
                    data: nil,
                    program: unshare[0]
                )
                let node = self.node
                try await eventually("the node is ready") {
                    if let code = node.exitCode {
                        throw NeverHappened(
                            description: "the node ended: \(code) \(node.errorOutput)"
                        )
                    }
                    return node.errorOutput.contains("node ready")
                }
                // The server is no child of the node; here nobody else would find it.
                let file = try String(
                    contentsOfFile: self.seen + "/data/postmaster.pid",
                    encoding: .utf8
                )
                if let server = file.split(separator: "\n").first.flatMap({ pid_t($0) }) {
                    TestProcesses.killAtExit(server)
                }
            }

            /// Writes until there is no room at all.
            func fill() throws {
                let file = open(
                    self.seen + "/ballast",
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                    0o600
                )
                guard file >= 0 else { throw NeverHappened(description: "the ballast was opened") }
                defer { close(file) }
                let zeros = [UInt8](repeating: 0, count: 4_096)
                while write(file, zeros, zeros.count) > 0 {}
                #expect(errno == ENOSPC)
            }

            func free() { unlink(self.seen + "/ballast") }

            /// How often the server's log says so.
            func said(_ words: String) throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: self.seen + "/log").reduce(0) {
                    let bytes =
                        FileManager.default.contents(atPath: "\(self.seen)/log/\($1)") ?? Data()
                    return $0
                        + String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                        .count { $0.contains(words) }
                }
            }

            func rows(_ sql: String) async throws -> [[String]] {
                let connection = try await PostgresConnection.connect(
                    PostgresConfiguration(
                        conninfo: "host='\(self.seen)/run' port=5432 user=opsroom dbname=opsroom"
                    ),
                    logger: Logger(label: "test")
                )
                let answer: Result<PostgresRows, PostgresError>
                do throws(PostgresError) {
                    answer = .success(try await connection.query(sql))
                } catch {
                    answer = .failure(error)
                }
                await connection.close()
                let rows = try answer.get()
                return (0..<rows.count).map { row in
                    rows.columns.indices.map { rows.columnText(row, $0) ?? "" }
                }
            }
        }

        /// Three steps that print 2 MB each and leave a line.
        private static let plan: String = {
            let steps = (0..<3).map { number in
                """
                  - id: s\(number)
                \(number > 0 ? "    needs: [s\(number - 1)]\n" : "")    effects: destructive
                    shell: {argv: [sh, -c, 'echo "$1 s\(number)" >> "$2"; head -c 1500000 /dev/urandom | base64 -w 200', sh, "{{ run.id }}", "{{ inputs.file }}"]}
                """
            }
            return """
                apiVersion: pulser/v1
                kind: Plan
                metadata: {name: loud}
                inputs: {file: {type: string}}
                steps:

                """ + steps.joined(separator: "\n") + "\n"
        }()

        private static func order(_ client: APIClient, _ site: Site) async throws -> APIAnswer {
            try await client.send(
                .post,
                "/v1/runs",
                [
                    "plan": .string(Self.plan), "session": "default", "lane": "main",
                    "inputs": ["file": .string("\(site.folder)/lines")],
                ]
            )
        }

        @Test(
            "a full disk is told, and what was accepted is done when there is room again",
            .enabled(if: !Peer.smallDisk.isAbsent, Self.notVerified)
        )
        func full() async throws {
            try await Site.with(.embedded) { site in
                let disk = try await SmallDisk(site)
                try await APIClient.with(site) { client in
                    for _ in 0..<2 { #expect(try await Self.order(client, site).status == 201) }
                    try disk.fill()
                    let words = "its disk is full"
                    try await eventually("/readyz says so") {
                        try await DatabaseFaultTests.reason(client)?.contains(words) == true
                    }
                    #expect(try await client.send(.get, "/readyz").status == 503)
                    #expect(try disk.said("No space left on device") > 0)
                    #expect(disk.node.exitCode == nil, "\(disk.node.errorOutput)")
                    disk.free()
                    try await eventually("the database is well again") {
                        try await DatabaseFaultTests.reason(client) == nil
                    }
                    try await eventually("a run is taken again") {
                        try await Self.order(client, site).status == 201
                    }
                    try await eventually("every run ended well") {
                        let open = "SELECT count(*) FROM run_any WHERE status <> 'succeeded'"
                        return try await disk.rows(open) == [["0"]]
                    }
                    let count = Int(try await disk.rows("SELECT count(*) FROM run_any")[0][0]) ?? 0
                    #expect(count >= 3)
                    let lines = site.lines("lines")
                    #expect(lines.count == 3 * count)
                    #expect(Set(lines).count == lines.count, "\(lines)")
                    let gaps = """
                        SELECT count(*) FROM (
                            SELECT first_seq, lag(first_seq + n, 1, 1::bigint)
                                OVER (PARTITION BY lane_id ORDER BY first_seq) AS due
                            FROM run_events) AS o WHERE first_seq <> due
                        """
                    #expect(try await disk.rows(gaps) == [["0"]])
                }
                // It stops its server, which nobody else can reach.
                kill(disk.node.processID, SIGTERM)
                _ = try await disk.node.end()
            }
        }
    }
}
