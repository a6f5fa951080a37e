// Decides what people are told who move shards, with owners that the test plays.

import Foundation
import Glibc
import PulserIR
import Store
import Testing

@testable import opsroom

extension SystemTests {
    @Suite("Moving shards", .timeLimit(.minutes(4)))
    struct ShardCommands {
        /// Nodes n1, which has all shards, and n2, as rows only; their leases go on.
        private static func nodes(_ site: Site) async throws -> [NodeEpoch] {
            #expect(try await site.run(["migrate", "apply"]).code == 0)
            let nodes = try await site.withStore { store in
                let first = try await store.join(name: "n1", address: "a", build: "test")
                _ = try await store.takeShards(1_024, for: first)
                return [first, try await store.join(name: "n2", address: "b", build: "test")]
            }
            _ = try await site.rows("UPDATE node SET lease_until = now() + interval '1 h'")
            return nodes
        }

        /// Does what the owner of a marked shard does, and then its new owner.
        private static func handOver(
            _ site: Site,
            _ shards: [Int32],
            _ nodes: [NodeEpoch],
            generation: Int64 = 1
        ) async throws {
            try await site.withStore { store in
                try await eventually("the shards are marked") {
                    try await store.shards(in: .handingOff).map(\.shard.shard) == shards
                }
                for shard in shards {
                    let owned = OwnedShard(shard: shard, generation: generation)
                    let next = try await store.handOver(nodes[0], owned, to: nodes[1])
                    let given = OwnedShard(shard: shard, generation: try #require(next))
                    _ = try await store.start(nodes[1], [given])
                }
            }
        }

        @Test("shards are listed as ranges of each node and state, or one by one, or as JSON whole")
        func list() async throws {
            try await Site.with { site in
                let nodes = try await Self.nodes(site)
                try await site.withStore { store in
                    _ = try await store.release(nodes[0], [OwnedShard(shard: 3, generation: 1)])
                    let targets = Dictionary((5...6).map { (Int32($0), nodes[1]) }) { $1 }
                    _ = try await store.move(targets)
                }
                func list(_ words: String...) async throws -> [[String]] {
                    let answer = try await site.run(["shards", "list"] + words)
                    #expect(answer.code == 0, "\(answer)")
                    return answer.output.split(separator: "\n").map { line in
                        line.split(separator: /[ ]{2,}/).map(String.init)
                    }
                }
                /// Without times.
                func summary(_ words: String...) async throws -> [[String]] {
                    let answer = try await site.run(["shards", "list"] + words)
                    return answer.output.split(separator: "\n").map { line in
                        let cells = line.split(separator: /[ ]{2,}/).map(String.init)
                        return cells.enumerated().filter { $0.offset != 4 }.map(\.element)
                    }
                }
                let header = ["NODE", "STATE", "SHARDS", "TARGET", "NUMBERS"]
                let moving = ["n1", "handing_off", "2", "n2", "5-6"]
                let free = ["–", "free", "1", "–", "3"]
                #expect(
                    try await summary() == [
                        header, moving, ["n1", "running", "1021", "–", "0-2, 4, 7-1023"], free,
                    ]
                )
                #expect(try await summary("--state", "free") == [header, free])
                #expect(
                    try await summary("--node", "n1", "--state", "handing_off") == [header, moving]
                )
                let all = try await list("--all")
                #expect(
                    all.count == 1_025 && all[6].prefix(5) == ["5", "handing_off", "n1", "n2", "1"]
                )
                #expect(try await list("--state", "handing_off", "--all").count == 3)
                let json = try await site.run(["shards", "list", "-o", "json"]).output
                #expect(try JSONValue(parsing: json)["shards"]?.arrayValue?.count == 1_024)
                let none = try await site.run(["shards", "list", "--node", "n2"])
                #expect(
                    none.code == 0 && none.output.isEmpty && none.error.contains("no such shards")
                )
            }
        }

        @Test("numbers of shards are read and told as ranges, and only numbers of shards")
        func ranges() {
            let some = ShardRanges(argument: "12-14,3,13")
            #expect(some?.shards == [3, 12, 13, 14] && some?.text() == "3, 12-14")
            for text in ["", "1-", "-1", "5-3", "1024", "0-1024", "1,,2", "a", "1-2-3"] {
                #expect(ShardRanges(argument: text) == nil, "\(text)")
            }
            #expect(ShardRanges([1, 3, 5, 6, 8]).text(2) == "1, 3 and 3 more")
        }

        @Test("a move is foreseen, waited for until its target serves it, and told shard by shard")
        func move() async throws {
            try await Site.with { site in
                let nodes = try await Self.nodes(site)
                let words = ["shards", "move", "7", "12-13", "--to", "n2"]
                let dry = try await site.run(words + ["--dry-run"])
                #expect(dry.code == 0, "\(dry)")
                #expect(dry.output == "▶ shards 7, 12-13: each would go from n1 to n2\n", "\(dry)")
                let program = try site.start(words)
                try await Self.handOver(site, [7, 12, 13], nodes)
                #expect(try await program.end() == 0, "\(program.errorOutput)")
                #expect(program.output == "✓ shards 7, 12-13: n2 has them now\n")
                let again = try await site.run(words + ["-o", "json"])
                let moves = try JSONValue(parsing: again.output)["moves"]?.arrayValue ?? []
                #expect(
                    again.code == 0 && moves.map { $0["outcome"] } == ["there", "there", "there"]
                )
                // Where nothing can be marked, it is said why.
                _ = try await site.rows(
                    """
                    UPDATE shard SET owner = NULL, generation = generation + 1, state = 'free'
                    WHERE shard_id = 20
                    """
                )
                let free = try await site.run(["shards", "move", "20", "--to", "n2"])
                #expect(free.code == 2, "\(free)")
                #expect(free.output == "! shard 20: nobody owns it: it is given to a node first\n")
                let nobody = try await site.run(["shards", "move", "1", "--to", "n9"])
                #expect(nobody.code == 5 && nobody.error.contains("Next:  opsroom nodes list"))
                let wrong = try await site.run(["shards", "move", "7", "1024", "--to", "n2"])
                #expect(
                    wrong.code == 64 && wrong.error.contains("'1024' names no shards: they are")
                )
                try await site.withStore { try await $0.drain(nodes[1]) }
                let refused = try await site.run(["shards", "move", "1", "--to", "n2"])
                #expect(refused.code == 6 && refused.error.contains("n2 is draining"), "\(refused)")
            }
        }

        @Test("Ctrl-C ends the waiting and says that the move goes on")
        func interrupted() async throws {
            try await Site.with { site in
                _ = try await Self.nodes(site)
                let program = try site.start(["shards", "move", "7", "--to", "n2"])
                try await eventually("the shard is marked") {
                    try await site.rows("SELECT 1 FROM shard WHERE state = 'handing_off'").count
                        == 1
                }
                // Taken before it is waited for, the signal counts as well.
                program.send(SIGINT)
                #expect(try await program.end() == 130)
                let told = program.errorOutput
                #expect(told.contains("error: interrupted; the move goes on"), "\(told)")
                #expect(told.contains("Next:  opsroom shards list --state handing_off"), "\(told)")
                #expect(
                    try await site.rows("SELECT target FROM shard WHERE shard_id = 7") == [["2"]]
                )
                let late = try await site.run(
                    ["shards", "move", "7", "--to", "n2", "--timeout", "1ms"]
                )
                #expect(late.code == 3, "\(late)")
                #expect(late.error.contains("1 shard to go: 7; the move goes on"), "\(late)")
                let gone = try await site.run(["shards", "move", "7", "--to", "n2", "--no-wait"])
                #expect(gone.output.contains("on its way from n1 to n2 already"), "\(gone)")
                #expect(gone.error.contains("Next:  opsroom shards list --state handing_off"))
                let both = try await site.run(
                    ["shards", "move", "7", "--to", "n2", "--no-wait", "--watch"]
                )
                #expect(both.code == 64, "\(both)")
                // Moved to who has it, it stays.
                let back = try await site.run(["shards", "move", "7", "9", "--to", "n1"])
                #expect(back.code == 0, "\(back)")
                #expect(
                    back.output == "✓ shard 7: it stays at n1\n✓ shard 9: n1 has it already\n"
                )
                #expect(
                    try await site.rows("SELECT state FROM shard WHERE shard_id = 7")
                        == [["running"]]
                )
            }
        }

        @Test("a shard that goes elsewhere while it is waited for is told with the reason")
        func diverted() async throws {
            try await Site.with { site in
                let nodes = try await Self.nodes(site)
                let program = try site.start(["shards", "move", "7-8", "--to", "n2"])
                try await eventually("the shards are marked") {
                    try await site.rows("SELECT 1 FROM shard WHERE state = 'handing_off'").count
                        == 2
                }
                try await site.withStore { store in
                    _ = try await store.release(nodes[0], [OwnedShard(shard: 8, generation: 1)])
                }
                try await Self.handOver(site, [7], nodes)
                #expect(try await program.end() == 2, "\(program.errorOutput)")
                #expect(program.output.contains("✓ shard 7: n2 has it now"))
                #expect(
                    program.output.contains(
                        "! shard 8: it did not go to n2: nobody owns it any more"
                    )
                )
            }
        }

        @Test("a round is foreseen, moved and waited for; when nothing moves it is said why")
        func rebalance() async throws {
            try await Site.with { site in
                let nodes = try await Self.nodes(site)
                let dry = try await site.run(["shards", "rebalance", "--dry-run", "-o", "json"])
                let json = try JSONValue(parsing: dry.output)
                #expect(dry.code == 0 && json["more"] == true && json["runs"] == .array([]))
                let shards = (json["moves"]?.arrayValue ?? []).compactMap {
                    $0["shard"]?.integerValue.map { Int32($0) }
                }
                #expect(shards.count == 20)
                let program = try site.start(["shards", "rebalance"])
                try await eventually("the round is marked") {
                    try await site.rows("SELECT 1 FROM shard WHERE state = 'handing_off'").count
                        == 20
                }
                let second = try await site.run(["shards", "rebalance"])
                #expect(second.code == 0, "\(second)")
                #expect(
                    second.output
                        == "nothing moves: 20 shards are on their way: one round at a time\n"
                )
                try await Self.handOver(site, shards, nodes)
                #expect(try await program.end() == 0, "\(program.errorOutput)")
                #expect(
                    program.output.hasPrefix("✓ shards ")
                        && program.output.contains("n2 has them now")
                )
                #expect(program.errorOutput.contains("Next:  opsroom shards rebalance"))
                let held = "SELECT 1 FROM shard WHERE owner = \(nodes[1].number)"
                #expect(try await site.rows(held).count == 20)
            }
        }
    }
}
