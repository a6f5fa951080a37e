// `opsload rebalance`: how long a big cluster takes to become even, and in how many moves, in virtual time.

import ArgumentParser

struct RebalanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebalance",
        abstract: "Play nodes that come and go on a big cluster with the real coordinator.",
        discussion: """
            Time is virtual: it passes in steps of 50 ms, and a shard takes --handoff from its mark
            until its new owner serves it. Whoever is lost has been found dead already. Nothing else
            is simulated: nodes are well, the database answers at once.

            Examples:
              opsload rebalance
              opsload rebalance --nodes 3 --seed 7
            """
    )

    @Option(help: "Nodes at first.") var nodes = 100
    @Option(help: "Lanes, spread over 1,024 shards by hash.") var lanes = 100_000
    @Option(help: "The lanes' hashes.") var seed: UInt64 = 1
    @Option(help: "Milliseconds that one shard's move takes.") var handoff = 250
    @Option(help: "Write the result as JSON to this file.") var out: String?

    func validate() throws {
        guard (2...1_000).contains(self.nodes), (0...10_000_000).contains(self.lanes),
            (50...60_000).contains(self.handoff)
        else {
            throw ValidationError(
                "2 to 1,000 nodes, up to 10,000,000 lanes, moves of 50 ms to a minute"
            )
        }
    }

    func run() throws {
        let report = Self.report(
            nodes: self.nodes,
            lanes: self.lanes,
            seed: self.seed,
            handoff: .milliseconds(self.handoff)
        )
        report.show()
        if let out { try report.write(to: out) }
    }

    /// Plays every change on a cluster of its own.
    static func report(nodes: Int, lanes: Int, seed: UInt64, handoff: Duration) -> Report {
        var report = Report(kind: "rebalance", scenario: "\(nodes)-nodes-\(lanes)-lanes")
        let many = max(1, nodes / 10)
        var changes: [FleetChange] = [.join(1), .lose(1), .drain(1)]
        if many > 1 { changes += [.join(many), .lose(many), .drain(many)] }
        for change in changes {
            var fleet = Fleet(nodes: nodes, lanes: lanes, seed: seed, handoff: handoff)
            let outcome = change.play(on: &fleet)
            let name = change.name
            report.figures += [
                Figure("\(name).time", outcome.time / .seconds(1), "s", .lower),
                Figure("\(name).changed_owner", Double(outcome.changes), "shards", .lower),
                Figure("\(name).fewest_possible", Double(outcome.fewest), "shards"),
                Figure("\(name).handed_over", Double(outcome.moves), "shards"),
                Figure("\(name).rounds", Double(outcome.rounds), "rounds"),
                Figure("\(name).fullest_node", outcome.crowding, "× mean", .lower),
                Figure("\(name).slowest_decision", outcome.decision / .milliseconds(1), "ms"),
            ]
        }
        return report
    }
}
