// Knows which shards this node owns, makes their lanes and wakes them.

internal import Logging
internal import PulserIR
internal import Store

/// The lanes of a node.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation; its lanes are its children.
actor DispatcherActor {
    private let node: NodeEpoch
    private let room: Room
    private var shards: [Int32: OwnedShard] = [:]
    /// Shards whose earlier runs are taken over: only these lanes take new runs.
    private var ready: Set<Int32> = []
    private var draining: Set<Int32> = []
    /// The node ends: no lane takes runs again.
    private var isStopping = false
    private var lanes: [Int64: LaneActor] = [:]
    private let starts: AsyncStream<LaneActor>
    private let started: AsyncStream<LaneActor>.Continuation

    init(node: NodeEpoch, room: Room) {
        self.node = node
        self.room = room
        (self.starts, self.started) = AsyncStream.makeStream()
    }

    /// Runs the lanes until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await lane in self.starts {
                group.addTask {
                    await lane.run()
                    await self.ended(lane)
                }
            }
            // Cancelled: the children are cancelled with this group and end here.
        }
    }

    private func ended(_ lane: LaneActor) {
        if self.lanes[lane.row.id] === lane { self.lanes[lane.row.id] = nil }
    }

    /// Shards with something under way, and the others.
    func load() async -> (idle: [Int], busy: [Int]) {
        var busy: Set<Int32> = []
        for lane in self.lanes.values where await !lane.isIdle { busy.insert(lane.row.shard) }
        let idle = self.shards.keys.filter { !busy.contains($0) }
        return (idle.map(Int.init), busy.map(Int.init))
    }

    /// How many shards this node owns.
    var shardCount: Int { self.shards.count }

    /// Takes new shards into service: first their unfinished runs, then new ones.
    func gain(_ shards: [OwnedShard]) async {
        for shard in shards { self.shards[shard.shard] = shard }
        await self.takeOver(shards.map(\.shard))
    }

    /// Compares memory with the database: adopts runs of mine that nobody works on.
    func recheck() async {
        // Until it worked no lane takes new runs, and every poll tries again.
        self.ready = []
        await self.takeOver(Array(self.shards.keys))
    }

    private func takeOver(_ shards: [Int32]) async {
        guard !shards.isEmpty else { return }
        do {
            let live = try await self.room.store.liveRuns(shards: shards)
            try await self.ensureLanes(live.map(\.lane))
            for (lane, runs) in Dictionary(grouping: live, by: \.lane) {
                self.lanes[lane]?.send(.adopt(runs.map(\.run)))
            }
            self.ready.formUnion(shards)
            await self.poll()
        } catch {
            self.room.logger.warning(
                "shards not taken over yet",
                metadata: ["count": "\(shards.count)", "reason": "\(error.message)"]
            )
        }
    }

    /// Gives up those of these shards whose lanes are idle and agree to end; the others are drained.
    func giveUp(_ shards: [Int32]) async -> [OwnedShard] {
        guard !self.isStopping else { return [] }
        // Draining shards get no new lanes while the present ones are asked.
        self.draining.formUnion(shards)
        var free: [Int32] = []
        for shard in shards {
            var busy: [LaneActor] = []
            for lane in self.lanes.values where lane.row.shard == shard {
                if await !lane.retire() { busy.append(lane) }
            }
            if busy.isEmpty { free.append(shard) }
            // Or a lane that always has work would keep its shard forever.
            for lane in busy { lane.send(.drain) }
        }
        return self.lose(free)
    }

    /// The shards given away; their lanes are idle or end without writing.
    func lose(_ shards: [Int32]) -> [OwnedShard] {
        let lost = shards.compactMap { self.shards.removeValue(forKey: $0) }
        let numbers = Set(shards)
        self.ready.subtract(numbers)
        self.draining.subtract(numbers)
        for lane in self.lanes.values where numbers.contains(lane.row.shard) {
            lane.lose()
            self.lanes[lane.row.id] = nil
        }
        return lost
    }

    /// All shards: the lease is over.
    func loseAll() { _ = self.lose(Array(self.shards.keys)) }

    /// Lanes of these shards take no more runs; those of others take runs again.
    func drain(_ shards: [Int32]) {
        guard !self.isStopping else { return }
        let leaving = Set(shards).intersection(self.shards.keys)
        let back = self.draining.subtracting(leaving)
        self.draining.subtract(back)
        for lane in self.lanes.values where back.contains(lane.row.shard) { lane.send(.resume) }
        let fresh = leaving.subtracting(self.draining)
        self.draining.formUnion(fresh)
        for lane in self.lanes.values where fresh.contains(lane.row.shard) { lane.send(.drain) }
    }

    /// Stops all runs where they are; when the lease is trusted again they are taken up anew.
    func stopRuns() async { for lane in self.lanes.values { await lane.stopRuns() } }

    /// No lane takes any more runs.
    func drainAll() {
        self.drain(Array(self.shards.keys))
        self.isStopping = true
    }

    /// Looks for queued runs and requests; what a notice usually does sooner.
    func poll() async {
        do {
            let unready = self.shards.keys.filter { !self.ready.contains($0) }
            if !unready.isEmpty { return await self.takeOver(unready) }
            let found = try await self.room.store.readyLanes(of: self.node)
            self.configure(found)
            await self.wake(found.map(\.lane))
            try await self.answerRequests()
        } catch {
            self.room.logger.debug("poll failed", metadata: ["reason": "\(error.message)"])
        }
    }

    /// Wakes lanes that this node owns; makes those it does not know yet.
    func wake(_ lanes: [Int64]) async {
        do {
            try await self.ensureLanes(lanes)
        } catch {
            return self.room.logger.debug("wake failed", metadata: ["reason": "\(error.message)"])
        }
        for lane in lanes { self.lanes[lane]?.send(.wake) }
    }

    /// Has lanes of these numbers go by their settings as they are now.
    func reload(_ lanes: [Int64]) async {
        let known = lanes.filter { self.lanes[$0] != nil }
        // A failed look costs latency only: the poll brings the settings of lanes with work.
        guard !known.isEmpty, let rows = try? await self.room.store.loadLanes(known) else { return }
        self.configure(rows.map(\.settings))
    }

    private func configure(_ lanes: [LaneSettings]) {
        for lane in lanes { self.lanes[lane.lane]?.send(.configure(lane)) }
    }

    /// Hands requests to the lanes of their runs.
    func answerRequests() async throws(StoreError) {
        let requests = try await self.room.store.requests(of: self.node)
        try await self.ensureLanes(requests.map(\.fence.lane))
        for request in requests { self.lanes[request.fence.lane]?.send(.cancel(request)) }
        for pause in try await self.room.store.pauses(of: self.node) {
            self.lanes[pause.lane]?.send(.pause(pause))
        }
    }

    /// Has lanes look whether runs of theirs were taken from them.
    func check(_ runs: [RunID]) {
        for lane in self.lanes.values { for run in runs { lane.send(.check(run)) } }
    }

    private func ensureLanes(_ ids: [Int64]) async throws(StoreError) {
        let unknown = Set(ids).subtracting(self.lanes.keys)
        guard !unknown.isEmpty else { return }
        let rows = try await self.room.store.loadLanes(unknown.sorted())
        for row in rows {
            // Another caller may have made it while the rows were read.
            guard self.lanes[row.id] == nil, let shard = self.shards[row.shard],
                !self.draining.contains(row.shard)
            else { continue }
            let lane = LaneActor(row: row, shard: shard, room: self.room)
            self.lanes[row.id] = lane
            self.started.yield(lane)
        }
    }
}
