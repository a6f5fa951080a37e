// Decides where the steps of a plan stand in a drawing: in layers from top to bottom, the same every time.

/// A drawing of a graph of steps, in pixels from the top left corner.
///
/// Sugiyama's way: layers by the longest path, their order by barycentres, places by medians.
public struct GraphLayout: Sendable, Hashable {
    /// A step that is drawn.
    public struct Node: Sendable, Hashable {
        /// Its name, which no other has.
        public var id: String
        /// What comes before it. Names that are not there are passed over.
        public var needs: [String]

        /// Describes a step.
        public init(id: String, needs: [String] = []) {
            self.id = id
            self.needs = needs
        }
    }

    /// A point of a line.
    public struct Point: Sendable, Hashable {
        /// From the left.
        public var x: Int
        /// From the top.
        public var y: Int
    }

    /// Where a step stands.
    public struct Place: Sendable, Hashable {
        /// Its name.
        public var id: String
        /// How many steps at most come before it, one after the other.
        public var rank: Int
        /// Its left side.
        public var x: Int
        /// Its upper side.
        public var y: Int
    }

    /// A line from a step to one that needs it, never upwards.
    public struct Edge: Sendable, Hashable {
        /// The step before.
        public var from: String
        /// The step after.
        public var to: String
        /// From the middle of the lower side to the middle of the upper side.
        public var points: [Point]
    }

    /// A step's width.
    public static let nodeWidth = 200
    /// A step's height.
    public static let nodeHeight = 48
    /// Between two steps of a layer.
    public static let gapAcross = 32
    /// Between two layers.
    public static let gapDown = 48
    /// Bends of all lines; with more of them lines that follow from others are left out.
    public static let bendsMax = 20_000
    /// Lines that are drawn.
    public static let edgesMax = 5_000

    /// The steps, in the order in which they were given.
    public private(set) var places: [Place] = []
    /// The lines, in the order of the steps that they lead to.
    public private(set) var edges: [Edge] = []
    /// Whether lines are left out that follow from no others.
    public private(set) var edgesAreMore = false
    /// The drawing's width.
    public private(set) var width = 0
    /// The drawing's height.
    public private(set) var height = 0

    /// Draws a graph.
    ///
    /// - Parameter nodes: Its steps. Of a circle, which no plan has, one line is passed over.
    public init(_ nodes: [Node]) {
        guard !nodes.isEmpty else { return }
        let graph = GraphLayers(nodes)
        self.edgesAreMore = graph.edgesAreMore
        var order = GraphOrder(graph)
        order.uncross()
        let centers = GraphPlacement(graph, order.layers).centers
        let half = Self.nodeWidth / 2
        let step = Self.nodeHeight + Self.gapDown
        for (index, node) in nodes.enumerated() {
            let rank = graph.rank[index]
            self.places.append(
                Place(id: node.id, rank: rank, x: centers[index] - half, y: rank * step)
            )
        }
        self.width = (self.places.map(\.x).max() ?? 0) + Self.nodeWidth
        self.height = (graph.rank.prefix(nodes.count).max() ?? 0) * step + Self.nodeHeight
        for line in graph.lines {
            let from = self.places[line.from]
            let to = self.places[line.to]
            var points = [Point(x: centers[line.from], y: from.y + Self.nodeHeight)]
            for bend in line.bends {
                let y = graph.rank[bend] * step
                points.append(Point(x: centers[bend], y: y))
                points.append(Point(x: centers[bend], y: y + Self.nodeHeight))
            }
            points.append(Point(x: centers[line.to], y: to.y))
            self.edges.append(Edge(from: from.id, to: to.id, points: points))
            self.width = max(self.width, points.map(\.x).max() ?? 0)
        }
    }
}
