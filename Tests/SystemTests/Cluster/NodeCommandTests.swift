// Decides what a node does that joins others by their database.

import ControlRoom
import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Nodes that join", .timeLimit(.minutes(4)))
    struct JoiningNodes {
        /// Starts `opsroom node` and waits until it takes work; the environment names no database.
        private static func node(
            _ site: Site,
            _ words: [String],
            data: String? = nil
        ) async throws -> Program {
            let node = try site.start(
                ["node"] + words,
                data: data,
                environment: ["DATABASE_URL": ""]
            )
            try await eventually("the node is ready: \(node.errorOutput)") {
                node.exitCode != nil || node.errorOutput.contains("node ready")
            }
            try #require(node.exitCode == nil, "\(node.errorOutput)")
            return node
        }

        private static func nodes(_ site: Site) async throws -> [JSONValue] {
            let list = try await site.run(["nodes", "list", "-o", "json"], data: "n2")
            return try JSONValue(parsing: list.output)["nodes"]?.arrayValue ?? []
        }

        @Test("nodes join by file and by flag, share the shards, and leave all of them on SIGTERM")
        func join() async throws {
            try await Site.with { site in
                let url = try site.conninfo()
                let file = "\(site.folder)/n1.toml"
                let text = """
                    join = "\(url)"
                    name = "n1"
                    data = "n1"
                    drain-timeout = "20s"
                    """
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                chmod(file, 0o600)
                let first = try await Self.node(site, ["--config", file])
                try await eventually("it says where its name is from") {
                    first.errorOutput.contains("name = n1  (file \(file))")
                }
                let second = try await Self.node(site, ["--join", url, "--name", "n2"], data: "n2")
                try await eventually("both have about half of the shards") {
                    let shares = try await Self.nodes(site).map { $0["shards"]?.integerValue ?? 0 }
                    return shares.count == 2 && (shares.min() ?? 0) >= 480
                        && shares.reduce(0, +) == 1_024
                }
                let plan = try site.plan("one", "steps: [{id: a, shell: {argv: [echo, hi]}}]")
                #expect(try await site.run(["run", plan], data: "n2").code == 0)
                first.send(SIGTERM)
                #expect(try await first.end() == 0)
                #expect(first.errorOutput.contains("may finish for up to 20s"))
                try await eventually("the other one has all shards") {
                    let nodes = try await Self.nodes(site)
                    return nodes.count == 1 && nodes[0]["name"]?.stringValue == "n2"
                        && nodes[0]["shards"]?.integerValue == 1_024
                }
                second.send(SIGTERM)
                #expect(try await second.end() == 0)
            }
        }

        @Test("without a database, or with settings that cannot be used, nothing is started")
        func refused() async throws {
            try await Site.with { site in
                let none = ["DATABASE_URL": ""]
                let alone = try await site.run(["node"], environment: none)
                #expect(alone.code == 64, "\(alone.error)")
                #expect(alone.error.contains("join is missing"), "\(alone.error)")
                let words = ["node", "--runs-max", "0", "--listen", "x", "-o", "json"]
                let wrong = try await site.run(words, environment: none)
                #expect(wrong.code == 64, "\(wrong.error)")
                let error = try JSONValue(parsing: wrong.error)["error"]
                #expect(error?["problems"]?.arrayValue?.count == 3, "\(wrong.error)")
                #expect(!FileManager.default.fileExists(atPath: "\(site.folder)/data"))
                // Shown with what is wrong, and only shown.
                let shown = try await site.run(words + ["--show-config"], environment: none)
                let settings = try JSONValue(parsing: shown.output)["settings"]?.arrayValue
                #expect(
                    shown.code == 64 && settings?.count == Setting.allCases.count,
                    "\(shown.output)"
                )
                let good = try await site.run(["node", "--show-config"])
                #expect(good.code == 0 && good.output.contains("environment DATABASE_URL"))
                #expect(!FileManager.default.fileExists(atPath: "\(site.folder)/data"))
            }
        }
    }
}
