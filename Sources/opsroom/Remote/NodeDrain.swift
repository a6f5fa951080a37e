// How a drain is waited for: what is said meanwhile, what is in its way, when it is given up.

import ControlRoom
import PulserIR

/// A drain as somebody waits for it.
struct NodeDrain: Sendable {
    let name: String
    let room: any RoomAccess
    /// How somebody is told of it.
    var patience = Patience()

    /// Whether the node drains and holds nothing any more.
    func isDrained() async throws -> Bool {
        let node = try await self.room.node(self.name)
        return ClusterPicture.text(node, "status") == "draining" && ClusterPicture.held(node) == 0
    }

    /// Says what a drain would move, and what would be in its way.
    func explain(_ output: OutputOptions) async throws {
        let node = try await self.room.node(self.name)
        let cluster = try await self.room.cluster()
        let number = ClusterPicture.number(node, "number")
        let others = (cluster["nodes"]?.arrayValue ?? []).filter {
            ClusterPicture.text($0, "status") == "active"
                && ClusterPicture.number($0, "number") != number
                && ClusterPicture.number($0, "lease_ms") > 0
        }
        .sorted { ClusterPicture.text($0, "name") < ClusterPicture.text($1, "name") }
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
            "\(self.name) would give away \(ClusterPicture.held(node)) shards"
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
            let line = "\(self.name) drains: \(held) shards to go"
            await board.show([line])
            if step.tellsLine { await board.say(line) }
            if step.namesCulprits {
                for run in try await self.runs(of: node) {
                    await board.say("! it waits for \(OpenRuns.line(run))")
                }
            }
            guard !step.isOver else {
                await board.erase()
                throw RoomError(
                    .timedOut,
                    "\(self.name) still holds \(held) shards; the drain goes on",
                    next: "opsroom shards list --node \(ShellWord.quoted(self.name))"
                )
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// The first runs that hold its shards.
    private func runs(of node: JSONValue) async throws -> [JSONValue] {
        try await OpenRuns.find(self.room) { $0["owner"]?["name"] == node["name"] }
    }
}
