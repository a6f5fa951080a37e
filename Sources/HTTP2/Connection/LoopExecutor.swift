// Runs the tasks of requests on the event loop of their connection, without a hop between threads.

import NIOCore

/// A task executor on one event loop.
///
/// Jobs enqueued while a connection reads wait until the library has returned, and then run at once,
/// so that their answers leave with the same flush.
// SAFETY: the stored state is touched on the event loop only; jobs from elsewhere go through it.
final class LoopExecutor: TaskExecutor, TurnTaker, @unchecked Sendable {
    /// Jobs that run in one go before others have their turn.
    private static let jobsMax = 1_024

    let eventLoop: any EventLoop
    private let turns: LoopTurns
    private var ready: [UnownedJob] = []
    private var isHeld = false
    private var isScheduled = false
    private var isDraining = false

    init(_ turns: LoopTurns) {
        self.eventLoop = turns.eventLoop
        self.turns = turns
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard self.eventLoop.inEventLoop else {
            self.eventLoop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
            return
        }
        self.ready.append(job)
        if !self.isHeld, !self.isDraining { self.schedule() }
    }

    /// Until ``drain()``, jobs only gather.
    ///
    /// - Parameter isBriefly: Whether ``drain()`` is certain to follow; if not, the end of this turn
    ///   of the loop will do.
    func hold(isBriefly: Bool) {
        self.isHeld = true
        if !isBriefly { self.schedule() }
    }

    /// Runs what has gathered.
    func drain() {
        self.isHeld = false
        guard !self.isDraining, !self.ready.isEmpty else { return }
        self.isDraining = true
        let executor = unsafe self.asUnownedTaskExecutor()
        var index = 0
        while index < self.ready.count, index < Self.jobsMax {
            let job = self.ready[index]
            index += 1
            unsafe job.runSynchronously(on: executor)
        }
        self.isDraining = false
        if index == self.ready.count {
            self.ready.removeAll(keepingCapacity: true)
        } else {
            self.ready.removeFirst(index)
            guard !self.isScheduled else { return }
            self.isScheduled = true
            self.turns.wait(self)
        }
    }

    func takeTurn() {
        self.isScheduled = false
        self.drain()
    }

    private func schedule() {
        guard !self.isScheduled else { return }
        self.isScheduled = true
        self.eventLoop.execute { self.takeTurn() }
    }
}
