// Decides who is a member of the cluster, and what the end of one means, against a real server.

import Postgres
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterMembershipTests {
    @Test("the view shows every node as it joined, and rises with every change of a status")
    func view() async throws {
        try await StoreBed.withPlayedTime { bed in
            #expect(try await bed.store.view() == ClusterView(version: 0, nodes: []))
            let node = try await bed.store.join(newNode("a:1", protocols: 1...3))
            let view = try await bed.store.view()
            let shown = try #require(view.nodes.first)
            #expect(shown.leaseLeft > .seconds(5) && shown.leaseLeft <= ClusterRules.lease)
            var expected = NodeView(
                epoch: node,
                name: "n",
                address: "a:1",
                endpoint: "127.0.0.1:1",
                zone: "z",
                build: "test",
                protocolMin: 1,
                protocolMax: 3,
                status: .joining,
                leaseLeft: shown.leaseLeft
            )
            #expect(view == ClusterView(version: 1, nodes: [expected]))
            try await twice { try await bed.store.activate(node) }
            #expect(try await bed.version() == 2)
            try await twice { try await bed.store.drain(node) }
            expected.status = .draining
            #expect(try await bed.store.view().nodes.map(\.status) == [.draining])
            try await bed.store.activate(node)
            #expect(try await bed.version() == 3, "activating does not end a drain")
            try await twice { try await bed.store.undrain(node) }
            #expect(try await bed.store.view().nodes.map(\.status) == [.active])
            try await twice { try await bed.store.leave(node) }
            #expect(try await bed.store.view() == ClusterView(version: 5, nodes: []))
            for change in [bed.store.activate, bed.store.drain, bed.store.undrain] {
                #expect(await code { try await change(node) } == .stale)
                #expect(await code { try await change(NodeEpoch(99)) } == .notFound)
            }
            #expect(try await bed.version() == 5)
        }
    }

    @Test("every rise of the view is told, once, with its version")
    func notices() async throws {
        try await StoreBed.withPlayedTime { bed in
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: logger
            )
            var heard = try await connection.listen(Channel.cluster.rawValue).makeAsyncIterator()
            let old = try await bed.active("a")
            _ = try await bed.store.renew(old)
            try await bed.store.activate(old)
            // Two changes of a status in one transaction: the predecessor's and its own.
            let node = try await bed.store.join(newNode("a"))
            try await bed.store.leave(node)
            var versions: [String] = []
            for _ in 0..<4 { versions.append(try #require(try await heard.next()).payload) }
            #expect(versions == ["1", "2", "3", "4"])
            await connection.close()
        }
    }

    @Test("who joins at an address ends the older incarnation there, and what it owned is free")
    func predecessor() async throws {
        try await StoreBed.withPlayedTime { bed in
            let other = try await bed.active("other")
            let old = try await bed.active("here")
            let owned = try await bed.store.takeShards(3, for: old)
            let new = try await bed.store.join(newNode("here"))
            #expect(try await bed.store.view().nodes.map(\.epoch) == [other, new])
            #expect(try await bed.store.renew(old) == nil)
            let freed = try #require(try await bed.shard(owned[0].shard))
            #expect(freed.owner == nil && freed.state == .free && freed.generation == 2)
            #expect(freed.effectsIn > .seconds(5), "its lease is not over for effects")
            // A joiner that knows that it is alone lets nobody wait.
            try await bed.store.activate(new)
            let again = try await bed.store.takeShards(1_024, for: new)
            let known = newNode("here", hasPredecessorEnded: true)
            _ = try await twice { try await bed.store.join(known) }
            let shard = try #require(again.first { !owned.map(\.shard).contains($0.shard) })
            #expect(try await bed.shard(shard.shard)?.effectsIn == .zero)
            #expect(try await bed.store.view().nodes.count == 2)
        }
    }

    @Test("of nodes that join one address at once one lives, and none is refused")
    func together() async throws {
        try await StoreBed.withPlayedTime { bed in
            let epochs = try await withThrowingTaskGroup(of: NodeEpoch.self) { group in
                for _ in 0..<8 { group.addTask { try await bed.store.join(newNode("a")) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let living = try await bed.store.view().nodes.map(\.epoch)
            #expect(living.count == 1 && Set(epochs).count == 8)
            // A predecessor's end and the joiner's beginning are one rise.
            #expect(try await bed.version() == 8)
        }
    }

    @Test("a node joins when it speaks what the cluster speaks, which rises to what all speak")
    func protocols() async throws {
        try await StoreBed.withPlayedTime { bed in
            let spoken = "SELECT active_proto FROM cluster"
            let first = try await bed.active("a", protocols: 1...2)
            #expect(try await bed.number(spoken) == 2)
            let second = try await bed.active("b", protocols: 2...3)
            #expect(try await bed.number(spoken) == 2)
            let version = try await bed.version()
            for range: ClosedRange<Int32> in [1...1, 3...4] {
                #expect(
                    await code { _ = try await bed.store.join(newNode("c", protocols: range)) }
                        == .conflict
                )
            }
            // Refused at an address in use: the node there lives.
            #expect(
                await code { _ = try await bed.store.join(newNode("a", protocols: 3...4)) }
                    == .conflict
            )
            #expect(try await bed.store.renew(first) != nil)
            #expect(try await bed.version() == version)
            try await bed.store.leave(first)
            #expect(try await bed.number(spoken) == 3)
            _ = try await bed.active("c", protocols: 3...4)
            #expect(
                await code { _ = try await bed.store.join(newNode("a", protocols: 1...2)) }
                    == .conflict
            )
            #expect(try await bed.number(spoken) == 3)
            // The last one's successor at its address begins anew, whatever it speaks.
            for node in try await bed.store.view().nodes where node.epoch != second {
                try await bed.store.leave(node.epoch)
            }
            _ = try await bed.store.join(newNode("b", protocols: 1...1))
            #expect(try await bed.number(spoken) == 1)
        }
    }

    @Test("a refusal names both sides' protocols and what to do")
    func refusal() async throws {
        try await StoreBed.withPlayedTime { bed in
            _ = try await bed.active("a", protocols: 4...5)
            let error = await #expect(throws: StoreError.self) {
                try await bed.store.join(newNode("b", protocols: 1...3))
            }
            #expect(
                error?.message
                    == "this build speaks the cluster's protocol 1 to 3, the cluster speaks 5: "
                    + "start a build that speaks it too, or end the other nodes first"
            )
        }
    }

    @Test(
        "a renewal tells the node's status, the view and the coordinator; the dead are told nothing"
    )
    func renew() async throws {
        try await StoreBed.withPlayedTime { bed in
            let node = try await bed.store.join(newNode("a"))
            #expect(
                try await bed.store.renew(node) == Renewal(viewVersion: 1, status: .joining)
            )
            try await bed.store.activate(node)
            let term = try await bed.store.elect(node)
            #expect(
                try await bed.store.renew(node)
                    == Renewal(viewVersion: 3, status: .active, coordinator: term)
            )
            // Over, but nobody reaped it: a database that was away costs nobody its shards.
            let taken = try await bed.store.takeShards(1_024, for: node)
            try await bed.pass(60, for: node)
            #expect(try await bed.store.renew(node) != nil)
            #expect(try await bed.store.start(node, taken).count == 1_024)
            try await bed.store.evict(node)
            #expect(try await bed.store.renew(node) == nil)
            #expect(try await bed.store.renew(NodeEpoch(99)) == nil)
        }
    }

    @Test("only who renewed for a whole lease reaps, so nobody is buried after an outage")
    func reap() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(4)
            // The database was away for a minute; one node is back first.
            for node in nodes { try await bed.pass(60, for: node) }
            #expect(try await bed.store.reap(by: nodes[0]) == [], "its own lease is over")
            #expect(try await bed.store.renew(nodes[0]) != nil)
            #expect(try await bed.store.reap(by: nodes[0]) == [], "its streak has just begun")
            #expect(try await bed.store.renew(nodes[1]) != nil)
            try await bed.settle(nodes[0])
            #expect(try await bed.store.reap(by: nodes[0]) == [nodes[2], nodes[3]])
            #expect(try await bed.store.reap(by: nodes[0]) == [])
            #expect(try await bed.store.view().nodes.map(\.epoch) == [nodes[0], nodes[1]])
            #expect(try await bed.store.reap(by: nodes[2]) == [], "the dead bury nobody")
        }
    }

    @Test("a death frees the node's shards, ends its term, its votes and those against it")
    func death() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            let term = try #require(try await bed.store.elect(nodes[0]))
            let mine = try await bed.store.takeShards(2, for: nodes[0])
            let other = try await bed.store.takeShards(2, for: nodes[1])
            // One on its way from the node, one on its way to it.
            _ = try await bed.store.mark(
                term,
                [mine[0].shard: nodes[1], other[0].shard: nodes[0]]
            )
            try await bed.store.suspect(nodes[0], by: nodes[1], isHard: true)
            try await bed.store.suspect(nodes[1], by: nodes[0], isHard: true)
            try await bed.store.suspect(nodes[2], by: nodes[1], isHard: true)
            let version = try await bed.version()
            try await twice { try await bed.store.evict(nodes[0]) }
            let view = try await bed.store.view()
            #expect(view.version == version + 1 && view.coordinator == nil)
            for shard in mine {
                let freed = try #require(try await bed.shard(shard.shard))
                #expect(freed.owner == nil && freed.state == .free && freed.target == nil)
                #expect(freed.generation == shard.generation + 1)
                #expect(freed.effectsIn > .seconds(5))
            }
            for shard in other {
                let kept = try #require(try await bed.shard(shard.shard))
                #expect(kept.owner == nodes[1] && kept.state == .running && kept.target == nil)
                #expect(kept.generation == shard.generation)
            }
            #expect(try await bed.number("SELECT count(*) FROM suspicion") == 1)
            #expect(await code { try await bed.store.evict(NodeEpoch(99)) } == .notFound)
        }
    }

    @Test("effects wait for the longest lease of all owners before, also when the last one left")
    func effects() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            let term = try #require(try await bed.store.elect(nodes[2]))
            let shard = try #require(try await bed.store.takeShards(1, for: nodes[0]).first).shard
            try await bed.store.evict(nodes[0])
            let before = try #require(try await bed.shard(shard)).effectsIn
            #expect(before > .seconds(5))
            #expect(try await bed.store.takeShards(1_024, for: nodes[1]).count == 1_023)
            let moved = try await bed.store.assign(term, [shard: nodes[1]])
            #expect(try #require(moved.first).effectsIn > .seconds(5))
            try await bed.store.leave(nodes[1])
            let after = try #require(try await bed.shard(shard)).effectsIn
            #expect(after > .seconds(4) && after <= before)
            // The others were the leaver's alone, and it had stopped.
            #expect(try await bed.shard(shard == 0 ? 1 : 0)?.effectsIn == .zero)
        }
    }

    @Test("the dead are remembered for a day, and forgotten by who joins after it")
    func forgotten() async throws {
        try await StoreBed.withPlayedTime { bed in
            func pass(_ hours: Int) async throws {
                try await bed.text("UPDATE played.base SET at = at + interval '\(hours) h'")
            }
            func remembered() async throws -> [Int64] {
                try await bed.store.nodePage(after: nil, includingDead: true, limit: 100)
                    .rows.map(\.node.epoch.number)
            }
            let nodes = try await bed.nodes(3)
            try await bed.store.suspect(nodes[1], by: nodes[0], isHard: true)
            try await bed.store.evict(nodes[0])
            try await pass(23)
            // Dead for less than a day.
            try await bed.store.leave(nodes[1])
            // As an upgrade may leave it: something names one of the dead still.
            _ = try await bed.store.renew(nodes[2])
            let held = try #require(try await bed.store.takeShards(1, for: nodes[2]).first).shard
            try await bed.text(
                """
                UPDATE shard SET state = 'handing_off', target = \(nodes[0].number)
                WHERE shard_id = \(held)
                """
            )
            try await pass(2)
            let joined = try await bed.store.join(newNode("kept"))
            #expect(try await remembered() == (nodes + [joined]).map(\.number))
            #expect(try await bed.shard(held)?.state == .running)
            let last = try await bed.store.join(newNode("last"))
            #expect(try await remembered() == [nodes[1], nodes[2], joined, last].map(\.number))
            #expect(try await bed.store.renew(nodes[0]) == nil, "who was forgotten is dead")
            // The living stay, however old their leases are.
            try await pass(200)
            let newest = try await bed.store.join(newNode("newest"))
            #expect(try await remembered() == [nodes[2], joined, last, newest].map(\.number))
        }
    }

    @Test("what must not go back is refused by the tables, whatever a statement says")
    func guards() async throws {
        try await StoreBed.withPlayedTime { bed in
            let node = try await bed.active("a")
            let shard = try #require(try await bed.store.takeShards(1, for: node).first).shard
            try await bed.store.evict(try await bed.active("b"))
            for statement in [
                "UPDATE node SET status = 'active' WHERE status = 'dead'",
                "UPDATE cluster SET view_version = view_version - 1",
                "UPDATE cluster SET coord_epoch = coord_epoch - 1",
                "UPDATE shard SET generation = generation - 1 WHERE shard_id = \(shard)",
                "UPDATE shard SET owner = NULL, state = 'free' WHERE shard_id = \(shard)",
                "UPDATE shard SET owner = NULL, generation = 9 WHERE shard_id = \(shard)",
                "UPDATE shard SET state = 'handing_off' WHERE shard_id = \(shard)",
            ] {
                await #expect(throws: PostgresError.self, "\(statement)") {
                    try await bed.text(statement)
                }
            }
        }
    }
}
