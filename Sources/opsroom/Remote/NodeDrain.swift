// How a drain is waited for: what is said meanwhile, what is in its way, when it is given up.

import ControlRoom
import PulserIR

/// A drain as somebody waits for it.
struct NodeDrain: Sendable {
    let name: String
    let room: any RoomAccess
    /// How somebody is told of it.
    var patience = Patience()

    /// Whether a node drains and holds nothing any more.
    static func isDrained(_ node: JSONValue) -> Bool {
        ClusterPicture.text(node, "status") == "draining" && ClusterPicture.held(node) == 0
    }

    /// Says what a drain would move, and what would be in its way.
    func explain(_ output: OutputOptions) async throws {
        let node = try await self.room.node(self.name)
        let others = try await self.takers(besides: node)
        let runs = try await self.runs(of: node)
        let blockers = others.isEmpty ? ["no other node is active: nobody would take its work"] : []
        guard output.output == .table else {
            return output.printJSON(
                .object([
                    "node": node, "runs": .array(runs),
                    "takers": .array(others.compactMap { $0["name"] }),
                    "blockers": .array(blockers.map { .string($0) }),
                ])
            )
        }
        let takers = others.map { ClusterPicture.text($0, "name") }.joined(separator: ", ")
        Terminal.output.line(
            "\(self.name) would give away \(Self.shards(node))"
                + (takers.isEmpty ? "" : " to \(takers)")
        )
        for run in runs { Terminal.output.line("  it would wait for \(OpenRuns.line(run))") }
        for blocker in blockers {
            Terminal.output.line(Terminal.output.styled("! \(blocker)", .yellow))
        }
    }

    /// Waits until the node holds nothing any more; tells how far it is, and what it waits for.
    func wait(within limit: Duration) async throws -> JSONValue {
        var machine = PatienceMachine(self.patience, limit: limit, at: .now)
        let board = LiveBoard(self.patience.terminal)
        var isFirst = true
        while true {
            let node = try await self.room.node(self.name)
            let held = ClusterPicture.held(node)
            guard ClusterPicture.text(node, "status") == "draining" else {
                await board.erase()
                throw RoomError(
                    .conflict,
                    "somebody took the drain of \(self.name) back",
                    next: "opsroom nodes list"
                )
            }
            if held == 0 {
                await board.erase()
                return node
            }
            let step = machine.look(at: .now)
            let line = "\(self.name) drains: \(Self.shards(node)) to go"
            await board.show([line])
            if step.tellsLine { await board.say(line) }
            // Without anybody to take them nothing goes, however long one waits.
            if isFirst || step.namesCulprits, try await self.takers(besides: node).isEmpty {
                await board.say("! no other node is active: nobody takes its shards")
            }
            isFirst = false
            if step.namesCulprits {
                for run in try await self.runs(of: node) {
                    await board.say("! it waits for \(OpenRuns.line(run))")
                }
            }
            guard !step.isOver else {
                await board.erase()
                throw RoomError(
                    .timedOut,
                    "\(self.name) still holds \(Self.shards(node)); the drain goes on",
                    next: "opsroom shards list --node \(ShellWord.quoted(self.name))"
                )
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// `1 shard`.
    static func shards(_ node: JSONValue) -> String {
        ShardTrip.count(Int(ClusterPicture.held(node)))
    }

    /// The other nodes that take shards, by name.
    private func takers(besides node: JSONValue) async throws -> [JSONValue] {
        let number = ClusterPicture.number(node, "number")
        let nodes = try await self.room.cluster()["nodes"]?.arrayValue ?? []
        return nodes.filter {
            ClusterPicture.text($0, "status") == "active"
                && ClusterPicture.number($0, "number") != number
                && ClusterPicture.number($0, "lease_ms") > 0
        }
        .sorted { ClusterPicture.text($0, "name") < ClusterPicture.text($1, "name") }
    }

    /// The first runs that hold its shards.
    private func runs(of node: JSONValue) async throws -> [JSONValue] {
        try await OpenRuns.find(self.room) { $0["owner"]?["name"] == node["name"] }
    }
}
