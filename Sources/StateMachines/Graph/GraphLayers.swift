// Decides in which layer each step of a drawing stands, and which lines are drawn with how many bends.

/// A graph in layers: steps by their places in the list, bends of long lines after them.
struct GraphLayers {
    /// A line, with a bend in each layer that it passes.
    struct Line {
        var from: Int
        var to: Int
        var bends: [Int]
    }

    /// How many of the vertices are steps; the others are bends.
    let steps: Int
    /// The layer of each vertex.
    private(set) var rank: [Int]
    private(set) var lines: [Line] = []
    private(set) var edgesAreMore = false
    /// What comes before a vertex in the layer above it, and after it in the layer below.
    private(set) var above: [[Int]] = []
    private(set) var below: [[Int]] = []

    init(_ nodes: [GraphLayout.Node]) {
        self.steps = nodes.count
        let known = Dictionary(nodes.enumerated().map { ($1.id, $0) }) { first, _ in first }
        var parents = nodes.enumerated().map { index, node in
            var seen: Set<Int> = []
            return node.needs.compactMap { known[$0] }
                .filter { $0 != index && seen.insert($0).inserted }
        }
        let order = Self.sorted(&parents)
        self.rank = [Int](repeating: 0, count: nodes.count)
        for index in order {
            self.rank[index] = (parents[index].map { self.rank[$0] + 1 }).max() ?? 0
        }
        if self.bends(of: parents) > GraphLayout.bendsMax
            || parents.reduce(0, { $0 + $1.count }) > GraphLayout.edgesMax
        {
            Self.reduce(&parents, order)
        }
        self.draw(parents)
    }

    private func bends(of parents: [[Int]]) -> Int {
        parents.enumerated().reduce(0) { sum, entry in
            sum + entry.element.reduce(0) { $0 + self.rank[entry.offset] - self.rank[$1] - 1 }
        }
    }

    /// The steps in an order in which each comes after what it needs; a line that closes a circle is
    /// taken out.
    private static func sorted(_ parents: inout [[Int]]) -> [Int] {
        var children = [[Int]](repeating: [], count: parents.count)
        var open = [Int](repeating: 0, count: parents.count)
        for (index, needs) in parents.enumerated() {
            open[index] = needs.count
            for need in needs { children[need].append(index) }
        }
        var order: [Int] = []
        var isDone = [Bool](repeating: false, count: parents.count)
        var ready = open.indices.filter { open[$0] == 0 }
        var next = 0
        while order.count < parents.count {
            if next == ready.count {
                // All that is left lies in a circle or behind one.
                guard let stuck = isDone.firstIndex(of: false) else { break }
                parents[stuck].removeAll { !isDone[$0] }
                open[stuck] = 0
                ready.append(stuck)
            }
            let index = ready[next]
            next += 1
            guard !isDone[index] else { continue }
            isDone[index] = true
            order.append(index)
            for child in children[index] where !isDone[child] {
                open[child] -= 1
                if open[child] == 0 { ready.append(child) }
            }
        }
        return order
    }

    /// Takes out lines that follow from others: what a step needs by way of another step.
    private static func reduce(_ parents: inout [[Int]], _ order: [Int]) {
        let words = (parents.count + 63) / 64
        var before = [[UInt64]](repeating: [], count: parents.count)
        for index in order {
            var implied = [UInt64](repeating: 0, count: words)
            for need in parents[index] {
                for word in 0..<words { implied[word] |= before[need][word] }
            }
            parents[index].removeAll { implied[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
            for need in parents[index] { implied[need / 64] |= 1 << UInt64(need % 64) }
            before[index] = implied
        }
    }

    private mutating func draw(_ parents: [[Int]]) {
        self.above = [[Int]](repeating: [], count: self.steps)
        self.below = self.above
        var left = GraphLayout.bendsMax
        for (to, needs) in parents.enumerated() {
            for from in needs {
                guard self.lines.count < GraphLayout.edgesMax else {
                    self.edgesAreMore = true
                    return
                }
                var line = Line(from: from, to: to, bends: [])
                var last = from
                let passed = self.rank[from] + 1..<self.rank[to]
                // Where there are far too many bends a line goes straight.
                if passed.count <= left {
                    left -= passed.count
                    for rank in passed {
                        let bend = self.rank.count
                        self.rank.append(rank)
                        self.above.append([])
                        self.below.append([])
                        self.join(last, bend)
                        line.bends.append(bend)
                        last = bend
                    }
                    self.join(last, to)
                }
                self.lines.append(line)
            }
        }
    }

    private mutating func join(_ from: Int, _ to: Int) {
        self.below[from].append(to)
        self.above[to].append(from)
    }
}
