// Takes up the runs that earlier owners of this node's shards left, a few at a time.

internal import Cluster
internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store

/// A run that is under way by what the database says, and the shard that brought it.
struct RemainingRun: Sendable, Hashable {
    var run: RunID
    var lane: Int64
    var shard: OwnedShard
}

extension DispatcherActor {
    var unready: [OwnedShard] { self.shards.values.filter { !$0.isReady }.map(\.shard) }

    /// Compares memory with the database: adopts runs of mine that nobody works on.
    func recheck() async {
        // Until it worked no lane takes new runs, and every poll tries again.
        self.forgetReady()
        self.recheckCount += 1
        await self.takeOver()
    }

    private func forgetReady() {
        for shard in self.shards.keys { self.shards[shard]?.isReady = false }
    }

    /// Takes up what is under way in shards that are not ready; those whose runs all came to their lanes
    /// are ready. After a failover many come at once, so they come at a steady pace.
    func takeOver() async {
        // Whoever is at it sees to what came meanwhile, too.
        guard !self.isTakingOver else { return }
        self.isTakingOver = true
        defer { self.isTakingOver = false }
        var tried: Set<OwnedShard> = []
        var asked = self.recheckCount
        while !Task.isCancelled {
            let next = self.unready.filter { !tried.contains($0) }
            if next.isEmpty {
                if !self.shards.isEmpty { self.hasBegun.fire() }
                if !tried.isEmpty { self.heardOfRequests() }
                // Whoever asked meanwhile may know of more than was read before.
                guard asked != self.recheckCount else { return }
                asked = self.recheckCount
                tried = []
                self.forgetReady()
                continue
            }
            tried.formUnion(next)
            do throws(StoreError) {
                try await self.takeOver(next)
            } catch {
                if asked != self.recheckCount { self.forgetReady() }
                return self.room.logger.warning(
                    "shards not taken over yet",
                    metadata: ["count": "\(next.count)", "reason": "\(error.message)"]
                )
            }
            // Their queued runs; shards that came meanwhile do not wait for more than that.
            try? await self.wakeReadyLanes()
        }
    }

    private func takeOver(_ shards: [OwnedShard]) async throws(StoreError) {
        // What lanes come to doubt from here on is not answered by what is read now.
        let doubts = self.lanes.mapValues(\.channel.doubts)
        let live = try await self.room.store.liveRuns(shards: shards.map(\.shard))
        try await self.ensureLanes(live.map(\.lane), isAdopting: true)
        let byNumber = Dictionary(uniqueKeysWithValues: shards.map { ($0.shard, $0) })
        var left: [OwnedShard: Int] = [:]
        var leftInLane: [Int64: Int] = [:]
        var remaining: [RemainingRun] = []
        for (run, number) in live {
            // A lane that is not here belongs to a shard that is about to move, or has.
            guard let lane = self.lanes[number]?.channel, let shard = byNumber[lane.row.shard]
            else {
                continue
            }
            remaining.append(RemainingRun(run: run, lane: number, shard: shard))
            left[shard, default: 0] += 1
            leftInLane[number, default: 0] += 1
        }
        // A lane without any is told so too, when it does not know.
        for (number, count) in doubts where count > 0 && leftInLane[number] == nil {
            guard let lane = self.lanes[number]?.channel, byNumber[lane.row.shard] != nil else {
                continue
            }
            lane.send(.adopt([], doubts: count))
        }
        for shard in shards where left[shard] == nil { self.markReady(shard) }
        while !remaining.isEmpty || self.recall.count > 0 {
            // Those that find no place are offered again when some have gone.
            remaining = self.recall.remember(remaining)
            let due = self.recall.due(at: NodeClock.now)
            for (number, runs) in Dictionary(grouping: due, by: \.lane) {
                guard let lane = self.lanes[number]?.channel else { continue }
                leftInLane[number, default: 0] -= runs.count
                let isAll = leftInLane[number] == 0
                lane.send(.adopt(runs.map(\.run), doubts: isAll ? doubts[number] ?? 0 : nil))
            }
            for run in due {
                left[run.shard, default: 1] -= 1
                if left[run.shard] == 0 { self.markReady(run.shard) }
            }
            guard let wakeAt = self.recall.wakeAt else { continue }
            try? await Task.sleep(until: NodeClock.instant(wakeAt), clock: .continuous)
            if Task.isCancelled { return }
        }
    }

    /// Lets a shard's lanes take new runs, unless it is another's by now.
    private func markReady(_ shard: OwnedShard) {
        guard self.shards[shard.shard]?.shard == shard else { return }
        self.shards[shard.shard]?.isReady = true
    }
}
