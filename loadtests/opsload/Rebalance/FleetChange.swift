// Decides what is played on a big cluster, and what it is held against.

import PulserIR

/// Nodes come or go.
enum FleetChange: Sendable, Hashable {
    /// So many join at once.
    case join(Int)
    /// So many are lost at once; their shards are free when it begins.
    case lose(Int)
    /// So many hand over what they have, at once, and leave.
    case drain(Int)

    /// What it is called in a result.
    var name: String {
        switch self {
        case .join(let count): "join_\(count)"
        case .lose(let count): "lose_\(count)"
        case .drain(let count): "drain_\(count)"
        }
    }

    /// Plays it on a cluster at rest.
    ///
    /// - Parameter fleet: The cluster; it is at rest again afterwards.
    /// - Returns: What it took.
    func play(on fleet: inout Fleet) -> FleetOutcome {
        let owners = fleet.shards.map(\.owner)
        var placed = 0
        switch self {
        case .join(let count): for _ in 0..<count { fleet.join() }
        // The first one coordinates. Neighbours in the list are in different zones.
        case .lose(let count): for _ in 0..<count { placed += fleet.lose(1) }
        case .drain(let count): for index in 1...count { fleet.drain(index) }
        }
        let time = fleet.settle()
        let places = fleet.nodes.indices.filter { fleet.nodes[$0].status == .active }
        let loads = fleet.loads
        return FleetOutcome(
            time: time,
            changes: zip(owners, fleet.shards).count { $0 != $1.owner },
            moves: fleet.moves,
            fewest: self.fewest(fleet, before: owners, placed: placed),
            rounds: fleet.rounds,
            loads: places.map { loads[$0] },
            decision: fleet.decision
        )
    }

    /// The fewest shards that must change their owner for what came of it: those of nodes that went, or
    /// as many of the heaviest as weigh what the newcomers have in the end.
    private func fewest(_ fleet: Fleet, before: [NodeEpoch?], placed: Int) -> Int {
        switch self {
        case .lose: return placed
        case .drain:
            let gone = Set(fleet.nodes.filter { $0.status == .draining }.map(\.epoch))
            return before.count { owner in owner.map(gone.contains) ?? false }
        case .join(let count):
            var missing = fleet.loads.suffix(count).reduce(0, +)
            var fewest = 0
            for weight in fleet.weights.values.sorted(by: >) where missing > 0 {
                missing -= weight
                fewest += 1
            }
            return fewest
        }
    }
}

/// What came of a change.
struct FleetOutcome: Sendable {
    /// Until the last shard was served where it belongs.
    var time: Duration
    /// Shards whose owner is another than before.
    var changes: Int
    /// Shards that were handed over; those without an owner are placed instead.
    var moves: Int
    /// The fewest shards that had to change their owner.
    var fewest: Int
    /// Rounds of the coordinator.
    var rounds: Int
    /// Lanes of each node that stays.
    var loads: [Int]
    /// The longest that the coordinator took to decide, by a real clock.
    var decision: Duration

    /// Lanes of the fullest node, as a multiple of the mean.
    var crowding: Double {
        let mean = Double(self.loads.reduce(0, +)) / Double(max(1, self.loads.count))
        return Double(self.loads.max() ?? 0) / mean
    }
}
