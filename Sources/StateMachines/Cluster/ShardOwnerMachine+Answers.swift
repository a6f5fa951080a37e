// Decides what follows for a node's shards from what the database answered.

internal import PulserIR

extension ShardOwnerMachine {
    /// Takes the outcome of a request of ``work(at:)``.
    public mutating func answered(
        _ request: DirectoryRequest,
        _ answer: DirectoryAnswer,
        at now: Duration
    ) -> [Action] {
        let owned: Set<OwnedShard>? =
            if case .owned(let shards) = answer { Set(shards) } else { nil }
        switch request {
        case .start(let shards):
            return shards.flatMap { self.started($0, owned, at: now) }
        case .release(let shards):
            for shard in shards { self.released(shard, owned, at: now) }
            return []
        case .decline(let shards):
            return shards.flatMap { self.declined($0, owned, at: now) }
        case .handOver(let shard, let target):
            return self.handedOver(shard, target, answer, at: now)
        default: return []
        }
    }

    private mutating func started(
        _ shard: OwnedShard,
        _ owned: Set<OwnedShard>?,
        at now: Duration
    ) -> [Action] {
        guard let entry = self.entry(of: shard) else { return [] }
        self.owned[shard.shard]?.isAsking = false
        guard let owned else {
            self.owned[shard.shard]?.notBefore = now + self.timing.pause
            return []
        }
        guard owned.contains(shard) else {
            // Not ours as we know it; the next reading says how it stands.
            self.remove(shard.shard)
            return []
        }
        self.set(shard.shard, .running)
        if self.table[Int(shard.shard)].generation == shard.generation {
            self.table[Int(shard.shard)].state = .running
        }
        return [.begin(shard, effectsFrom: entry.effectsFrom)]
    }

    private mutating func released(
        _ shard: OwnedShard,
        _ owned: Set<OwnedShard>?,
        at now: Duration
    ) {
        guard self.entry(of: shard) != nil else { return }
        self.owned[shard.shard]?.isAsking = false
        guard owned != nil else {
            self.owned[shard.shard]?.notBefore = now + self.timing.pause
            return
        }
        // Released by this request or lost before it: either way the generation is a higher one.
        self.leave(shard, to: nil, generation: shard.generation + 1, state: .free)
    }

    private mutating func declined(
        _ shard: OwnedShard,
        _ owned: Set<OwnedShard>?,
        at now: Duration
    ) -> [Action] {
        guard self.entry(of: shard) != nil else { return [] }
        self.owned[shard.shard]?.isAsking = false
        guard let owned else {
            self.owned[shard.shard]?.notBefore = now + self.timing.pause
            return []
        }
        guard owned.contains(shard) else {
            self.set(shard.shard, .doubtful(since: now))
            return []
        }
        self.set(shard.shard, .running)
        if self.table[Int(shard.shard)].generation == shard.generation {
            self.table[Int(shard.shard)].state = .running
            self.table[Int(shard.shard)].target = nil
        }
        return [.resume(shard)]
    }

    private mutating func handedOver(
        _ shard: OwnedShard,
        _ target: NodeEpoch,
        _ answer: DirectoryAnswer,
        at now: Duration
    ) -> [Action] {
        guard self.entry(of: shard) != nil else { return [] }
        self.owned[shard.shard]?.isAsking = false
        guard case .handedOver(let generation) = answer else {
            self.owned[shard.shard]?.notBefore = now + self.timing.pause
            return []
        }
        guard let generation else {
            self.set(shard.shard, .doubtful(since: now))
            return []
        }
        self.leave(shard, to: target, generation: generation, state: .assigned)
        return [.forward(shard, to: target, generation: generation)]
    }

    private mutating func leave(
        _ shard: OwnedShard,
        to owner: NodeEpoch?,
        generation: Int64,
        state: ShardState
    ) {
        self.remove(shard.shard)
        guard self.table[Int(shard.shard)].generation < generation else { return }
        self.table[Int(shard.shard)] = ShardView(
            shard: shard.shard,
            owner: owner,
            generation: generation,
            state: state
        )
    }

    private func entry(of shard: OwnedShard) -> Owned? {
        guard let entry = self.owned[shard.shard], entry.generation == shard.generation else {
            return nil
        }
        return entry
    }
}
