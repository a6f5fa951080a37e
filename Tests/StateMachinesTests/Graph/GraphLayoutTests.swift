// Decides that a drawing of steps overlaps nowhere, leads downwards, is the same every time, and is quick.

import StateMachines
import TestKit
import Testing

@Suite("Graph layout", .timeLimit(.minutes(1)))
struct GraphLayoutTests {
    private typealias Node = GraphLayout.Node

    private static func random(_ count: Int, seed: UInt64, needs: Int = 3) -> [GraphLayout.Node] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            var before: [String] = []
            for _ in 0..<Int.random(in: 0...needs, using: &random) where index > 0 {
                let reach = min(index, 40)
                before.append("s\(Int.random(in: index - reach..<index, using: &random))")
            }
            return GraphLayout.Node(id: "s\(index)", needs: before)
        }
    }

    private static func check(_ layout: GraphLayout, _ hint: String) {
        let places = Dictionary(layout.places.map { ($0.id, $0) }) { $1 }
        for layer in Dictionary(grouping: layout.places, by: \.rank).values {
            let sorted = layer.sorted { $0.x < $1.x }
            for (left, right) in zip(sorted, sorted.dropFirst()) {
                let gap = right.x - left.x - GraphLayout.nodeWidth
                #expect(gap >= GraphLayout.gapAcross, "\(hint): \(left.id) \(right.id)")
            }
        }
        for place in layout.places {
            #expect(place.x >= 0 && place.x + GraphLayout.nodeWidth <= layout.width, "\(hint)")
            #expect(place.y >= 0 && place.y + GraphLayout.nodeHeight <= layout.height, "\(hint)")
        }
        for edge in layout.edges {
            let ys = edge.points.map(\.y)
            #expect(ys == ys.sorted() && edge.points.allSatisfy { $0.x >= 0 }, "\(hint)")
            let (from, to) = (places[edge.from], places[edge.to])
            #expect(from?.y ?? 0 < to?.y ?? 0, "\(hint)")
            #expect(ys.first == (from?.y ?? 0) + GraphLayout.nodeHeight && ys.last == to?.y)
        }
    }

    @Test("nothing overlaps and every line leads downwards", arguments: 1...60)
    func overlaps(seed: UInt64) {
        let nodes = Self.random(Int(seed) * 3, seed: seed)
        let layout = GraphLayout(nodes)
        Self.check(layout, "seed \(seed)")
        #expect(layout.places.map(\.id) == nodes.map(\.id))
        #expect(layout.edges.count == nodes.reduce(0) { $0 + Set($1.needs).count })
        #expect(GraphLayout(nodes) == layout)
    }

    @Test(
        "a step stands one layer below the last of what it needs, over the middle of what needs it"
    )
    func shape() {
        let layout = GraphLayout([
            Node(id: "a"), Node(id: "b", needs: ["a"]), Node(id: "c", needs: ["a"]),
            Node(id: "d", needs: ["b", "c"]), Node(id: "e", needs: ["a", "d"]),
        ])
        #expect(layout.places.map(\.rank) == [0, 1, 1, 2, 3])
        let x = layout.places.map(\.x)
        #expect(x[2] - x[1] >= GraphLayout.nodeWidth + GraphLayout.gapAcross)
        let middle = (x[1] + x[2]) / 2
        #expect([0, 3, 4].allSatisfy { abs(x[$0] - middle) <= 20 }, "\(x)")
        #expect(layout.edges.last { $0.from == "a" && $0.to == "e" }?.points.count == 6)
        let chain = GraphLayout((0..<9).map { Node(id: "\($0)", needs: ["\($0 - 1)"]) })
        #expect(chain.places.allSatisfy { $0.x == 0 } && chain.width == GraphLayout.nodeWidth)
        #expect(chain.edges.allSatisfy { $0.points.count == 2 })
    }

    @Test("lines do not cross where they need not")
    func crossings() {
        let layout = GraphLayout([
            Node(id: "a"), Node(id: "b"), Node(id: "c", needs: ["b"]), Node(id: "d", needs: ["a"]),
        ])
        let x = Dictionary(layout.places.map { ($0.id, $0.x) }) { $1 }
        let isLeft = (above: x["a"] ?? 0 < x["b"] ?? 0, below: x["d"] ?? 0 < x["c"] ?? 0)
        #expect(isLeft.above == isLeft.below)
    }

    @Test("no step, an unknown need and a circle are drawn as well as can be")
    func odd() {
        let none = GraphLayout([])
        #expect(none.places.isEmpty && none.width == 0 && none.height == 0)
        let one = GraphLayout([Node(id: "a", needs: ["gone", "a"])])
        #expect(one.edges.isEmpty && one.places.first?.rank == 0)
        let circle = GraphLayout([Node(id: "a", needs: ["b"]), Node(id: "b", needs: ["a"])])
        Self.check(circle, "circle")
        #expect(circle.edges.count == 1)
    }

    @Test("a thousand steps are drawn within a second, however many lines they have")
    func large() {
        let clock = ContinuousClock()
        let shapes: [(String, [GraphLayout.Node])] = [
            ("sparse", Self.random(1_000, seed: 7)),
            ("dense", Self.random(1_000, seed: 8, needs: 12)),
            (
                "all", (0..<1_000).map { n in Node(id: "\(n)", needs: (0..<n).map { "\($0)" }) }
            ),
            (
                "halves",
                (0..<1_000).map { n in
                    Node(id: "\(n)", needs: n < 500 ? [] : (0..<500).map { "\($0)" })
                }
            ),
        ]
        for (name, nodes) in shapes {
            var layout = GraphLayout([])
            let time = clock.measure { layout = GraphLayout(nodes) }
            // Built without optimisation, on a machine that does other things.
            #expect(time < .seconds(20), "\(name) took \(time)")
            #expect(layout.edges.count <= GraphLayout.edgesMax)
            Self.check(layout, name)
            #expect(layout.edgesAreMore == (name == "halves"), "\(name)")
        }
    }
}
