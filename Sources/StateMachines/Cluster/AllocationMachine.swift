// Decides which node gets which shard, and which shards move so that loads become even.

public import PulserIR

/// Least-loaded allocation. A load is the sum of the weights of a node's shards; equal loads are told
/// apart by the load of their zones, then by rendezvous hash, so that every coordinator decides alike.
public struct AllocationMachine: Sendable {
    private struct Place: Sendable {
        var node: NodeView
        var load: Int
    }

    /// Nodes that may get shards: active ones with a live lease.
    private var places: [Place]
    private let weights: [Int32: Int]
    private let movesMax: Int
    private var zones: [String: (load: Int, nodes: Int)] = [:]

    /// Looks at the cluster at one moment.
    ///
    /// - Parameters:
    ///   - nodes: The membership; nodes that are not active or whose lease is over get nothing.
    ///   - shards: Every shard with its owner.
    ///   - weights: The load of a shard; 1 for those not named, at least 1.
    ///   - movesMax: The most moves of a round.
    public init(
        nodes: [NodeView],
        shards: [ShardView],
        weights: [Int32: Int] = [:],
        movesMax: Int = ClusterTiming().movesMax
    ) {
        self.places = nodes.filter { $0.status == .active && $0.leaseLeft > .zero }
            .map { Place(node: $0, load: 0) }
        self.weights = weights
        self.movesMax = movesMax
        var index: [NodeEpoch: Int] = [:]
        for (place, value) in self.places.enumerated() { index[value.node.epoch] = place }
        for shard in shards {
            // A shard under way already weighs where it goes.
            guard let owner = shard.target ?? shard.owner, let place = index[owner] else {
                continue
            }
            self.places[place].load += self.weight(of: shard.shard)
        }
        for place in self.places {
            self.zones[place.node.zone, default: (0, 0)].nodes += 1
            self.zones[place.node.zone, default: (0, 0)].load += place.load
        }
    }

    /// The load of each node that may get shards.
    public var loads: [NodeEpoch: Int] {
        Dictionary(uniqueKeysWithValues: self.places.map { ($0.node.epoch, $0.load) })
    }

    /// Gives `shards` to the least loaded nodes, the heaviest first.
    ///
    /// - Parameters:
    ///   - shards: Shards without an owner, or that must leave theirs.
    ///   - excluded: A node that gets none of them.
    /// - Returns: A place for each; empty when no node may get any.
    public mutating func place(
        _ shards: [Int32],
        excluding excluded: NodeEpoch? = nil
    ) -> [Placement] {
        let order = shards.sorted {
            (self.weight(of: $1), $0) < (self.weight(of: $0), $1)
        }
        var placements: [Placement] = []
        for shard in order {
            guard let best = self.best(for: shard, where: { $0.epoch != excluded }) else { break }
            self.add(shard, to: best)
            placements.append(Placement(shard: shard, node: self.places[best].node.epoch))
        }
        return placements
    }

    /// One round of moves from the most to the least loaded nodes.
    ///
    /// A move must bring the two nearer by more than the shard itself and one in twenty of the mean,
    /// so that loads that flutter move nothing. While builds differ, shards move only towards the
    /// newest: the build of the node that joined last.
    ///
    /// - Parameters:
    ///   - shards: Every shard; only running ones of nodes that may get shards move.
    ///   - kept: Shards that stay where they are.
    /// - Returns: At most max(1, min(`movesMax`, a tenth of the shards)) moves.
    public mutating func moves(
        _ shards: [ShardView],
        keeping kept: Set<Int32> = []
    ) -> [Placement] {
        let newest = self.places.max { $0.node.epoch < $1.node.epoch }?.node.build ?? ""
        let slack = self.places.reduce(0) { $0 + $1.load } / max(1, self.places.count) / 20
        let limit = max(1, min(self.movesMax, shards.count / 10))
        var movable: [NodeEpoch: [Int32]] = [:]
        for shard in shards where shard.state == .running && shard.target == nil {
            guard !kept.contains(shard.shard) else { continue }
            if let owner = shard.owner { movable[owner, default: []].append(shard.shard) }
        }
        var moves: [Placement] = []
        while moves.count < limit, let move = self.move(&movable, newest, slack) {
            moves.append(move)
        }
        return moves
    }

    private mutating func move(
        _ movable: inout [NodeEpoch: [Int32]],
        _ newest: String,
        _ slack: Int
    ) -> Placement? {
        let sources = self.places.indices.sorted {
            let (left, right) = (self.places[$0], self.places[$1])
            return (right.load, left.node.epoch) < (left.load, right.node.epoch)
        }
        let lowest = self.places.lazy.filter { $0.node.build == newest }.map(\.load).min() ?? 0
        for source in sources {
            guard self.places[source].load - lowest > 1 + slack else { return nil }
            let from = self.places[source].node
            for shard in (movable[from.epoch] ?? []).sorted(by: >) {
                // Between two old nodes nothing moves: both are about to be replaced.
                guard let best = self.best(for: shard, where: { $0.build == newest }) else {
                    continue
                }
                let gain = self.places[source].load - self.places[best].load
                guard best != source, gain > self.weight(of: shard) + slack else { continue }
                movable[from.epoch]?.removeAll { $0 == shard }
                self.add(shard, to: best)
                self.take(shard, from: source)
                return Placement(shard: shard, node: self.places[best].node.epoch)
            }
        }
        return nil
    }

    private func weight(of shard: Int32) -> Int { max(1, self.weights[shard] ?? 1) }

    private func best(for shard: Int32, where isAllowed: (NodeView) -> Bool) -> Int? {
        var best: Int?
        for index in self.places.indices where isAllowed(self.places[index].node) {
            if let other = best, !self.isBetter(index, than: other, for: shard) { continue }
            best = index
        }
        return best
    }

    private func isBetter(_ left: Int, than right: Int, for shard: Int32) -> Bool {
        let (one, other) = (self.places[left], self.places[right])
        if one.load != other.load { return one.load < other.load }
        let (zone, otherZone) = (self.zoneLoad(one), self.zoneLoad(other))
        if zone != otherZone { return zone < otherZone }
        let key = Int64(shard)
        return Rendezvous.score(key, one.node.epoch) > Rendezvous.score(key, other.node.epoch)
    }

    /// The mean load of the nodes of a zone.
    private func zoneLoad(_ place: Place) -> Double {
        guard let zone = self.zones[place.node.zone] else { return 0 }
        return Double(zone.load) / Double(max(1, zone.nodes))
    }

    private mutating func add(_ shard: Int32, to place: Int) {
        self.change(place, by: self.weight(of: shard))
    }

    private mutating func take(_ shard: Int32, from place: Int) {
        self.change(place, by: -self.weight(of: shard))
    }

    private mutating func change(_ place: Int, by weight: Int) {
        self.places[place].load += weight
        self.zones[self.places[place].node.zone]?.load += weight
    }
}
