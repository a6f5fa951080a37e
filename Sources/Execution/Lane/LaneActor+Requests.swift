// Decides how a run of a lane ends that somebody wants to end: by itself, or, never begun, by its lane.

internal import Distributed
internal import Logging
internal import PulserIR
internal import Store

extension LaneActor {
    /// Has a run that is under way here end.
    ///
    /// - Returns: Whether it is here, or is looked for.
    func cancel(_ request: RunRequest) -> Bool {
        if let run = self.runs[request.fence.run] {
            run.cancel(reason: request.reason, isLate: request.isTimeout)
            return true
        }
        // Left alone because nothing of it could be stored: its end is worth a try.
        guard self.left.contains(request.fence.run) else { return false }
        if self.channel.takesBack(request.fence.run) {
            // Not even its claim: its end is the lane's to write.
            self.left.remove(request.fence.run)
            return false
        }
        self.room.recheck()
        return true
    }

    /// Ends runs that were queued when somebody looked. A run's end that is sent again is taken for
    /// its first one that came late, and its event is stored a second time: so whoever asks looks
    /// again only after this has returned.
    func end(_ requests: [RunRequest]) async {
        await withDiscardingTaskGroup { group in
            for request in requests where !self.cancel(request) {
                group.addTask { await self.end(request) }
            }
        }
    }

    private func end(_ request: RunRequest) async {
        // A claim that was sent may bring this run; it then brings the request too.
        guard !self.channel.isClaiming else { return }
        // It never started: the lane itself writes its end.
        let event = RunEvent(
            request.isTimeout ? .runTimedOut : .runCancelled,
            at: WallClock.milliseconds,
            run: request.fence.run,
            data: .object(["reason": .string(request.reason)])
        )
        let sequence = self.channel.log.nextSequence
        let transition = RunTransition(
            status: request.isTimeout ? .timedOut : .cancelled,
            retryCount: 0,
            failure: request.reason,
            firstSequence: sequence,
            lastSequence: sequence
        )
        do {
            try await self.room.writer.submit(
                [.transition(transition), .event(event)],
                fence: request.fence,
                log: self.channel.log
            )
        } catch {
            self.room.logger.debug("cancel was late", metadata: ["run": "\(request.fence.run)"])
        }
    }
}
