// Decides what people are told who wait for a drain or a move: how far it is, and what holds it up.

import ControlRoom
import Foundation
import Glibc
import Logging
import PulserIR
import Store
import Testing

@testable import opsroom

extension SystemTests {
    @Suite("Waiting for shards", .timeLimit(.minutes(4)))
    struct PatienceTests {
        /// A file that a command tells its progress.
        private struct Paper {
            let path: String
            let descriptor: Int32

            init(_ site: Site) throws {
                self.path = "\(site.folder)/paper"
                self.descriptor = open(self.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
                try #require(self.descriptor >= 0)
            }

            var text: String {
                String(
                    decoding: FileManager.default.contents(atPath: self.path) ?? Data(),
                    as: UTF8.self
                )
            }
        }

        /// A node n1 with all shards and another one, as rows, and a run under way on the first.
        private static func stage(_ store: Store) async throws -> (nodes: [NodeEpoch], shard: Int32)
        {
            let first = try await store.join(name: "n1", address: "a", build: "test")
            _ = try await store.takeShards(1_024, for: first)
            let second = try await store.join(name: "n2", address: "b", build: "test")
            let lane = try await store.ensureLane(session: "default", lane: "deploys")
            let bytes = try Plan(name: "p").canonicalBytes()
            let plan = PlanRow(
                digest: Digest(of: bytes),
                name: "p",
                body: String(decoding: bytes, as: UTF8.self)
            )
            _ = try await store.enqueue(
                [NewRun(lane: lane, planDigest: plan.digest)],
                plans: [plan]
            )
            let shard = try #require(try await store.loadLanes([lane]).first).shard
            return ([first, second], shard)
        }

        /// Runs `body` with a door to a site's room where that run is under way.
        private static func with(
            _ body: @escaping @Sendable (Site, LocalAccess, [NodeEpoch], Int32) async throws -> Void
        ) async throws {
            try await Site.with { site in
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                let environment = ["DATABASE_URL": try site.conninfo()]
                let configuration = try RoomConfiguration(
                    [.data: "\(site.folder)/data"],
                    environment: environment
                )
                let room = Room(configuration, logger: Logger(label: "test"))
                try await room.open(purpose: "test", node: .none) { client in
                    let (nodes, shard) = try await Self.stage(client.store)
                    _ = try await site.rows("UPDATE node SET lease_until = now() + interval '1 h'")
                    _ = try await site.rows("UPDATE run SET status = 'running', owner = 1")
                    try await body(site, LocalAccess(client: client), nodes, shard)
                }
            }
        }

        @Test("what holds a drain up is named when it takes long, and the drain is waited for on")
        func drain() async throws {
            try await Self.with { site, room, nodes, shard in
                let paper = try Paper(site)
                defer { close(paper.descriptor) }
                _ = try await room.change("n1", .drain)
                let patience = Patience(
                    untilNames: .zero,
                    betweenLines: .zero,
                    terminal: Terminal(descriptor: paper.descriptor)
                )
                let drain = NodeDrain(name: "n1", room: room, patience: patience)
                async let end = drain.wait(within: .seconds(3_600))
                try await eventually("the run is named") {
                    paper.text.contains("in default/deploys: ")
                }
                #expect(paper.text.hasPrefix("n1 drains: 1024 shards to go\n! it waits for run "))
                let owned = try await room.client.store.shards(of: nodes[0]).map {
                    OwnedShard(shard: $0.shard.shard, generation: $0.shard.generation)
                }
                _ = try await room.client.store.release(nodes[0], owned)
                #expect(ClusterPicture.held(try await end) == 0)
                #expect(
                    paper.text.components(separatedBy: "! it waits for").count == 2,
                    "told once"
                )
            }
        }

        @Test("what holds a move up is named when it takes long: the runs, and shards without any")
        func move() async throws {
            try await Self.with { site, room, nodes, shard in
                let paper = try Paper(site)
                defer { close(paper.descriptor) }
                let other = shard == 0 ? 1 : shard - 1
                let moves = try await room.move([other, shard], to: "n2", isDry: false)
                let patience = Patience(
                    untilNames: .zero,
                    betweenLines: .zero,
                    terminal: Terminal(descriptor: paper.descriptor)
                )
                async let end = ShardTrip.wait(
                    for: moves,
                    in: room,
                    within: .seconds(3_600),
                    patience
                )
                try await eventually("what is in the way is named") {
                    paper.text.contains("! shard \(other) is handing_off at n1, for ")
                }
                #expect(paper.text.hasPrefix("0 of 2 shards arrived, 2 to go\n"), "\(paper.text)")
                #expect(paper.text.contains("! shard \(shard) waits for run "), "\(paper.text)")
                for number in [other, shard] {
                    let owned = OwnedShard(shard: number, generation: 1)
                    let store = room.client.store
                    #expect(try await store.handOver(nodes[0], owned, to: nodes[1]) == 2)
                    _ = try await store.start(nodes[1], [OwnedShard(shard: number, generation: 2)])
                }
                let outcomes = try await end["moves"]?.arrayValue?.map { $0["outcome"] }
                #expect(outcomes == ["there", "there"])
            }
        }

        @Test("a shard that its owner keeps is told with the run for whose sake")
        func kept() async throws {
            try await Self.with { site, room, nodes, shard in
                let moves = try await room.move([shard], to: "n2", isDry: false)
                let owned = OwnedShard(shard: shard, generation: 1)
                _ = try await room.client.store.decline(nodes[0], [owned])
                let end = try await ShardTrip.wait(for: moves, in: room, within: .seconds(3_600))
                let move = try #require(end["moves"]?.arrayValue?.first)
                #expect(move["outcome"] == "passed_over" && move["state"] == "running", "\(move)")
                let reason = move["reason"]?.stringValue ?? ""
                #expect(reason.hasPrefix("it did not go to n2: n1 has it, with run "), "\(reason)")
                #expect(reason.hasSuffix("in default/deploys: it is under way on node n1"))
            }
        }

        @Test("who drains the last active node is told at once that nobody takes its shards")
        func last() async throws {
            try await Self.with { site, room, nodes, _ in
                let paper = try Paper(site)
                defer { close(paper.descriptor) }
                for node in ["n2", "n1"] { _ = try await room.change(node, .drain) }
                var patience = Patience()
                patience.terminal = Terminal(descriptor: paper.descriptor)
                let drain = NodeDrain(name: "n1", room: room, patience: patience)
                async let end = drain.wait(within: .seconds(3_600))
                let told = "! no other node is active: nobody takes its shards\n"
                try await eventually("it is told") { paper.text == told }
                _ = try await room.change("n1", .undrain)
                do {
                    _ = try await end
                    Issue.record("it is not drained")
                } catch let error as RoomError {
                    #expect(error.message == "somebody took the drain of n1 back")
                }
            }
        }

        @Test("whether a node is drained is told by the exit code, and why not by a word")
        func check() async throws {
            try await Self.with { site, room, nodes, _ in
                func check(
                    _ node: String,
                    _ more: String...
                ) async throws -> (code: Int32, output: String, error: String) {
                    try await site.run(["nodes", "status", node, "--check"] + more, data: "other")
                }
                let not = try await check("n1")
                #expect(not.code == 2 && not.error == "n1 is not drained\n", "\(not)")
                _ = try await room.change("n2", .drain)
                let drained = try await check("n2")
                #expect(drained.code == 0 && drained.error.isEmpty, "\(drained)")
                let json = try await check("n1", "-o", "json")
                #expect(json.code == 2 && json.error.isEmpty, "\(json)")
                #expect(try JSONValue(parsing: json.output)["running"] == .integer(1_024))
            }
        }

        @Test("Ctrl-C ends the waiting for a drain and says that the drain goes on")
        func interrupted() async throws {
            try await Self.with { site, room, nodes, _ in
                // A room of its own: this one has the data directory.
                let program = try site.start(["nodes", "drain", "n1"], data: "other")
                try await eventually("the node drains") {
                    try await room.node("n1")["status"] == "draining"
                }
                program.send(SIGINT)
                #expect(try await program.end() == 130)
                let told = program.errorOutput
                #expect(told.contains("error: interrupted; the drain goes on"), "\(told)")
                #expect(
                    told.contains("Next:  opsroom nodes undrain n1 --data \(site.folder)/other"),
                    "\(told)"
                )
                #expect(try await room.node("n1")["status"] == "draining")
            }
        }

        @Test("a line every ten seconds where nobody sees a board, names once after thirty")
        func times() throws {
            let nowhere = open("/dev/null", O_WRONLY)
            defer { close(nowhere) }
            let began = ContinuousClock.now
            var machine = PatienceMachine(
                Patience(terminal: Terminal(descriptor: nowhere)),
                limit: .seconds(60),
                at: began
            )
            func step(_ line: Bool, _ names: Bool, _ isOver: Bool) -> PatienceMachine.Step {
                PatienceMachine.Step(tellsLine: line, namesCulprits: names, isOver: isOver)
            }
            for (second, expected) in [
                (0.0, step(false, false, false)), (9.9, step(false, false, false)),
                (10, step(true, false, false)), (19.9, step(false, false, false)),
                (25, step(true, false, false)), (29.9, step(false, false, false)),
                (30, step(false, true, false)), (35, step(true, false, false)),
                (44.9, step(false, false, false)), (59, step(true, false, false)),
                (60, step(false, false, true)),
            ] {
                #expect(machine.look(at: began + .seconds(second)) == expected, "\(second)")
            }
        }
    }
}
