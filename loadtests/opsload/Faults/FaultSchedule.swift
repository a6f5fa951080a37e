// Decides which faults hit a cluster, when and for how long: the same ones for the same seed.

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Something that is done to a running cluster.
struct Fault: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// SIGKILL; the node is started again after so many milliseconds.
        case kill(node: Int, downMilliseconds: Int)
        /// SIGSTOP, and after so many milliseconds SIGCONT.
        case freeze(node: Int, milliseconds: Int)
        /// The node reaches its database no more: its connections end, or nothing comes through
        /// and what was under way comes late.
        case cut(node: Int, milliseconds: Int, isSilent: Bool)
        /// The node and its peers reach each other no more, and the database still: connections
        /// between them end and nobody listens, or nothing comes through and comes late.
        case isolate(node: Int, milliseconds: Int, isSilent: Bool)
        /// SIGTERM; the node is started again when it has left.
        case restart(node: Int)
        /// Postgres stops, with or without a word to its clients, and starts again.
        case database(downMilliseconds: Int, isImmediate: Bool)
    }

    /// After the schedule's beginning.
    var atMilliseconds: Int
    var kind: Kind

    /// The node that it hits; `nil` for the database.
    var node: Int? {
        switch self.kind {
        case .kill(let node, _), .freeze(let node, _), .cut(let node, _, _),
            .isolate(let node, _, _), .restart(let node):
            node
        case .database: nil
        }
    }

    /// One word for the kind.
    var name: String {
        switch self.kind {
        case .kill: "kill"
        case .freeze: "freeze"
        case .cut: "cut"
        case .isolate: "isolate"
        case .restart: "restart"
        case .database: "database"
        }
    }

    /// How long the node or the database is presumably of no use.
    var lastsMilliseconds: Int {
        switch self.kind {
        case .kill(_, let down): down + 2_000
        case .freeze(_, let time), .cut(_, let time, _): time + 1_000
        // It may have been declared dead, and joins again.
        case .isolate(_, let time, _): time + 3_000
        case .restart: 8_000
        case .database(let down, _): down + 3_000
        }
    }
}

extension Fault: CustomStringConvertible {
    /// As it is printed: when, what, whom, how long.
    var description: String {
        let who = self.node.map { "n\($0 + 1)" } ?? "postgres"
        let how =
            switch self.kind {
            case .kill(_, let down): "SIGKILL, started again after \(down) ms"
            case .freeze(_, let time): "SIGSTOP for \(time) ms"
            case .cut(_, let time, true): "no byte to or from the database for \(time) ms"
            case .cut(_, let time, false): "connections to the database refused for \(time) ms"
            case .isolate(_, let time, true): "no byte to or from its peers for \(time) ms"
            case .isolate(_, let time, false): "cut from its peers for \(time) ms"
            case .restart: "SIGTERM, started again when it has left"
            case .database(let down, true): "killed, started again after \(down) ms"
            case .database(let down, false): "stopped, started again after \(down) ms"
            }
        return "\(Figure.text(Double(self.atMilliseconds) / 1_000)) s  \(who)  \(how)"
    }
}

/// The faults of a campaign.
struct FaultSchedule: Sendable, Hashable {
    static let kinds = ["kill", "freeze", "cut", "isolate", "restart", "database"]

    var faults: [Fault] = []

    /// Draws a schedule.
    ///
    /// The first six are one of each kind. A node is hit by one fault at a time, and at most half
    /// of the nodes, rounded up, at once; at least one is left alone.
    ///
    /// - Parameters:
    ///   - seed: Equal seeds give equal schedules.
    ///   - nodes: How many nodes there are, from 2.
    ///   - count: How many faults.
    ///   - pauseMilliseconds: The mean pause from one fault to the next.
    ///   - longestMilliseconds: The longest freeze, cut or absence.
    init(
        seed: UInt64,
        nodes: Int,
        count: Int,
        pauseMilliseconds: Int,
        longestMilliseconds: Int = 15_000
    ) {
        var random = SeededNumbers(seed: seed)
        var first = Self.kinds.shuffled(using: &random)
        var at = 0
        var busy = Array(repeating: 0, count: nodes)
        let busyMax = min(nodes - 1, (nodes + 1) / 2)
        for _ in 0..<count {
            at += Int.random(in: pauseMilliseconds / 2...pauseMilliseconds * 3 / 2, using: &random)
            let kind = first.popLast() ?? Self.draw(&random)
            let ends = busy.filter { $0 > at }.sorted()
            // Too many are hit already: not before the first of them is back.
            if ends.count >= busyMax { at = ends[ends.count - busyMax] }
            let free = busy.indices.filter { busy[$0] <= at }
            guard let node = free.randomElement(using: &random) else { continue }
            let fault = Fault(
                atMilliseconds: at,
                kind: Self.kind(kind, node, longestMilliseconds, &random)
            )
            if let node = fault.node { busy[node] = at + fault.lastsMilliseconds }
            self.faults.append(fault)
        }
    }

    /// When the last fault is presumably over, in milliseconds after the beginning.
    var lastsMilliseconds: Int {
        self.faults.map { $0.atMilliseconds + $0.lastsMilliseconds }.max() ?? 0
    }

    private static func draw(_ random: inout SeededNumbers) -> String {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<26: "kill"
        case ..<46: "freeze"
        case ..<62: "cut"
        case ..<78: "isolate"
        case ..<93: "restart"
        default: "database"
        }
    }

    private static func kind(
        _ name: String,
        _ node: Int,
        _ longest: Int,
        _ random: inout SeededNumbers
    ) -> Fault.Kind {
        switch name {
        case "kill":
            // One half comes back before anybody can have noticed, the other half is missed.
            let isQuick = Bool.random(using: &random)
            let range = isQuick ? 0...longest / 10 : longest / 2...longest
            return .kill(node: node, downMilliseconds: Int.random(in: range, using: &random))
        case "freeze":
            let time = Int.random(in: min(1_000, longest)...longest, using: &random)
            return .freeze(node: node, milliseconds: time)
        case "cut":
            let time = Int.random(in: min(500, longest)...longest, using: &random)
            let isSilent = Bool.random(using: &random)
            return .cut(node: node, milliseconds: time, isSilent: isSilent)
        case "isolate":
            // Some longer than the grace after which silence is an end.
            let time = Int.random(in: min(500, longest)...longest * 3 / 2, using: &random)
            let isSilent = Bool.random(using: &random)
            return .isolate(node: node, milliseconds: time, isSilent: isSilent)
        case "restart": return .restart(node: node)
        default:
            let down = Int.random(in: 0...longest / 3, using: &random)
            let isImmediate = Bool.random(using: &random)
            return .database(downMilliseconds: down, isImmediate: isImmediate)
        }
    }
}
