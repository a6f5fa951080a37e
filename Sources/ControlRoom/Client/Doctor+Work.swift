// What a doctor finds in the database: nodes, runs, and runs that nobody works on.

import Foundation
import PulserIR
import Store

extension Doctor {
    /// Looks at the nodes and runs of the room.
    func state() async throws -> [Finding] {
        try await self.room.open(purpose: "opsroom doctor", node: .none) { client in
            let nodes = try await self.liveNodes(client.store)
            let counts = try await client.store.runCounts()
            let waiting = counts["waiting"] ?? 0
            return [
                Finding(level: .ok, subject: "database", message: "answers"),
                Finding(
                    level: .ok,
                    subject: "nodes",
                    message: nodes.isEmpty
                        ? "none works now"
                        : nodes.map { "\($0.name) with \($0.shards) shards" }
                            .joined(separator: ", ")
                ),
                Self.abandoned(nodes, counts),
                Finding(
                    level: waiting > 0 ? .warn : .ok,
                    subject: "runs",
                    message: "\(counts["queued"] ?? 0) queued, \(Self.live(counts)) under way, "
                        + "\(waiting) waiting",
                    fix: waiting > 0 ? "opsroom runs list --status waiting" : nil
                ),
            ]
        }
    }

    /// Nodes that work: their lease holds and, with a server of the room's own, the one process
    /// that can be its node lives. A killed node's lease outlives it for some seconds.
    private func liveNodes(_ store: Store) async throws -> [NodeRow] {
        let nodes = try await store.nodes().filter { $0.leaseMilliseconds > 0 }
        if self.room.configuration.databaseURL != nil { return nodes }
        let data = URL(fileURLWithPath: self.room.configuration.data).resolvingSymlinksInPath().path
        guard let file = NodeFile.read(in: data), file.isNode, kill(file.pid, 0) == 0 else {
            return []
        }
        return nodes
    }

    private static func live(_ counts: [String: Int64]) -> Int64 {
        (counts["claimed"] ?? 0) + (counts["running"] ?? 0)
    }

    /// Every run lies in a shard; it is worked on when a live node owns that shard.
    private static func abandoned(_ nodes: [NodeRow], _ counts: [String: Int64]) -> Finding {
        let queued = counts["queued"] ?? 0
        let live = Self.live(counts)
        let owned = nodes.map(\.shards).reduce(0, +)
        guard queued + live > 0, owned < Self.shardsAll else {
            return Finding(level: .ok, subject: "work", message: "no run lacks a node")
        }
        if nodes.isEmpty {
            return Finding(
                level: .warn,
                subject: "work",
                message: "no node works on \(live) run(s) under way and \(queued) queued",
                fix: "opsroom up"
            )
        }
        return Finding(
            level: .warn,
            subject: "work",
            message:
                "\(Self.shardsAll - owned) of \(Self.shardsAll) shards belong to no live node; "
                + "runs in them go on when a node takes them, within 20 s of a node's death",
            fix: "opsroom doctor"
        )
    }

    /// How many parts the lanes are divided into.
    private static let shardsAll: Int64 = 1_024
}
