// Calls to one actor wait in order and are executed one at a time.

internal import Metrics
internal import NIOCore
internal import Synchronization

/// The mailbox of an actor: bounded, in order, with one consumer.
///
/// Owner: ``ActorCell``. Runs on: the executor for actors. Ends: ``close(_:)``.
final class Mailbox: Sendable {
    private struct State: ~Copyable {
        var waiting = CircularBuffer<IncomingCall>()
        var current: IncomingCall?
        var task: Task<Void, Never>?
        /// Cancellations of `task` that are under way: it must not begin another call.
        var cancelling = 0
        var closed: ClusterError?
    }

    private let callsMax: Int
    private let executor: (any TaskExecutor)?
    private let metrics: ClusterMetrics
    private let execute: @Sendable (IncomingCall) async -> CallOutcome
    private let state = Mutex(State())

    /// An empty mailbox.
    ///
    /// - Parameters:
    ///   - callsMax: Calls that may wait.
    ///   - executor: Where calls are executed; `nil` for the default pool.
    ///   - metrics: Where its depth is told.
    ///   - execute: Executes one call.
    init(
        callsMax: Int,
        executor: (any TaskExecutor)?,
        metrics: ClusterMetrics,
        execute: @escaping @Sendable (IncomingCall) async -> CallOutcome
    ) {
        self.callsMax = callsMax
        self.executor = executor
        self.metrics = metrics
        self.execute = execute
    }

    /// Has a call wait for its turn; a full mailbox answers `overloaded` at once.
    func add(_ call: IncomingCall) {
        call.entered(self)
        let refusal = self.state.withLock { state -> ClusterError? in
            if let closed = state.closed { return closed }
            guard state.waiting.count < self.callsMax else {
                return ClusterError(
                    .overloaded,
                    "\(state.waiting.count) calls wait for the actor already; try again later"
                )
            }
            state.waiting.append(call)
            if state.task == nil { state.task = self.start() }
            return nil
        }
        guard let refusal else { return }
        call.entered(nil)
        if refusal.code == .overloaded { self.metrics.overloads.increment() }
        call.finish(.failure(Failure(refusal)))
    }

    /// A call's result is no longer wanted.
    func cancel(_ call: IncomingCall) {
        let task = self.state.withLock { state -> Task<Void, Never>? in
            guard state.current === call, let task = state.task else { return nil }
            state.cancelling += 1
            return task
        }
        guard let task else { return }
        // Not under the lock: it runs whatever the call has asked to be told of.
        task.cancel()
        self.state.withLock { $0.cancelling -= 1 }
    }

    /// Takes no more calls; what waits fails, what is executed is cancelled.
    func close(_ reason: ClusterError) {
        let (waiting, task) = self.state.withLock { state in
            state.closed = state.closed ?? reason
            let ended = (state.waiting, state.current == nil ? nil : state.task)
            state.waiting = CircularBuffer()
            return ended
        }
        for call in waiting { call.finish(.failure(Failure(reason))) }
        task?.cancel()
    }

    /// Detached: what a caller has in its task is not the business of the calls behind it.
    // SAFETY: ends by itself when nothing waits; `close` cancels what it executes.
    private func start() -> Task<Void, Never> {
        Task.detached(executorPreference: self.executor) { await self.drain() }
    }

    private func drain() async {
        while let call = self.next() {
            let outcome: CallOutcome
            if call.isCancelled {
                outcome = .failure(.cancelled, "the caller was cancelled before its turn came")
            } else if call.deadline <= .now() {
                outcome = .failure(.timedOut, "the deadline passed before the call's turn came")
            } else {
                outcome = await self.execute(call)
            }
            call.entered(nil)
            call.finish(outcome)
        }
    }

    /// The next call; `nil` when this task has nothing more to do.
    private func next() -> IncomingCall? {
        self.state.withLock { state in
            state.current = nil
            guard let call = state.waiting.popFirst() else {
                state.task = nil
                return nil
            }
            // Cancelling a call cancels this task: those behind it get a new one.
            if Task.isCancelled || state.cancelling > 0 {
                state.waiting.prepend(call)
                state.task = self.start()
                return nil
            }
            self.metrics.queue.record(state.waiting.count)
            state.current = call
            return call
        }
    }
}
