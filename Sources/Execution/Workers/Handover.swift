// How the runs that one worker gets come to it together, in one answer.

internal import Store
internal import Synchronization

/// Runs on their way to a worker: each says when it is ready to go, and they go with the last one.
final class Handover: Sendable {
    private struct State {
        var left: Int
        var runs: [HandedRun] = []
        var hasThem: Bool?
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    /// Who gets them.
    let worker: String
    /// How long the worker is not missed.
    let lease: Duration
    private let send: @Sendable ([HandedRun]) async -> Bool
    private let order: [Int64]
    private let state: Mutex<State>

    /// Awaits these runs; the worker gets them in this order.
    init(
        _ runs: [Int64],
        to worker: String,
        lease: Duration,
        _ send: @escaping @Sendable ([HandedRun]) async -> Bool
    ) {
        self.worker = worker
        self.lease = lease
        self.send = send
        self.order = runs
        self.state = Mutex(State(left: runs.count))
    }

    /// Has a run go with the others; `nil` when it does not go.
    ///
    /// - Returns: Whether the worker has it.
    func offer(_ run: HandedRun?) async -> Bool {
        let ready = self.state.withLock { state -> [HandedRun]? in
            state.left -= 1
            if let run { state.runs.append(run) }
            guard state.left == 0 else { return nil }
            return self.order.compactMap { number in state.runs.first { $0.run == number } }
        }
        if let ready {
            let hasThem = await self.send(ready)
            let waiting = self.state.withLock { state in
                state.hasThem = hasThem
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in waiting { waiter.resume(returning: hasThem) }
            return hasThem && run != nil
        }
        guard run != nil else { return false }
        return await withCheckedContinuation { waiter in
            let hasThem = self.state.withLock { state in
                if state.hasThem == nil { state.waiting.append(waiter) }
                return state.hasThem
            }
            if let hasThem { waiter.resume(returning: hasThem) }
        }
    }
}

/// How a run came into the hands of workers outside.
enum OutsideBeginning: Sendable {
    /// It goes to a worker that asked for it.
    case handing(Handover)
    /// A worker has it already, from an earlier owner of the lane.
    case adopted(ExternalClaim)
    /// It was claimed for a worker that never heard of it, and goes back into the queue.
    case unclaimed
}
