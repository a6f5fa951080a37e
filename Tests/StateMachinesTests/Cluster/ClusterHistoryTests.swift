// Decides that the rules of the cluster hold in thousands of random histories, and that breaking one shows.

import Foundation
import StateMachines
import Testing

@Suite
struct ClusterHistoryTests {
    private static let first =
        ProcessInfo.processInfo.environment["OPSROOM_SEED"].flatMap { UInt64($0) } ?? 1
    private static let batch: UInt64 = 250

    @Test(
        "every random history of 2 to 9 nodes keeps the rules of the cluster",
        arguments: UInt64(0)..<8
    )
    @concurrent func histories(batch: UInt64) async {
        var outcome = Outcome()
        let first = Self.first &+ batch * Self.batch
        for seed in first..<first + Self.batch {
            outcome.play(seed, ClusterSimulation.Scenario(nodes: 2...9))
        }
        #expect(outcome.broken.isEmpty, "\(outcome)")
        // A simulation in which little happens tests little.
        for what in ClusterSimulation.Fault.allCases.map({ "\($0)" }) + [
            "admitted", "dead", "forwarded", "handed over", "hard evictions", "left", "overloaded",
            "redirected", "refused writes", "stopped", "trust changes",
        ] {
            #expect(outcome.counts[what, default: 0] > 10, "\(what) is rare: \(outcome.counts)")
        }
    }

    @Test("a node cut off from all peers is evicted after the grace, never sooner")
    func isolation() {
        var outcome = Outcome()
        let scenario = ClusterSimulation.Scenario(
            troubleSeconds: 20...40,
            faults: [.isolation],
            shards: 8
        )
        for seed in Self.first..<Self.first + 40 { outcome.play(seed, scenario) }
        #expect(outcome.broken.isEmpty, "\(outcome)")
        #expect(outcome.counts["soft evictions", default: 0] > 5, "\(outcome.counts)")
        #expect(outcome.counts["hard evictions"] == nil, "\(outcome.counts)")
    }

    @Test("two nodes that cannot reach each other do not kill each other")
    func twoNodes() {
        var outcome = Outcome()
        let scenario = ClusterSimulation.Scenario(
            nodes: 2...2,
            troubleSeconds: 30...60,
            faults: [.isolation, .rejection, .loss, .slowness],
            shards: 8,
            lossPerMille: 0
        )
        for seed in Self.first..<Self.first + 100 { outcome.play(seed, scenario) }
        #expect(outcome.broken.isEmpty, "\(outcome)")
        #expect(outcome.counts["rejection", default: 0] > 100, "\(outcome.counts)")
        #expect(outcome.counts["dead"] == nil, "\(outcome.counts)")
    }

    @Test("a database outage of 30 s kills nobody")
    func outage() {
        var outcome = Outcome()
        for seed in Self.first..<Self.first + 50 {
            outcome.play(seed, Self.outageScenario)
        }
        #expect(outcome.broken.isEmpty, "\(outcome)")
        #expect(outcome.counts["outage"] == 50)
        #expect(outcome.counts["trust changes", default: 0] > 200, "\(outcome.counts)")
        #expect(outcome.counts["dead"] == nil, "\(outcome.counts)")
    }

    @Test("the same seed gives the same history, another seed another one")
    func replay() {
        for seed in Self.first..<Self.first + 5 {
            let once = Self.trace(of: seed)
            #expect(Self.trace(of: seed) == once, "seed \(seed)")
            #expect(Self.trace(of: seed + 1_000) != once, "seed \(seed)")
        }
    }

    @Test(
        "a cluster with one rule left out is caught",
        arguments: SimulatedDirectory.Mutation.allCases
    )
    @concurrent func mutations(mutation: SimulatedDirectory.Mutation) async {
        var scenario = Self.scenario(for: mutation)
        var healthy = Outcome()
        for seed in UInt64(1)...5 { healthy.play(seed, scenario) }
        #expect(healthy.broken.isEmpty, "\(healthy)")
        scenario.mutation = mutation
        let caught = (UInt64(1)...400).contains { seed in
            var simulation = ClusterSimulation(seed: seed, scenario: scenario)
            simulation.run()
            return simulation.invariants.violation != nil
        }
        #expect(caught, "nobody noticed that \(mutation) was broken")
    }

    @Test("a lease trusted for longer than it lives is caught")
    func renewal() {
        var scenario = ClusterSimulation.Scenario(shards: 8)
        scenario.timing.trust = .seconds(14)
        let caught = (UInt64(1)...200).contains { seed in
            var simulation = ClusterSimulation(seed: seed, scenario: scenario)
            simulation.run()
            return simulation.invariants.violation?.contains("acted") ?? false
        }
        #expect(caught)
    }

    // MARK: Histories

    private static let outageScenario = ClusterSimulation.Scenario(
        troubleSeconds: 45...45,
        faults: [],
        shards: 8,
        outageSeconds: 30
    )

    /// Where a mutation does its damage soonest.
    private static func scenario(
        for mutation: SimulatedDirectory.Mutation
    ) -> ClusterSimulation.Scenario {
        switch mutation {
        case .streak: self.outageScenario
        case .taken:
            ClusterSimulation.Scenario(
                nodes: 3...5,
                troubleSeconds: 50...70,
                faults: [.blind, .leave, .crash],
                hasClients: false
            )
        case .fence, .votes, .revival, .effectsAfter, .term: ClusterSimulation.Scenario(shards: 8)
        }
    }

    private static func trace(of seed: UInt64) -> UInt64 {
        var simulation = ClusterSimulation(seed: seed)
        simulation.run()
        return simulation.trace
    }

    /// What became of many histories.
    private struct Outcome: CustomStringConvertible {
        var broken: [String] = []
        var counts: [String: Int] = [:]

        var description: String {
            "\(self.broken.count) broken:\n" + self.broken.prefix(12).joined(separator: "\n")
        }

        mutating func play(_ seed: UInt64, _ scenario: ClusterSimulation.Scenario) {
            var simulation = ClusterSimulation(seed: seed, scenario: scenario)
            simulation.run()
            self.counts.merge(simulation.counts) { $0 + $1 }
            guard let violation = simulation.invariants.violation else { return }
            self.broken.append("again with OPSROOM_SEED=\(seed): \(violation)")
        }
    }
}
