// Decides that what is asked of a lane reaches it by a call, from whichever node it was asked.

import Foundation
import HTTPTypes
import PulserIR
import TestPeers
import Testing

extension SystemTests {
    @Suite("News of lanes", .timeLimit(.minutes(3)))
    struct NewsTests {
        private static let plan = """
            inputs: {dir: {type: string}}
            steps:
              - id: wait
                effects: idempotent
                shell: {argv: [sh, -c, 'until [ -e "$D/go" ]; do sleep 0.02; done'], env: {D: "{{ inputs.dir }}"}}
              - {id: after, needs: [wait], effects: none, shell: {argv: ["true"]}}
            """

        /// Two nodes that call each other, each with shards of its own.
        private static func start(_ site: Site) async throws -> [Program] {
            var nodes: [Program] = []
            for (name, port) in zip(["n1", "n2"], try FreePorts.take(2)) {
                let words = ["--name", name, "--peer-listen", "127.0.0.1:\(port)"]
                nodes.append(try await site.startNode(data: name, words, command: "node"))
            }
            try await eventually("both nodes have shards", within: .seconds(60)) {
                let shares = try await site.rows(
                    "SELECT count(*) FROM shard WHERE state = 'running' GROUP BY owner"
                )
                return shares.count == 2
            }
            return nodes
        }

        /// The number of a metric of a node, all its labels together.
        private static func metric(_ api: APIClient, _ begin: String) async throws -> Double {
            let text = String(decoding: try await api.send(.get, "/metrics").bytes, as: UTF8.self)
            return text.split(separator: "\n").filter { $0.hasPrefix(begin) }
                .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
                .reduce(0, +)
        }

        /// A lane of a new session that the other node owns, with one run under way.
        private static func begin(_ site: Site, on node: String) async throws -> String {
            let plan = try site.plan("waits", self.plan)
            for number in 0..<64 {
                let words = ["--lane", "l\(number)", "--detach"]
                let begun = try await site.run(
                    ["run", plan, "--input", "dir=\(site.folder)"] + words,
                    data: "n1"
                )
                let id = String(begun.output.prefix(26).prefix { !$0.isWhitespace })
                try #require(begun.code == 0, "\(begun.error)")
                let owners = """
                    SELECT n.name FROM run_any r JOIN shard s ON s.shard_id = r.shard_id
                    JOIN node n ON n.node_epoch = s.owner ORDER BY r.id DESC LIMIT 1
                    """
                if try await site.rows(owners).first == [node] {
                    try await eventually("the run is under way") {
                        let newest = "SELECT status FROM run_any ORDER BY id DESC LIMIT 1"
                        return try await site.rows(newest) == [["running"]]
                    }
                    return id
                }
            }
            throw NeverHappened(description: "a lane of \(node)")
        }

        @Test("pause, resume and cancel asked of one node reach the other's lane by a call")
        func elsewhere() async throws {
            try await Site.with(.shared) { site in
                _ = try await Self.start(site)
                let run = try await Self.begin(site, on: "n2")
                try await APIClient.with(site, data: "n1") { api in
                    let elsewhere = "ops_execution_news_total{owner=\"elsewhere\"}"
                    for (count, word) in ["pause", "resume", "cancel"].enumerated() {
                        let before = try await Self.metric(api, elsewhere)
                        let answer = try await api.send(.post, "/v1/runs/\(run)/\(word)")
                        #expect(answer.status == 202, "\(word) \(count)")
                        let after = try await Self.metric(api, elsewhere)
                        #expect(after > before, "\(word) came by a call")
                    }
                }
                try await eventually("the run is cancelled") {
                    let newest = "SELECT status FROM run_any ORDER BY id DESC LIMIT 1"
                    return try await site.rows(newest) == [["cancelled"]]
                }
                try Data().write(to: URL(fileURLWithPath: site.folder + "/go"))
            }
        }

        @Test("why a run waits that only its lane's owner can tell is asked of that, on any node")
        func obstacle() async throws {
            try await Site.with(.shared) { site in
                let ports = try FreePorts.take(2)
                for (name, port) in zip(["n1", "n2"], ports) {
                    _ = try await site.startNode(
                        data: name,
                        ["--name", name, "--peer-listen", "127.0.0.1:\(port)", "--runs-max", "1"],
                        command: "node"
                    )
                }
                let plan = try site.plan("waits", Self.plan)
                // More lanes than places: those that find none say so, wherever they are.
                for number in 0..<20 {
                    let words = [
                        "--input", "dir=\(site.folder)", "--lane", "l\(number)", "--detach",
                    ]
                    try await site.run(["run", plan] + words, data: "n1")
                }
                try await APIClient.with(site, data: "n1") { api in
                    try await eventually("eighteen runs wait for a place, on both nodes") {
                        let waiting = "SELECT id FROM run_any WHERE status = 'queued'"
                        let ids = try await site.rows(waiting).compactMap { Int64($0[0]) }
                        var reasons: Set<String> = []
                        for id in ids {
                            let why = try await api.send(.get, "/v1/runs/\(RunID(id))/why").json
                            guard why["gate"]?.stringValue == "node_full" else { return false }
                            reasons.insert(why["reason"]?.stringValue ?? "")
                        }
                        return ids.count == 18
                            && reasons == Set(["n1", "n2"].map { Self.full($0) })
                    }
                }
                try Data().write(to: URL(fileURLWithPath: site.folder + "/go"))
            }
        }

        private static func full(_ node: String) -> String {
            "node \(node) works on as many runs as it may at once (1), of other lanes"
        }

        @Test("when a lane's owner is gone the database's notice brings the news to its next owner")
        func fallback() async throws {
            try await Site.with(.shared) { site in
                let nodes = try await Self.start(site)
                let run = try await Self.begin(site, on: "n2")
                try await nodes[1].killHard()
                try await APIClient.with(site, data: "n1") { api in
                    let answer = try await api.send(.post, "/v1/runs/\(run)/cancel")
                    #expect(answer.status == 202)
                }
                try await eventually("the run is cancelled", within: .seconds(40)) {
                    let newest = "SELECT status FROM run_any ORDER BY id DESC LIMIT 1"
                    return try await site.rows(newest) == [["cancelled"]]
                }
                try Data().write(to: URL(fileURLWithPath: site.folder + "/go"))
            }
        }
    }
}
