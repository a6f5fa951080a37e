// Follows one run on the terminal: live while it goes on, whole at its end.

import ControlRoom
import PulserIR

/// A run that somebody watches.
struct RunWatch: Sendable {
    let id: RunID
    let plan: Plan
    let output: OutputOptions
    /// What further commands need to mean this room.
    let words: String
    /// What Ctrl-C means for the run.
    let interruption: RoomError
    /// What the node of this process says, if there is one.
    var notices: NoticeBoard?
    /// Whether the event of this number is told for the first time.
    var isNew: @Sendable (Int64) async -> Bool = { _ in true }

    /// Watches to the run's end.
    ///
    /// - Parameter room: The door it came through.
    /// - Returns: The run as it ended.
    /// - Throws: ``interruption`` after a signal.
    func follow(_ room: any RoomAccess) async throws -> RunFacts {
        let view = RunView(plan: self.plan, id: self.id)
        let form = self.output.output
        self.notices?.show { await view.say($0) }
        let run = try await Interruptible.run(self.interruption) {
            try await withThrowingTaskGroup(of: RunFacts?.self) { group in
                group.addTask { try await self.tell(room, view, form) }
                if form == .table {
                    group.addTask {
                        await view.paintLoop()
                        return nil
                    }
                }
                var result: RunFacts?
                do {
                    while result == nil, let next = try await group.next() { result = next }
                } catch {
                    group.cancelAll()
                    // The picture is taken away before anything else is said.
                    while await group.nextResult() != nil {}
                    throw error
                }
                group.cancelAll()
                while await group.nextResult() != nil {}
                return result
            }
        }
        guard let run else { throw self.interruption }
        if form == .table { await view.printSummary(run, self.words) }
        if form == .json { self.output.printJSON(try await room.evidence(run.id)) }
        return run
    }

    private func tell(
        _ room: any RoomAccess,
        _ view: RunView,
        _ form: OutputForm
    ) async throws -> RunFacts {
        let observer = RunObserver(
            run: { await view.see($0) },
            notice: { await view.say($0) }
        )
        return try await room.follow(self.id, isLive: true, observer) { event in
            let isNew = await self.isNew(event.sequence)
            if form == .jsonl, isNew { Terminal.output.line(event.line) }
            await view.take(event.json)
        }
    }
}

/// Hears of a run between its events.
struct RunObserver: Sendable {
    /// The run, whenever it was looked at.
    var run: @Sendable (RunFacts) async -> Void = { _ in }
    /// A sentence while the way to it is broken, `nil` when it is mended.
    var notice: @Sendable (String?) async -> Void = { _ in }
}
