// Plays a node that does everything the directory allows, in any order, and forgets replies.

import Postgres
import PulserIR
import Store
import TestKit

/// One process of the chaos: it joins, does as the dice say, and begins anew when it is dead.
struct ChaosNode {
    let store: Store
    let pool: PostgresPool
    let address: String
    var dice: SeededGenerator
    private var epoch = NodeEpoch(0)
    private var term: CoordinatorTerm?
    /// Shards as last read; what the node believes of its own may be long over.
    private var shards: [ShardView] = []
    private var peers: [NodeEpoch] = []

    init(_ number: Int, store: Store, pool: PostgresPool) {
        self.store = store
        self.pool = pool
        self.address = "n\(number)"
        self.dice = SeededGenerator(seed: UInt64(number) + 1)
    }

    /// Takes `steps` turns.
    mutating func run(steps: Int) async throws {
        try await self.join()
        for _ in 0..<steps {
            do {
                try await self.turn()
            } catch let error as StoreError where error.code == .stale {
                try await self.join()
            } catch let error as StoreError where error.isTransient {
                // A lock that was not free in time; that nobody waited in a circle is a rule.
                continue
            }
        }
    }

    private mutating func join() async throws {
        self.epoch = try await self.store.join(newNode(self.address))
        if self.dice.chance(20) { self.epoch = try await self.store.join(newNode(self.address)) }
        self.term = nil
        do {
            try await self.store.activate(self.epoch)
        } catch  where error.code == .stale { try await self.join() }
    }

    /// Makes a call; in one of eight cases its reply is lost and it is made again.
    private mutating func call<Value>(
        _ body: (ChaosNode) async throws -> Value
    ) async throws -> Value {
        if self.dice.chance(12) { _ = try await body(self) }
        return try await body(self)
    }

    private var mine: [OwnedShard] {
        self.shards.filter { $0.owner == self.epoch }
            .map { OwnedShard(shard: $0.shard, generation: $0.generation) }
    }

    private mutating func some(_ shards: [OwnedShard], _ count: Int) -> [OwnedShard] {
        Array(shards.shuffled(using: &self.dice).prefix(count))
    }

    private mutating func turn() async throws {
        switch Int.random(in: 0..<100, using: &self.dice) {
        case 0..<16: try await self.renew()
        case 16..<34: try await self.write()
        case 34..<44: try await self.look()
        case 44..<66: try await self.move()
        case 66..<84: try await self.coordinate()
        case 84..<96: try await self.accuse()
        default: try await self.change()
        }
    }

    private mutating func renew() async throws {
        guard try await self.call({ try await $0.store.renew($0.epoch) }) != nil else {
            return try await self.join()
        }
        _ = try await self.call { try await $0.store.reap(by: $0.epoch) }
    }

    private mutating func look() async throws {
        self.shards = try await self.store.shards(changedSince: nil).shards
            .filter { $0.shard < ChaosLog.shards }
        self.peers = try await self.store.view().nodes.map(\.epoch).filter { $0 != self.epoch }
    }

    /// What a batch of durable writes does: one fence, then the rows.
    private static let write = PostgresStatement(
        "chaos.write",
        [.int8, .int4Array, .int8Array],
        """
        WITH f AS (
            SELECT s.shard_id, s.generation FROM shard s
            JOIN unnest($2, $3) AS i (shard_id, generation)
                ON i.shard_id = s.shard_id AND i.generation = s.generation
            WHERE s.owner = $1 ORDER BY s.shard_id FOR SHARE OF s)
        INSERT INTO fenced_write (shard_id, generation, writer)
        SELECT shard_id, generation, $1 FROM f
        """
    )

    private mutating func write() async throws {
        let batch = self.some(self.mine, 8)
        let values: [PostgresValue] = [
            .int8(self.epoch.number), .int4Array(batch.map(\.shard)),
            .int8Array(batch.map(\.generation)),
        ]
        _ = try await self.call { try await $0.pool.execute(Self.write, values) }
    }

    /// What an owner does with its shards.
    private mutating func move() async throws {
        if self.dice.chance(50) { try await self.look() }
        let mine = self.some(self.mine, 24)
        if self.dice.chance(10) {
            _ = try await self.call { try await $0.store.release($0.epoch, Array(mine.prefix(3))) }
        }
        if self.dice.chance(10) {
            let taken = try await self.store.takeShards(2, for: self.epoch)
            _ = try await self.store.start(self.epoch, taken)
        }
        _ = try await self.call { try await $0.store.start($0.epoch, mine) }
        for shard in self.shards where shard.owner == self.epoch {
            guard let target = shard.target else { continue }
            let owned = OwnedShard(shard: shard.shard, generation: shard.generation)
            _ = try await self.call { try await $0.store.handOver($0.epoch, owned, to: target) }
        }
    }

    private mutating func coordinate() async throws {
        guard let term = self.term else {
            self.term = try await self.call { try await $0.store.elect($0.epoch) }
            return
        }
        guard try await self.call({ try await $0.store.prolong(term) }) || self.dice.chance(50)
        else {
            self.term = nil
            return
        }
        if self.dice.chance(50) { try await self.look() }
        let nodes = self.peers + [self.epoch]
        var free: [Int32: NodeEpoch] = [:]
        var moves: [Int32: NodeEpoch] = [:]
        for shard in self.shards {
            let node = self.dice.pick(nodes)
            if shard.owner == nil { free[shard.shard] = node }
            if shard.state == .running, self.dice.chance(30) { moves[shard.shard] = node }
        }
        let (given, marked) = (free, moves)
        _ = try await self.call { try await $0.store.assign(term, given) }
        _ = try await self.call { try await $0.store.mark(term, marked) }
        _ = try await self.call { try await $0.store.force(term, Array(0..<ChaosLog.shards)) }
        if self.dice.chance(5) { try await self.call { try await $0.store.resign(term) } }
    }

    private mutating func accuse() async throws {
        guard let peer = self.peers.randomElement(using: &self.dice) else { return }
        let isHard = self.dice.chance(60)
        _ = try await self.call { try await $0.store.suspect(peer, by: $0.epoch, isHard: isHard) }
        if self.dice.chance(30) {
            try await self.call { try await $0.store.clear(peer, by: $0.epoch) }
        }
        _ = try await self.call { try await $0.store.evict(peer, by: $0.epoch, isHard: isHard) }
    }

    private mutating func change() async throws {
        switch Int.random(in: 0..<4, using: &self.dice) {
        case 0:
            try await self.call { try await $0.store.leave($0.epoch) }
            try await self.join()
        case 1:
            guard let peer = self.peers.randomElement(using: &self.dice) else { return }
            try await self.call { try await $0.store.evict(peer) }
        default:
            try await self.call { try await $0.store.drain($0.epoch) }
            if self.dice.chance(50) { try await self.look() }
            try await self.call { try await $0.store.undrain($0.epoch) }
        }
    }
}
