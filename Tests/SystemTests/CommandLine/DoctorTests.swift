// Decides what the doctor finds, and that completing a word changes nothing.

import Foundation
import Glibc
import PulserIR
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct Doctors {
        private func examine(
            _ site: Site
        ) async throws -> (code: Int32, findings: [String: JSONValue]) {
            let answer = try await site.run(["doctor", "-o", "json"])
            var findings: [String: JSONValue] = [:]
            if case .array(let all)? = try JSONValue(parsing: answer.output)["findings"] {
                for finding in all {
                    findings[finding["subject"]?.stringValue ?? ""] = finding
                }
            }
            return (answer.code, findings)
        }

        @Test("a fresh directory is healthy: its migrations are applied when a node starts")
        func fresh() async throws {
            try await Site.with(.embedded) { site in
                let (code, findings) = try await self.examine(site)
                #expect(code == 0, "\(findings)")
                let migrations = findings["migrations"]
                #expect(migrations?["level"] == .string("ok"))
                #expect(
                    migrations?["message"]?.stringValue?.hasSuffix("applied when a node starts")
                        == true
                )
            }
        }

        @Test("an outside database with pending migrations is a finding with its command")
        func pending() async throws {
            try await Site.with { site in
                let (code, findings) = try await self.examine(site)
                #expect(code == 2)
                #expect(findings["migrations"]?["fix"] == .string("opsroom migrate apply"))
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                #expect(try await self.examine(site).code == 0)
            }
        }

        @Test("runs that no live node works on are found, and a node is the remedy")
        func abandoned() async throws {
            try await Site.with(.embedded) { site in
                let node = try await site.startNode()
                let plan = try site.plan("long", "steps: [{id: a, system: {sleep: 1h}}]")
                #expect(try await site.run(["run", plan, "--detach"]).code == 0)
                try await eventually("the run is under way") {
                    try await site.rows("SELECT status FROM run_any") == [["running"]]
                }
                #expect(try await self.examine(site).findings["work"]?["level"] == .string("ok"))
                try await node.killHard()
                let work = try await self.examine(site).findings["work"]
                #expect(work?["level"] == .string("warn"), "\(String(describing: work))")
                #expect(work?["fix"] == .string("opsroom up"))
                #expect(work?["message"]?.stringValue?.contains("1 run(s) under way") == true)
            }
        }

        @Test("the package of the HTTP/2 library is told as the distribution knows it")
        func library() async throws {
            try await Site.with(.embedded) { site in
                let library = try #require(try await self.examine(site).findings["libnghttp2"])
                let message = library["message"]?.stringValue ?? ""
                let status = FileManager.default.contents(atPath: "/var/lib/dpkg/status") ?? Data()
                let known = String(decoding: status, as: UTF8.self)
                    .firstMatch(of: /Package: libnghttp2-14\n(?:.+\n)*?Version: (.+)\n/)
                guard let version = known.map({ String($0.1) }) else {
                    #expect(message.contains("not verified"), "\(message)")
                    return
                }
                #expect(message.contains(version), "\(message)")
                let isOk = library["level"] == .string("ok")
                #expect(isOk == !message.contains("CVE-2026-27135"), "\(message)")
            }
        }

        private static func isBlank(_ text: String) -> Bool {
            text.allSatisfy { $0.isWhitespace }
        }

        private static let completion = [
            "---completion", "runs", "show", "--", "positional@0", "3", "0", "opsroom", "runs",
            "show",
        ]

        @Test("completing a run's id looks at a room that works, and starts or makes nothing")
        func completion() async throws {
            try await Site.with(.embedded) { site in
                let nothing = try await site.run(Self.completion)
                #expect(nothing.code == 0)
                #expect(Self.isBlank(nothing.output), "\(nothing.output)")
                #expect(!FileManager.default.fileExists(atPath: "\(site.folder)/data"))
                let node = try await site.startNode()
                let plan = try site.plan("nap", "steps: [{id: a, system: {sleep: 0s}}]")
                let run = try await site.run(["run", plan, "--detach"]).output
                #expect(try await site.run(Self.completion).output == run)
                try await node.killHard()
                let gone = try await site.run(Self.completion)
                #expect(Self.isBlank(gone.output), "\(gone.output)")
            }
        }

        @Test("completing gives up on a server that does not answer")
        func completionLimit() async throws {
            try await Site.with(.embedded) { site in
                let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(socket) }
                #expect(listen(socket, 1) == 0)
                var address = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                _ = withUnsafeMutablePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        getsockname(socket, $0, &length)
                    }
                }
                let port = UInt16(bigEndian: address.sin_port)
                let began = ContinuousClock.now
                let answer = try await site.run(
                    Self.completion,
                    environment: ["DATABASE_URL": "postgres://ops@127.0.0.1:\(port)/ops"]
                )
                #expect(answer.code == 0 && Self.isBlank(answer.output))
                // The limit is one second; the rest is for a busy machine.
                #expect(ContinuousClock.now - began < .seconds(8))
            }
        }
    }
}
