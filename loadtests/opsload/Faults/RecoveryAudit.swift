// Decides how long the work of a node that was killed or drained waited for its next owner.

/// Which node was hit when, by its epoch. Microseconds since 1970.
struct NodeLoss: Sendable, Hashable {
    var node: String
    var at: Int64
}

/// What a loss cost, from the histories of shards and claims. Pure; microseconds.
struct RecoveryAudit: Sendable {
    /// What one loss cost.
    struct Cost: Sendable, Hashable {
        /// By shard, until another epoch owned it.
        var shards: [Int64: Int64] = [:]
        /// By lane with work, until another epoch took up its next run.
        var lanes: [Int64: Int64] = [:]
        /// Shards and lanes of which nothing more was heard.
        var missing = 0

        /// Until everything was as before.
        var whole: Int64? { (Array(self.shards.values) + Array(self.lanes.values)).max() }
    }

    private let evidence: FaultEvidence
    private let changes: [Int64: [FaultEvidence.ShardChange]]
    private let claims: [Int64: [FaultEvidence.Claim]]
    private let runs: [Int64: [FaultEvidence.Run]]

    init(_ evidence: FaultEvidence) {
        self.evidence = evidence
        self.changes = Dictionary(
            grouping: evidence.shardChanges.sorted {
                ($0.generation, $0.at) < ($1.generation, $1.at)
            },
            by: \.shard
        )
        self.claims = Dictionary(grouping: evidence.claims.sorted { $0.at < $1.at }, by: \.lane)
        self.runs = Dictionary(grouping: evidence.runs, by: \.lane)
    }

    /// The epoch that a node had at a moment.
    func epoch(of node: String, at: Int64) -> Int64? {
        self.evidence.nodes.filter { $0.name == node && $0.started <= at }
            .max { $0.epoch < $1.epoch }?.epoch
    }

    /// What a node held at a moment.
    private func shards(of epoch: Int64, at: Int64) -> [Int64] {
        self.changes.compactMap { shard, changes in
            changes.last { $0.at <= at }?.owner == epoch ? shard : nil
        }
    }

    /// When somebody else served a shard, after a moment.
    private func served(_ shard: Int64, notBy epoch: Int64, after at: Int64) -> Int64? {
        self.changes[shard]?.first {
            $0.at > at && $0.owner != 0 && $0.owner != epoch && $0.state == "running"
        }?.at
    }

    /// What SIGKILL cost.
    func kill(_ loss: NodeLoss) -> Cost {
        var cost = Cost()
        guard let epoch = self.epoch(of: loss.node, at: loss.at) else { return cost }
        let shards = Set(self.shards(of: epoch, at: loss.at))
        for shard in shards {
            if let at = self.served(shard, notBy: epoch, after: loss.at) {
                cost.shards[shard] = at - loss.at
            } else {
                cost.missing += 1
            }
        }
        for lane in self.evidence.lanes where shards.contains(lane.shard) {
            guard self.hasWork(lane.id, at: loss.at) else { continue }
            if let claim = self.claim(lane.id, notBy: epoch, after: loss.at) {
                cost.lanes[lane.id] = claim.at - loss.at
            } else {
                cost.missing += 1
            }
        }
        return cost
    }

    /// What a drain cost beyond the time in which its node still worked.
    ///
    /// A shard waits from the moment its owner lets it go, and so does a lane whose run is under way
    /// then and goes on elsewhere. A lane between two runs waits from the end of the last one, or from
    /// when the next one was ordered: its shard may have had to wait for another lane's step.
    func drain(_ loss: NodeLoss) -> Cost {
        var cost = Cost()
        guard let epoch = self.epoch(of: loss.node, at: loss.at) else { return cost }
        let shards = Set(self.shards(of: epoch, at: loss.at))
        var released: [Int64: Int64] = [:]
        for shard in shards {
            guard
                let left = self.changes[shard]?.first(where: {
                    $0.at > loss.at && $0.owner != epoch
                }),
                let at = self.served(shard, notBy: epoch, after: loss.at)
            else {
                cost.missing += 1
                continue
            }
            released[shard] = left.at
            cost.shards[shard] = at - left.at
        }
        for lane in self.evidence.lanes {
            guard let left = released[lane.shard], self.hasWork(lane.id, at: loss.at),
                let claim = self.claim(lane.id, notBy: epoch, after: loss.at)
            else { continue }
            guard !self.isUnderWay(lane.id, at: left) else {
                cost.lanes[lane.id] = claim.at - left
                continue
            }
            let ended = (self.runs[lane.id] ?? []).map(\.finished).filter { $0 <= left }.max()
            let due = self.evidence.runs.first { $0.id == claim.run }?.enqueued
            let since = max(ended ?? 0, due ?? 0, loss.at)
            cost.lanes[lane.id] = max(0, claim.at - since)
        }
        return cost
    }

    private func hasWork(_ lane: Int64, at: Int64) -> Bool {
        (self.runs[lane] ?? []).contains { $0.enqueued <= at && $0.finished > at }
    }

    /// Whether somebody had taken up a run of the lane that had not ended yet.
    private func isUnderWay(_ lane: Int64, at: Int64) -> Bool {
        let taken = Set((self.claims[lane] ?? []).filter { $0.at <= at }.map(\.run))
        return (self.runs[lane] ?? []).contains { taken.contains($0.id) && $0.finished > at }
    }

    private func claim(_ lane: Int64, notBy epoch: Int64, after at: Int64) -> FaultEvidence.Claim? {
        self.claims[lane]?.first { $0.at > at && $0.owner != epoch }
    }
}
