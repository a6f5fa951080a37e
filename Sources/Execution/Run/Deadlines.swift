// The timeouts of all runs of a node behind one sleeping task.

internal import Cluster
internal import StateMachines
internal import Synchronization

/// Calls back when time is over.
///
/// Owner: NodeLife. Idle it sleeps until something is set.
final class Deadlines: Sendable {
    private struct State {
        var wheel = DeadlineWheel()
        var actions: [UInt64: @Sendable () -> Void] = [:]
        var next: UInt64 = 0
        /// When the task looks again; `nil` while it has no reason to.
        var wakeAt: Duration?
        /// Fired when something is to pass before that.
        var isSooner = StopSignal()
    }

    private let state = Mutex(State())

    /// Has `action` called once after a time, unless it is taken back before.
    ///
    /// - Returns: What to take it back by.
    func set(after time: Duration, _ action: @escaping @Sendable () -> Void) -> UInt64 {
        let at = NodeClock.now + max(.zero, time)
        let (key, signal) = self.state.withLock { state -> (UInt64, StopSignal?) in
            state.next += 1
            let key = state.next
            let wakeAt = state.wheel.set(key, at: at)
            state.actions[key] = action
            guard state.wakeAt.map({ wakeAt < $0 }) ?? true else { return (key, nil) }
            state.wakeAt = wakeAt
            return (key, state.isSooner)
        }
        signal?.fire()
        return key
    }

    /// Takes a deadline back.
    func remove(_ key: UInt64) {
        // The closure ends outside the lock.
        let gone = self.state.withLock { state in
            state.wheel.remove(key)
            return state.actions.removeValue(forKey: key)
        }
        _ = gone
    }

    /// Calls back until cancelled.
    func run() async {
        while !Task.isCancelled {
            let signal = StopSignal()
            let (actions, wakeAt) = self.state.withLock { state in
                let due = state.wheel.passed(at: NodeClock.now)
                state.wakeAt = state.wheel.wakeAt
                // The one before is held by whoever fires it, or by nobody.
                state.isSooner = signal
                return (due.compactMap { state.actions.removeValue(forKey: $0) }, state.wakeAt)
            }
            for action in actions { action() }
            if let wakeAt {
                await signal.wait(atMost: wakeAt - NodeClock.now)
            } else {
                await signal.wait()
            }
        }
    }
}
