// Decides how many shards move, and for how long, when nodes come and go.

import PulserIR
import StateMachines
import Testing

@testable import opsload

@Suite
struct RebalancingTests {
    @Test("100 nodes, 100,000 lanes: one that joins gets its share in few moves and a short time")
    func join() {
        var fleet = Fleet(nodes: 100)
        fleet.join()
        let time = fleet.settle()
        #expect(fleet.moves >= 5 && fleet.moves <= 12, "\(fleet.moves) moves")
        #expect(time < .seconds(3), "\(time)")
        #expect(fleet.loads.last ?? 0 > 700)
    }

    @Test(
        "100 nodes, 100,000 lanes: of one that is lost every shard is placed at once, no other moves"
    )
    func loss() {
        var fleet = Fleet(nodes: 100)
        let orphans = fleet.lose(57)
        let generations = fleet.shards.map(\.generation)
        let time = fleet.settle()
        #expect(orphans > 5)
        #expect(time <= .seconds(1), "\(time)")
        let changed = zip(generations, fleet.shards).count { $0 != $1.generation }
        #expect(changed == orphans + fleet.moves)
        #expect(fleet.moves <= 2, "\(fleet.moves) moves")
    }

    @Test("a small cluster becomes even in rounds of at most 20 moves")
    func smallCluster() {
        var fleet = Fleet(nodes: 3)
        fleet.join()
        let time = fleet.settle()
        #expect(fleet.moves <= 20 * fleet.rounds)
        #expect(fleet.moves > 200 && fleet.moves < 270, "\(fleet.moves)")
        #expect(time < .seconds(25), "\(time)")
    }

    @Test("a cluster at rest stays at rest, whatever its loads were drawn from")
    func rest() {
        for seed in UInt64(1)...10 {
            var fleet = Fleet(nodes: Int(seed) + 1, shards: 128, lanes: 2_000, seed: seed)
            fleet.settle()
            #expect(fleet.moves == 0, "seed \(seed)")
            let loads = fleet.loads
            let mean = loads.reduce(0, +) / loads.count
            #expect(
                (loads.max() ?? 0) - (loads.min() ?? 0) < mean / 5 + 50,
                "seed \(seed): \(loads)"
            )
        }
    }

    @Test("while builds differ, shards move only towards the newest")
    func builds() {
        var fleet = Fleet(nodes: 4, shards: 64, lanes: 640)
        fleet.join(build: "2")
        fleet.join(build: "2")
        let old = fleet.shards
        fleet.settle()
        let newest = Set(fleet.nodes.filter { $0.build == "2" }.map(\.epoch))
        #expect(fleet.moves > 10)
        for (before, after) in zip(old, fleet.shards) where before.owner != after.owner {
            #expect(after.owner.map(newest.contains) ?? false)
        }
    }

    @Test("few more shards move than must, whoever comes and goes")
    func fewest() {
        for change in [FleetChange.join(1), .join(10), .lose(10), .drain(1), .drain(10)] {
            for seed in UInt64(1)...3 {
                var fleet = Fleet(nodes: 100, seed: seed)
                let outcome = change.play(on: &fleet)
                let place = "\(change.name), seed \(seed): \(outcome)"
                #expect(outcome.fewest > 0 && outcome.changes >= outcome.fewest, "\(place)")
                #expect(outcome.changes <= outcome.fewest * 5 / 4 + 2, "\(place)")
                #expect(outcome.crowding < 1.2, "\(place)")
                #expect(fleet.shards.allSatisfy { $0.state == .running }, "\(place)")
            }
        }
    }

    @Test("a node that drains has four shards under way at most, and keeps none")
    func drain() {
        var fleet = Fleet(nodes: 4)
        let leaving = fleet.nodes[2].epoch
        let count = fleet.shards.count { $0.owner == leaving }
        let outcome = FleetChange.drain(2).play(on: &fleet)
        #expect(!fleet.shards.contains { $0.owner == leaving })
        #expect(outcome.time >= fleet.handoff * (count / 4))
        #expect(outcome.moves == outcome.fewest && outcome.rounds == 0)
    }

    @Test("the command tells time, moves and the fewest possible of each change")
    func command() throws {
        let report = RebalanceCommand.report(
            nodes: 20,
            lanes: 2_000,
            seed: 1,
            handoff: .milliseconds(250)
        )
        for name in ["join_1", "lose_1", "drain_1", "join_2", "lose_2", "drain_2"] {
            let changed = try #require(report.figure("\(name).changed_owner")).value
            let fewest = try #require(report.figure("\(name).fewest_possible")).value
            #expect(try #require(report.figure("\(name).time")).value > 0)
            #expect(changed >= fewest && fewest > 0)
        }
    }
}
