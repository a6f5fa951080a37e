// What a lane does about runs that crash: again after a while, never again, or a rest for the lane.

internal import Cluster
internal import Distributed
internal import Logging
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store

/// How a run's actor ended.
enum RunEnding: Sendable, Hashable {
    /// The run has ended, and that is stored.
    case ended
    /// It was let go: it is somebody else's, or the database is away.
    case letGo
    /// Something of it can never be stored, by what the database says; the reason is one sentence.
    case crashed(reason: String)
}

extension LaneActor {
    /// Why a run is to fail instead of being worked on; `nil` when it is to be worked on.
    func verdict(_ claimed: ClaimedRun) -> String? {
        let run = claimed.fence.run
        if self.supervision.start(run, at: NodeClock.now) { return nil }
        // Somebody gave it up: that it ends as they wish is worth a try.
        guard claimed.cancelReason == nil, let reason = self.supervision.isolated[run] else {
            return nil
        }
        return "it was tried \(SupervisionRules().crashesMax) times and could not go on: \(reason)"
    }

    /// Takes the end of a run's actor.
    func ended(
        _ run: RunID,
        _ ending: RunEnding,
        _ group: inout DiscardingTaskGroup
    ) async {
        switch ending {
        case .ended:
            self.forget(run)
            self.channel.settled(run)
            self.vacate(run)
        case .letGo:
            _ = self.supervision.ended(run, .finished, at: NodeClock.now, random: 0)
            // It is under way as far as the database knows, and comes before those behind it.
            // Whoever looked for runs that nobody works on while it was ending saw it here. One that
            // was never claimed is queued.
            if !self.channel.returns(run), !Task.isCancelled { self.doubt() }
            self.vacate(run)
        case .crashed(let reason): await self.crashed(run, reason, &group)
        }
    }

    /// What keeps the lane from taking runs; `nil` for nothing that only it knows.
    var presentObstacle: LaneObstacle? {
        let node = self.room.configuration.nodeName
        func since(_ start: Duration) -> Int64 { Int64((NodeClock.now - start) / .milliseconds(1)) }
        if self.machine.isResting {
            return LaneObstacle(
                .rests,
                "its lane rests on node \(node), because too much failed: \(self.resting.reason)",
                sinceMilliseconds: since(self.resting.since)
            )
        }
        if self.machine.isInDoubt {
            return LaneObstacle(
                .looks,
                "node \(node) looks whether earlier runs of its lane are still under way",
                sinceMilliseconds: since(self.doubtSince)
            )
        }
        guard let start = self.channel.placeAwaitedSince else { return self.workersObstacle }
        return LaneObstacle(
            .nodeFull,
            "node \(node) works on as many runs as it may at once "
                + "(\(self.room.configuration.runsMax)), of other lanes",
            sinceMilliseconds: since(start)
        )
    }

    /// Takes another run in the place of one that left, but not for each of those alone that ended with
    /// the same commit: they tell it one after the other on the lane's queue, and what is put there
    /// now comes after them.
    private func vacate(_ run: RunID) {
        _ = self.machine.handle(.ended(run))
        guard !self.isRefilling else { return }
        self.isRefilling = true
        let channel = self.channel
        channel.queue.submit { channel.send(.refill) }
    }

    /// Takes runs in the places of all that have left.
    func refill() {
        self.isRefilling = false
        self.claim(self.machine.handle(.wake))
    }

    private func forget(_ run: RunID) {
        _ = self.supervision.ended(run, .finished, at: NodeClock.now, random: 0)
        self.supervision.forgive(run)
        self.left.remove(run)
    }

    private func crashed(
        _ run: RunID,
        _ reason: String,
        _ group: inout DiscardingTaskGroup
    ) async {
        let decision = self.supervision.ended(
            run,
            .crashed(reason: reason),
            at: NodeClock.now,
            random: Double.random(in: 0..<1)
        )
        switch decision {
        case .restart(_, let pause):
            ExecutionMetrics.restarts.increment()
            self.restart(run, after: pause, &group)
        // Taken up once more, only to fail with its reason.
        case .isolate: self.restart(run, after: .zero, &group)
        case .escalate(let reason):
            // The fault is hardly in that one run. What is under way goes on: its work is not lost for
            // what happens to others.
            self.supervision.begin()
            let id = self.channel.row.id
            let pause = await self.session.whenLocal { $0.faulted(id, reason) } ?? .zero
            self.room.logger.warning(
                "lane rests",
                metadata: [
                    "session": "\(self.channel.row.session)", "lane": "\(self.channel.row.name)",
                    "for": "\(pause)", "reason": "\(reason)",
                ]
            )
            self.rest(pause, reason, &group)
            self.restart(run, after: pause, &group)
        case nil:
            self.left.insert(run)
            self.channel.putAside(run)
            self.room.logger.error(
                "run left as it is: mend the database, then cancel it",
                metadata: ["run": "\(run)", "reason": "\(reason)"]
            )
            self.vacate(run)
        }
    }

    /// Has a run keep its place until it is taken up again: the next one must not overtake it.
    private func restart(
        _ run: RunID,
        after pause: Duration,
        _ group: inout DiscardingTaskGroup
    ) {
        self.restarting.insert(run)
        group.addTask {
            try? await Task.sleep(for: pause)
            self.channel.send(.restart(run))
        }
    }

    /// Takes a run up again whose pause is over.
    func restart(_ run: RunID) async {
        guard self.restarting.remove(run) != nil, self.runs[run] == nil else { return }
        _ = await self.adopt([run])
        guard self.runs[run] == nil else { return }
        // Not even its claim could be stored: it is queued, and first, and its crashes count. Else a
        // person had it run again, or nobody can tell: then whoever looks finds it.
        if !self.channel.returns(run) {
            _ = self.supervision.ended(run, .finished, at: NodeClock.now, random: 0)
        }
        self.vacate(run)
    }

    /// Takes nothing for a while.
    func rest(_ time: Duration, _ reason: String, _ group: inout DiscardingTaskGroup) {
        self.rests += 1
        self.resting = (reason, NodeClock.now)
        let number = self.rests
        ExecutionMetrics.rests.increment()
        _ = self.machine.handle(.rest)
        group.addTask {
            try? await Task.sleep(for: time)
            self.channel.send(.rested(number))
        }
    }
}
