// Makes the lanes of this node's shards, wakes them, and has them end when their shard goes.

internal import Cluster
internal import Distributed
internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store

/// The lanes of a node.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation; its lanes are its children.
actor DispatcherActor {
    /// A shard that this node serves.
    struct Held {
        var shard: OwnedShard
        var gate: ShardGate
        /// Its earlier runs are taken over: only then its lanes take new runs.
        var isReady = false
        /// It is about to move: it gets no new lanes, and those it has take no runs.
        var isLeaving = false
        var lanes: [LaneChannel] = []
    }

    /// What follows from the lease, or from a change of shards, and takes longer.
    private enum Chore {
        case takeOver
        case recheck
    }

    let node: NodeEpoch
    /// When the next run is due.
    nonisolated let due: DueTimer
    private let system: ClusterSystem
    let room: Room
    private nonisolated let effects: EffectsGate
    /// Fired when the runs of its first shards are taken up.
    nonisolated let hasBegun = StopSignal()
    var shards: [Int32: Held] = [:]
    private(set) var lanes: [Int64: OwnedLane] = [:]
    /// The sessions of these lanes, with how many each has.
    private var sessions: [String: (actor: SessionActor, lanes: Int)] = [:]
    /// How fast runs that the database remembers are taken up.
    var recall = RecallMachine<RemainingRun>(perSecond: 500, burst: 100)
    var isTakingOver = false
    /// How often somebody asked to look again.
    var recheckCount = 0
    private var polls = 0
    /// Looking for lanes with queued runs takes one part in this many of the time, at most.
    private static let readyShare = 50
    private static let readyPauseMax: Duration = .seconds(15)
    private var readyNotBefore: Duration = .zero
    /// Somebody knows of requests that may not have been read yet.
    var isLookDue = false
    nonisolated let looks = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let starts: AsyncStream<(OwnedLane, SessionActor)>
    private let started: AsyncStream<(OwnedLane, SessionActor)>.Continuation
    // Unbounded on purpose: a chore for each change of the lease and each handful of shards.
    private nonisolated let chores = AsyncStream<Chore>.makeStream()
    /// Times at which the runs must stop: they do not wait behind a chore that waits for the database.
    private nonisolated let stops =
        AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(node: NodeEpoch, system: ClusterSystem, room: Room, effects: EffectsGate) {
        self.node = node
        self.system = system
        self.room = room
        self.effects = effects
        self.due = DueTimer(room.deadlines)
        (self.starts, self.started) = AsyncStream.makeStream()
    }

    /// Runs the lanes until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { for await chore in self.chores.stream { await self.perform(chore) } }
            group.addTask { for await _ in self.stops.stream { await self.stopRuns() } }
            group.addTask { await self.answerRequests() }
            for await (lane, session) in self.starts {
                group.addTask {
                    await session.whenLocal { await $0.supervise(lane) }
                    await self.ended(lane)
                }
            }
            // Cancelled: the children are cancelled with this group and end here.
        }
    }

    private func ended(_ lane: OwnedLane) {
        let (channel, row) = (lane.channel, lane.channel.row)
        self.shards[row.shard]?.lanes.removeAll { $0 === channel }
        guard self.lanes[row.id]?.channel === channel else { return }
        self.remove(row)
        // What it worked on when it lost its log comes before what the next one takes.
        if channel.log.isLost { self.shards[row.shard]?.isReady = false }
    }

    /// Forgets a lane, and its session with the last one.
    private func remove(_ row: LaneRow) {
        self.lanes[row.id] = nil
        self.sessions[row.session]?.lanes -= 1
        guard self.sessions[row.session]?.lanes == 0 else { return }
        self.sessions[row.session] = nil
        self.room.sessions.forget(row.session)
    }

    private func perform(_ chore: Chore) async {
        switch chore {
        case .takeOver: await self.takeOver()
        case .recheck: await self.recheck()
        }
    }

    private func stopRuns() async {
        for lane in self.lanes.values { await lane.actor.whenLocal { $0.stopRuns() } }
    }

    // MARK: Looking for work

    /// Looks for queued runs and requests; what a notice usually does sooner.
    ///
    /// - Parameter isAsked: Whether somebody says that there is something, for a reason.
    func poll(isAsked: Bool = false) async {
        let begin = NodeClock.now
        let looksAtReady = isAsked || begin >= self.readyNotBefore
        do {
            if !self.unready.isEmpty { self.chores.continuation.yield(.takeOver) }
            let working = looksAtReady && !isAsked ? self.workingLanes : []
            let glance = try await self.room.store.glance(atReady: looksAtReady && working.isEmpty)
            if glance.isReady || !working.isEmpty {
                try await self.wakeReadyLanes(except: working)
            }
            if looksAtReady { self.restFromReady(since: begin) }
            if glance.isAsked { self.heardOfRequests() }
            self.expect(glance)
            self.polls += 1
            if self.polls.isMultiple(of: Self.pollsPerPassivation) { await self.passivate() }
        } catch {
            // What is too much for the database must not keep the rest of the next poll from it.
            if looksAtReady { self.restFromReady(since: begin) }
            self.room.logger.debug("poll failed", metadata: ["reason": "\(error.message)"])
        }
    }

    /// Looking for lanes with queued runs reads what was claimed for as long as somebody's transaction
    /// keeps it: the dearer it is the rarer it is.
    private func restFromReady(since begin: Duration) {
        let now = NodeClock.now
        self.readyNotBefore = now + min((now - begin) * (Self.readyShare - 1), Self.readyPauseMax)
    }

    /// Lanes that go on by themselves, as what they took ends. What they took is in the way of whoever
    /// looks at what they have left, as long as a transaction is open.
    private var workingLanes: [Int64] {
        self.lanes.values.map(\.channel).filter {
            $0.isBusy && $0.tookRuns(within: Self.workingTime)
        }.map(\.row.id)
    }

    private static let workingTime: Duration = .seconds(2)
    /// So many polls apart working lanes are told their settings, if a notice of them was lost.
    private static let pollsPerReload = 5

    /// Wakes lanes of this node's shards that have queued runs.
    ///
    /// - Parameter working: Lanes that need not be woken.
    /// - Throws: What the database throws.
    func wakeReadyLanes(except working: [Int64] = []) async throws(StoreError) {
        let found = try await self.room.store.readyLanes(of: self.node, except: working)
        self.configure(found)
        if !working.isEmpty, self.polls.isMultiple(of: Self.pollsPerReload) {
            await self.reload(working)
        }
        // Those that wait for a rate have a timer.
        let lanes = found.map(\.lane).filter {
            self.lanes[$0]?.channel.isWaitingForRate != true
        }
        await self.wake(lanes)
    }

    private static let pollsPerPassivation = 60
    /// How long a lane has nothing to do before it goes from memory. The next run makes it anew.
    private static let idleMax: Duration = .seconds(300)

    /// Ends lanes that had nothing to do for a while.
    private func passivate() async {
        for lane in Array(self.lanes.values) {
            let isIdle = await lane.actor.whenLocal { $0.retire(idleFor: Self.idleMax) }
            if isIdle == true { self.ended(lane) }
        }
    }

    /// Wakes lanes that this node owns; makes those it does not know yet.
    func wake(_ lanes: [Int64]) async {
        do {
            try await self.ensureLanes(lanes)
        } catch {
            return self.room.logger.debug("wake failed", metadata: ["reason": "\(error.message)"])
        }
        for number in lanes {
            // Before its earlier runs are taken over it would take new ones ahead of them.
            guard let lane = self.lanes[number]?.channel,
                self.shards[lane.row.shard]?.isReady == true
            else { continue }
            lane.send(.wake)
        }
    }

    /// Has lanes of these numbers go by their settings as they are now.
    func reload(_ lanes: [Int64]) async {
        let known = lanes.filter { self.lanes[$0] != nil }
        // A failed look costs latency only: the poll brings the settings of lanes with work.
        guard !known.isEmpty, let rows = try? await self.room.store.loadLanes(known) else { return }
        self.configure(rows.map(\.settings))
    }

    private func configure(_ lanes: [LaneSettings]) {
        for lane in lanes { self.lanes[lane.lane]?.channel.send(.configure(lane)) }
    }

    /// Has lanes look whether runs of theirs were taken from them.
    func check(_ runs: [RunID]) {
        for lane in self.lanes.values { for run in runs { lane.channel.send(.check(run)) } }
    }

    // MARK: What other nodes say

    /// Has a lane look at what is stored for it.
    func heard(_ news: LaneNews) async {
        switch news {
        case .work(let lane): await self.wake([lane])
        case .due(_, let milliseconds): self.due.expect(after: .milliseconds(milliseconds))
        case .settings(let lane): await self.reload([lane])
        case .request(let lane, let run):
            self.lanes[lane]?.channel.send(.check(RunID(run)))
            self.heardOfRequests()
        }
    }

    /// Makes the lane that somebody calls, if it is one of this node's.
    func activate(_ lane: Int64) async { try? await self.ensureLanes([lane]) }

    /// Makes lanes that are not there yet.
    ///
    /// - Parameters:
    ///   - ids: Their numbers; those of shards that are not served here are passed over.
    ///   - isAdopting: Whether they take over runs: shards need not be ready then.
    /// - Throws: What the database throws when it cannot tell of them.
    func ensureLanes(_ ids: [Int64], isAdopting: Bool = false) async throws(StoreError) {
        let unknown = Set(ids).subtracting(self.lanes.keys)
        guard !unknown.isEmpty else { return }
        let rows = try await self.room.store.loadLanes(unknown.sorted())
        for row in rows {
            // Another caller may have made it while the rows were read.
            guard self.lanes[row.id] == nil, let held = self.shards[row.shard], !held.isLeaving,
                held.isReady || isAdopting
            else { continue }
            let session = self.session(row.session)
            let channel = LaneChannel(
                row: row,
                shard: held.shard,
                queue: self.room.queues.next(),
                budget: self.room.writer.budget
            )
            let actor = self.system.host(.number(row.id), shard: row.shard) { system in
                LaneActor(
                    channel,
                    isAdopting: isAdopting,
                    session: session,
                    effects: held.gate,
                    dispatcher: self,
                    room: self.room,
                    actorSystem: system
                )
            }
            let lane = OwnedLane(actor: actor, channel: channel)
            self.lanes[row.id] = lane
            self.shards[row.shard]?.lanes.append(channel)
            self.started.yield((lane, session))
        }
    }

    /// The session of one more lane.
    private func session(_ name: String) -> SessionActor {
        if let session = self.sessions[name]?.actor {
            self.sessions[name]?.lanes += 1
            return session
        }
        let session = self.system.host(.name(name)) {
            SessionActor(name, dispatcher: self, room: self.room, actorSystem: $0)
        }
        self.sessions[name] = (session, 1)
        return session
    }
}

extension DispatcherActor: ShardHost {
    nonisolated func trust(_ isTrusted: Bool) {
        if isTrusted {
            self.effects.open()
            self.chores.continuation.yield(.recheck)
        } else {
            self.effects.close()
            // Where others can reach the database they may take over: what runs here must stop.
            guard !self.room.configuration.isExclusive else { return }
            self.stops.continuation.yield()
        }
    }

    func perform(
        _ actions: [ShardOwnerMachine.Action],
        settled: @escaping @Sendable ([OwnedShard]) -> Void
    ) {
        var hasNew = false
        var resting: [OwnedShard] = []
        for action in actions {
            switch action {
            case .begin(let shard, let effectsFrom):
                self.lose(shard.shard)
                let gate = ShardGate(self.effects, from: effectsFrom)
                self.shards[shard.shard] = Held(shard: shard, gate: gate)
                hasNew = true
            case .settle(let shard): if self.settle(shard, settled) { resting.append(shard) }
            case .resume(let shard): self.resume(shard)
            case .stop(let shard), .forward(let shard, _, _):
                if self.shards[shard.shard]?.shard == shard { self.lose(shard.shard) }
            }
        }
        if hasNew { self.chores.continuation.yield(.takeOver) }
        if !resting.isEmpty { settled(resting) }
    }

    /// - Returns: Whether the shard is at rest; else `settled` is called when it is.
    private func settle(
        _ shard: OwnedShard,
        _ settled: @escaping @Sendable ([OwnedShard]) -> Void
    ) -> Bool {
        guard let held = self.shards[shard.shard], held.shard == shard else { return false }
        self.shards[shard.shard]?.isLeaving = true
        for lane in held.lanes { lane.send(.drain) }
        return held.gate.close { settled([shard]) }
    }

    private func resume(_ shard: OwnedShard) {
        guard let held = self.shards[shard.shard], held.shard == shard else { return }
        self.shards[shard.shard]?.isLeaving = false
        held.gate.open()
        for lane in held.lanes { lane.send(.resume) }
    }

    /// Ends everything of a shard, without writing.
    private func lose(_ shard: Int32) {
        guard let held = self.shards.removeValue(forKey: shard) else { return }
        for lane in held.lanes {
            lane.lose()
            if self.lanes[lane.row.id]?.channel === lane { self.remove(lane.row) }
        }
    }
}
