// Decides what must be true after every step of a simulated cluster.

import PulserIR
import StateMachines

/// What was seen of a history, and the first rule it broke.
struct ClusterInvariants {
    /// The bound on how long a shard is free while a healthy node is active: a term that nobody
    /// prolongs, an election, an order, and room for requests that are lost on the way.
    static let freeMax = 25 * SimulatedDirectory.second
    /// The bound of a shard's mailbox.
    static let mailboxMax = 4

    /// By how much clocks are wrong at the end of a lease, as the simulation disturbs them.
    static let clockError = SimulatedDirectory.second

    private(set) var violation: String?
    private var shards: [SimulatedDirectory.Shard]
    private var view: Int64 = 0
    private var term: Int64 = 0
    /// By shard: the end of the last owner's rights, by generation.
    private var effectsEnd: [[Int64: Int64]]
    private var lastEffect: [Int64]
    private var freeSince: [Int64]
    private var acknowledged: Set<Int> = []

    init(shards: Int) {
        self.shards = Array(repeating: SimulatedDirectory.Shard(), count: shards)
        self.effectsEnd = Array(repeating: [:], count: shards)
        self.lastEffect = Array(repeating: 0, count: shards)
        self.freeSince = Array(repeating: 0, count: shards)
    }

    mutating func violate(_ text: String, at now: Int64) {
        guard self.violation == nil else { return }
        self.violation = "at \(Double(now) / 1_000_000) s: \(text)"
    }

    /// After a transaction: what never goes back, and one owner per generation.
    mutating func check(
        _ directory: SimulatedDirectory,
        before: [SimulatedDirectory.Node],
        by me: NodeEpoch?,
        at now: Int64
    ) {
        if directory.view < self.view { self.violate("the view went back", at: now) }
        if directory.term < self.term { self.violate("the term went back", at: now) }
        self.view = directory.view
        self.term = directory.term
        for (index, old) in before.enumerated()
        where !old.isAlive && directory.nodes[index].isAlive {
            self.violate("node \(index + 1) came back from the dead", at: now)
        }
        for index in self.shards.indices where directory.shards[index] != self.shards[index] {
            let shard = directory.shards[index]
            self.check(index, shard, directory, at: now)
            let old = self.shards[index]
            self.shards[index] = shard
            guard let owner = old.owner, shard.generation > old.generation else { continue }
            // What the owner gives away itself it does not act for any more; else its lease decides,
            // less half of the margin: clocks may be wrong by that much on both sides.
            let leaseEnd = before[Int(owner) - 1].leaseUntil - Self.clockError
            let end = owner == me?.number ? now : leaseEnd
            self.effectsEnd[index][old.generation] = end
        }
    }

    private mutating func check(
        _ index: Int,
        _ shard: SimulatedDirectory.Shard,
        _ directory: SimulatedDirectory,
        at now: Int64
    ) {
        let old = self.shards[index]
        if shard.generation < old.generation {
            self.violate("the generation of shard \(index) went back", at: now)
        }
        if shard.owner != old.owner, shard.generation <= old.generation {
            self.violate("shard \(index) changed its owner without a new generation", at: now)
        }
        if let owner = shard.owner, !directory.nodes[Int(owner) - 1].isAlive {
            self.violate("shard \(index) belongs to the dead node \(owner)", at: now)
        }
        if shard.owner == nil, old.owner != nil { self.freeSince[index] = now }
    }

    /// A write was accepted.
    mutating func wrote(
        _ shard: OwnedShard,
        by node: NodeEpoch,
        _ directory: SimulatedDirectory,
        at now: Int64
    ) {
        if !directory[node].isAlive {
            self.violate("a write of the dead node \(node.number) was accepted", at: now)
        }
        let row = directory.shards[Int(shard.shard)]
        if row.generation != shard.generation || row.owner != node.number {
            let text = "a write to shard \(shard.shard) at generation \(shard.generation) was"
            self.violate("\(text) accepted at \(row.generation)", at: now)
        }
        let log = directory.logs[Int(shard.shard)]
        if log.count > 1, log[log.count - 2].generation > log[log.count - 1].generation {
            self.violate("the log of shard \(shard.shard) went back a generation", at: now)
        }
    }

    /// An effect that no fence can refuse happened.
    mutating func acted(
        _ shard: OwnedShard,
        by node: NodeEpoch,
        _ directory: SimulatedDirectory,
        at now: Int64
    ) {
        let index = Int(shard.shard)
        let name = "node \(node.number) acted for shard \(index) at \(shard.generation)"
        if shard.generation < self.lastEffect[index] {
            self.violate("\(name) after generation \(self.lastEffect[index]) did", at: now)
        }
        self.lastEffect[index] = max(self.lastEffect[index], shard.generation)
        let row = directory.shards[index]
        if row.generation == shard.generation {
            // What the owner of before may still do must be over, whatever the row says.
            let end = self.effectsEnd[index].values.max() ?? 0
            if now < end { self.violate("\(name), its owner before might still", at: now) }
            if row.owner != node.number { self.violate("\(name), not its owner", at: now) }
        } else if now > self.effectsEnd[index][shard.generation] ?? 0 {
            self.violate("\(name), which had ended", at: now)
        }
    }

    /// A node was declared dead by votes.
    mutating func evicted(
        _ target: Int64,
        isInnocent: Bool,
        _ before: [SimulatedDirectory.Node],
        at now: Int64
    ) {
        if isInnocent { self.violate("node \(target) was voted dead without a reason", at: now) }
        let voters = before.indices.count {
            before[$0].status == .active && before[$0].leaseUntil > now && $0 + 1 != target
        }
        if voters <= 1, before[Int(target) - 1].renewedAt > now - 3_750_000 {
            self.violate("one node alone killed another, which renewed its lease", at: now)
        }
    }

    /// Nodes were declared dead because their leases had ended.
    mutating func reaped(_ nodes: [NodeEpoch], isJustBack: Bool, at now: Int64) {
        guard isJustBack else { return }
        self.violate("nodes \(nodes.map(\.number)) were buried right after an outage", at: now)
    }

    mutating func queued(_ count: Int, _ shard: Int32, at now: Int64) {
        if count > Self.mailboxMax {
            self.violate("\(count) operations wait for shard \(shard)", at: now)
        }
    }

    mutating func acknowledge(_ operation: Int) { self.acknowledged.insert(operation) }

    /// Every second: nothing is free for long, while somebody could own it.
    mutating func inspect(healthySince: Int64?, at now: Int64) {
        guard let healthySince else { return }
        for index in self.shards.indices where self.shards[index].owner == nil {
            if now - max(self.freeSince[index], healthySince) > Self.freeMax {
                self.violate("shard \(index) is free although a node is healthy", at: now)
            }
        }
    }

    /// At the end, long after the last fault.
    mutating func finish(
        _ directory: SimulatedDirectory,
        serving: [Int64: Set<Int32>],
        waiting: Int,
        at now: Int64
    ) {
        // Shards go on moving until loads are even; each arrives soon.
        for (index, shard) in directory.shards.enumerated()
        where shard.since < now - 5 * SimulatedDirectory.second {
            guard let owner = shard.owner, shard.state == .running else {
                self.violate("shard \(index) is \(shard.state) in the end", at: now)
                continue
            }
            if serving[owner]?.contains(Int32(index)) != true {
                self.violate("shard \(index) is served by nobody in the end", at: now)
            }
        }
        if waiting > 0 { self.violate("\(waiting) operations are never answered", at: now) }
        var counts: [Int: Int] = [:]
        for log in directory.logs { for entry in log { counts[entry.operation, default: 0] += 1 } }
        for operation in self.acknowledged.sorted() where counts[operation] != 1 {
            let text = "operation \(operation) was applied \(counts[operation] ?? 0) times"
            self.violate(text, at: now)
        }
        if counts.values.contains(where: { $0 > 1 }) {
            self.violate("an operation was applied twice", at: now)
        }
    }
}
