// How a stop reaches attempts that are under way, at once and exactly once.

internal import Synchronization

/// A latch that many can wait for.
final class StopSignal: Sendable {
    private struct State {
        var isFired = false
        var next = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var actions: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    var isFired: Bool { self.state.withLock(\.isFired) }

    /// Lets all go that wait, now and later.
    func fire() {
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var actions: [Int: @Sendable () -> Void] = [:]
        self.state.withLock { state in
            state.isFired = true
            swap(&waiters, &state.waiters)
            swap(&actions, &state.actions)
        }
        for waiter in waiters.values { waiter.resume() }
        for action in actions.values { action() }
    }

    /// Returns when fired, or when the task is cancelled.
    func wait() async {
        let key = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = self.state.withLock { state in
                    if state.isFired || Task.isCancelled { return true }
                    state.waiters[key] = waiter
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: key) }?.resume()
        }
    }

    /// Returns when fired, and not before: also in a task that was cancelled.
    func waitToTheEnd() async {
        await withCheckedContinuation { waiter in
            let isOver = self.state.withLock { state in
                if state.isFired { return true }
                state.next += 1
                state.waiters[state.next] = waiter
                return false
            }
            if isOver { waiter.resume() }
        }
    }

    /// Returns when fired, when the time is over, or when the task is cancelled.
    func wait(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Runs `body`; its task is cancelled when the signal fires.
    func stopping<Value: Sendable>(
        _ body: @escaping @Sendable () async -> Value
    ) async -> Value {
        // SAFETY: awaited below whatever happens, and cancelled with the task that awaits it.
        let task = Task { await body() }
        let key = self.whenFired { task.cancel() }
        defer { self.forget(key) }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Has `action` called when the signal fires: at once when it has.
    ///
    /// - Returns: What to forget it by.
    private func whenFired(_ action: @escaping @Sendable () -> Void) -> Int {
        let (key, isFired) = self.state.withLock { state in
            state.next += 1
            if !state.isFired { state.actions[state.next] = action }
            return (state.next, state.isFired)
        }
        if isFired { action() }
        return key
    }

    private func forget(_ key: Int) {
        // The closure ends outside the lock.
        let gone = self.state.withLock { $0.actions.removeValue(forKey: key) }
        _ = gone
    }
}
