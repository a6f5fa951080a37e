// Decides in which order the vertices of a layer stand, so that few lines cross.

/// The layers of a drawing with their order.
struct GraphOrder {
    /// How often the layers are gone through, down and up.
    static let sweeps = 4

    private let graph: GraphLayers
    /// The vertices of each layer from left to right.
    private(set) var layers: [[Int]]
    /// Each vertex' place in its layer.
    private var place: [Int]

    /// The order in which the steps were given; bends stand where their lines begin.
    init(_ graph: GraphLayers) {
        self.graph = graph
        self.layers = [[Int]](repeating: [], count: (graph.rank.max() ?? 0) + 1)
        self.place = [Int](repeating: 0, count: graph.rank.count)
        for (vertex, rank) in graph.rank.enumerated() { self.layers[rank].append(vertex) }
        self.number()
    }

    /// Puts each vertex between those it is joined with, and keeps the best order that was found.
    mutating func uncross() {
        var best = self.layers
        var fewest = self.crossings
        for _ in 0..<Self.sweeps where fewest > 0 {
            for layer in self.layers.indices.dropFirst() { self.sort(layer, self.graph.above) }
            for layer in self.layers.indices.dropLast().reversed() {
                self.sort(layer, self.graph.below)
            }
            let count = self.crossings
            if count < fewest {
                fewest = count
                best = self.layers
            }
        }
        self.layers = best
        self.number()
    }

    private mutating func number() {
        for layer in self.layers {
            for (place, vertex) in layer.enumerated() { self.place[vertex] = place }
        }
    }

    /// A vertex that nothing is joined with keeps its place.
    private mutating func sort(_ layer: Int, _ joined: [[Int]]) {
        let wanted = self.layers[layer].map { vertex -> (at: Double, vertex: Int) in
            let others = joined[vertex]
            if others.isEmpty { return (Double(self.place[vertex]), vertex) }
            let sum = others.reduce(0) { $0 + self.place[$1] }
            return (Double(sum) / Double(others.count), vertex)
        }
        // Equal ones stay as they stand: the sort alone would not promise it.
        let sorted = wanted.enumerated().sorted {
            ($0.element.at, $0.offset) < ($1.element.at, $1.offset)
        }
        self.layers[layer] = sorted.map(\.element.vertex)
        for (place, vertex) in self.layers[layer].enumerated() { self.place[vertex] = place }
    }

    /// How many pairs of lines cross.
    private var crossings: Int {
        var count = 0
        for layer in self.layers.dropLast() {
            let width = self.layers[self.graph.rank[layer.first ?? 0] + 1].count
            // How many of the lines so far end at or before a place.
            var tree = [Int](repeating: 0, count: width + 1)
            var total = 0
            for vertex in layer {
                let ends = self.graph.below[vertex].map { self.place[$0] }
                for end in ends {
                    var place = end + 1
                    var before = 0
                    while place > 0 {
                        before += tree[place]
                        place &= place - 1
                    }
                    count += total - before
                }
                for end in ends {
                    total += 1
                    var place = end + 1
                    while place <= width {
                        tree[place] += 1
                        place += place & -place
                    }
                }
            }
        }
        return count
    }
}
