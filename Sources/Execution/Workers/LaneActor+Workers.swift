// What a lane does whose runs are worked outside: it takes as many as workers wait for.

internal import Cluster
internal import Distributed
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store

extension LaneActor {
    /// Has a worker wait for runs of this lane, wherever it asked.
    ///
    /// - Returns: Whether it waits; `false` when the lane is not worked outside, or too many wait.
    distributed func want(_ wish: WorkerWish) async -> Bool {
        guard self.worker == .external else {
            // What changed that may have been lost on the way here.
            await self.dispatcher?.reload([wish.lane])
            return false
        }
        let isPatient = wish.waitMilliseconds > 0
        let isKept = self.wishes.ask(
            WishMachine.Wish(
                node: wish.node,
                number: wish.number,
                worker: wish.worker,
                runsMax: max(1, wish.runsMax),
                lease: .milliseconds(wish.leaseMilliseconds),
                until: isPatient ? NodeClock.now + .milliseconds(wish.waitMilliseconds) : nil
            ),
            at: NodeClock.now
        )
        self.claim(self.machine.handle(.wake))
        self.answerImpatient()
        return isKept
    }

    /// Has a worker not wait any more.
    distributed func forgo(_ wish: WorkerWish) {
        self.wishes.drop(node: wish.node, number: wish.number)
    }

    /// Asks the writer for as many runs as workers wait for.
    func claimForWorkers(_ free: Int) {
        let demand = self.wishes.demand(at: NodeClock.now)
        let (channel, shared) = (self.channel, self.room)
        guard demand > 0, !channel.isOver, !channel.waitsForReads() else {
            _ = self.machine.handle(.claimed([]))
            return
        }
        channel.claims(true)
        let count = min(free, demand)
        let want = channel.want(count)
        shared.writer.claim([want]) { answer in
            guard case .success(let runs) = answer else { return channel.send(.claimFailed) }
            let taken = channel.took(runs, of: count, want)
            let claimed = taken.runs
            // A lane that has ended meanwhile works on nothing: its next owner adopts them.
            if channel.isOver, !claimed.isEmpty { shared.recheck() }
            if let lookAt = taken.lookAt { shared.fronts.look(at: channel, at: lookAt) }
            let isShort = channel.busy != nil && claimed.count < count
            channel.send(.claimedForWorkers(claimed, hasMore: taken.hasMore && !isShort))
            if isShort { channel.send(.shortened) }
        }
    }

    /// Hands claimed runs to those who have waited longest; what nobody waits for any more goes back.
    func hand(_ claimed: [ClaimedRun]) {
        let system = self.actorSystem
        var left = claimed[...]
        for (wish, count) in self.wishes.give(claimed.count, at: NodeClock.now) {
            let runs = left.prefix(count)
            let numbers = runs.map(\.fence.run.number)
            let handover = Handover(numbers, to: wish.worker, lease: wish.lease) { runs in
                await LinkWorkers.deliver(runs, to: wish, over: system)
            }
            for run in runs { self.start(run, .handing(handover)) }
            left = left.dropFirst(count)
        }
        for run in left { self.start(run, .unclaimed) }
    }

    /// Tells those who do not wait that there is nothing, unless there may be.
    func answerImpatient() {
        guard !self.channel.isClaiming else { return }
        let system = self.actorSystem
        for wish in self.wishes.takeImpatient() {
            // SAFETY: ends with the call, which has a deadline; nobody waits for what it says.
            Task.detached { _ = await LinkWorkers.deliver([], to: wish, over: system) }
        }
    }

    /// Where runs that were under way go on: `nil` means here.
    func beginnings(
        of claimed: [ClaimedRun]
    ) async throws(StoreError) -> [RunID: OutsideBeginning] {
        guard !claimed.isEmpty else { return [:] }
        let claims = try await self.room.store.externalClaims(of: claimed.map(\.fence.run))
        var beginnings: [RunID: OutsideBeginning] = [:]
        for run in claimed {
            let id = run.fence.run
            let claim = claims[id].flatMap { $0.attempt == run.attempt ? $0 : nil }
            if let claim, !claim.isOver {
                beginnings[id] = .adopted(claim)
            } else if self.worker == .external, claim != nil || run.firstSequence == nil {
                beginnings[id] = .unclaimed
            }
        }
        return beginnings
    }

    /// What keeps a lane that is worked outside from its work.
    var workersObstacle: LaneObstacle? {
        let now = NodeClock.now
        guard self.worker == .external, self.machine.active.count < self.machine.width,
            !self.wishes.isAwaited(at: now)
        else { return nil }
        let since = self.wishes.askedAt ?? self.madeAt
        return LaneObstacle(
            .noWorker,
            "its lane is worked by programs outside, and none "
                + (self.wishes.askedAt == nil ? "has asked" : "asks") + " for a run",
            sinceMilliseconds: Int64((now - since) / .milliseconds(1))
        )
    }
}
