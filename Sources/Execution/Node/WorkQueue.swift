// Decides on which thread a lane's runs work: all on the same one, so that little has to travel.

internal import Dispatch
internal import Synchronization

/// A serial queue that actors can be pinned to.
///
/// A run and its steps exchange many small messages, which on the common pool may each be answered by
/// another core; here they stay on one thread for as long as there is something to do. Idle it holds
/// no thread. A node confined to one core took 33 µs for a no-op run, one with two 50; this brought
/// it to 45 to 49, because lanes and the writer still work on the common pool.
final class WorkQueue: SerialExecutor {
    private enum Entry {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    private struct State {
        var entries: [Entry] = []
        var isWorking = false
    }

    private let queue: DispatchQueue
    private let state = Mutex(State())

    init(_ number: Int) { self.queue = DispatchQueue(label: "opsroom.work.\(number)") }

    func enqueue(_ job: consuming ExecutorJob) { self.push(.job(UnownedJob(job))) }

    /// Calls `body` on the queue, after everything that was put there before.
    func submit(_ body: @escaping @Sendable () -> Void) { self.push(.call(body)) }

    private func push(_ entry: Entry) {
        let isIdle = self.state.withLock { state in
            state.entries.append(entry)
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if isIdle { self.queue.async { self.work() } }
    }

    /// Works until nothing is left.
    private func work() {
        let executor = self.asUnownedSerialExecutor()
        var entries: [Entry] = []
        while true {
            self.state.withLock { state in
                swap(&entries, &state.entries)
                state.isWorking = !entries.isEmpty
            }
            if entries.isEmpty { return }
            for entry in entries {
                switch entry {
                case .job(let job): job.runSynchronously(on: executor)
                case .call(let body): body()
                }
            }
            entries.removeAll(keepingCapacity: true)
        }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(self.queue)) }
}

/// The queues of a node; lanes are dealt out to them in turn.
final class WorkQueues: Sendable {
    private let queues: [WorkQueue]
    private let turn = Atomic<Int>(0)

    /// - Parameter count: How many; at least 1.
    init(_ count: Int) { self.queues = (0..<max(1, count)).map { WorkQueue($0) } }

    /// The next lane's queue.
    func next() -> WorkQueue {
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return self.queues[(turn & Int.max) % self.queues.count]
    }
}
