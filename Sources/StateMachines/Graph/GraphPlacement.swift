// Decides how far from the left each vertex of a drawing stands, its layer's order and gaps kept.

/// The places of vertices across.
struct GraphPlacement {
    /// How often the layers are gone through.
    static let sweeps = 6
    /// How much a bend counts beside a step: less, so that steps stand where they belong; between bends
    /// more than at the ends of a line, so that it is straight.
    private static let bendWeights = (between: 0.3, beside: 0.001)
    /// Beside a bend.
    private static let bendGap = 24

    /// The middle of each vertex, from 0 on and whole.
    private(set) var centers: [Int]
    private let graph: GraphLayers
    private var at: [Double]

    init(_ graph: GraphLayers, _ layers: [[Int]]) {
        self.graph = graph
        self.centers = []
        self.at = [Double](repeating: 0, count: graph.rank.count)
        for layer in layers {
            for (place, vertex) in layer.enumerated() where place > 0 {
                let last = layer[place - 1]
                self.at[vertex] = self.at[last] + Double(self.gap(last, vertex))
            }
        }
        for _ in 0..<Self.sweeps {
            for layer in layers.dropFirst() { self.settle(layer, graph.above) }
            // Last of all upwards: what comes before stands over the middle of what comes after.
            for layer in layers.dropLast().reversed() { self.settle(layer, graph.below) }
        }
        self.round(layers)
    }

    private func isBend(_ vertex: Int) -> Bool { vertex >= self.graph.steps }

    /// From middle to middle at least.
    private func gap(_ left: Int, _ right: Int) -> Int {
        switch (self.isBend(left), self.isBend(right)) {
        case (false, false): GraphLayout.nodeWidth + GraphLayout.gapAcross
        case (true, true): Self.bendGap
        default: GraphLayout.nodeWidth / 2 + Self.bendGap
        }
    }

    /// Where a vertex would like to stand: the middle of the steps that it is joined with, or else of the
    /// bends.
    private func wish(_ vertex: Int, _ joined: [[Int]]) -> Double {
        let steps = joined[vertex].filter { !self.isBend($0) }
        let others = (steps.isEmpty ? joined[vertex] : steps).map { self.at[$0] }.sorted()
        guard let first = others.first, let last = others.last else { return self.at[vertex] }
        if others.count <= 2 { return (first + last) / 2 }
        let middle = others.count / 2
        return others.count.isMultiple(of: 2)
            ? (others[middle - 1] + others[middle]) / 2 : others[middle]
    }

    /// How much a vertex' wish counts.
    private func weight(_ vertex: Int, _ joined: [[Int]]) -> Double {
        guard let other = joined[vertex].first else { return 0.001 }
        guard self.isBend(vertex) else { return 1 }
        return self.isBend(other) ? Self.bendWeights.between : Self.bendWeights.beside
    }

    /// Puts a layer as near to its wishes as its order and its gaps let it: vertices that would overlap
    /// are pooled and stand together around the mean of their wishes.
    private mutating func settle(_ layer: [Int], _ joined: [[Int]]) {
        var pools: [(sum: Double, weight: Double, count: Int)] = []
        var offsets: [Double] = []
        var offset = 0.0
        for (place, vertex) in layer.enumerated() {
            if place > 0 { offset += Double(self.gap(layer[place - 1], vertex)) }
            offsets.append(offset)
            let weight = self.weight(vertex, joined)
            let wish = self.wish(vertex, joined) - offset
            var pool = (sum: wish * weight, weight: weight, count: 1)
            while let last = pools.last, last.sum / last.weight >= pool.sum / pool.weight {
                pool = (last.sum + pool.sum, last.weight + pool.weight, last.count + pool.count)
                pools.removeLast()
            }
            pools.append(pool)
        }
        var place = 0
        for pool in pools {
            for _ in 0..<pool.count {
                self.at[layer[place]] = pool.sum / pool.weight + offsets[place]
                place += 1
            }
        }
    }

    private mutating func round(_ layers: [[Int]]) {
        let half = Double(GraphLayout.nodeWidth / 2)
        var left = Double.infinity
        for vertex in self.at.indices {
            left = min(left, self.at[vertex] - (self.isBend(vertex) ? 0 : half))
        }
        self.centers = self.at.map { Int($0 - left + 0.5) }
        for layer in layers {
            for (place, vertex) in layer.enumerated() where place > 0 {
                let last = layer[place - 1]
                let least = self.centers[last] + self.gap(last, vertex)
                self.centers[vertex] = max(self.centers[vertex], least)
            }
        }
    }
}
