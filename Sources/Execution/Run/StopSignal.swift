// How a stop reaches attempts that are under way, at once and exactly once.

internal import Synchronization

/// A latch that many can wait for.
final class StopSignal: Sendable {
    private struct State {
        var isFired = false
        var next = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var isFired: Bool { self.state.withLock(\.isFired) }

    /// Lets all go that wait, now and later.
    func fire() {
        let waiters = self.state.withLock { state in
            defer { state.waiters = [:] }
            state.isFired = true
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
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
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                await self.wait()
                return nil
            }
            while let next = await group.next() {
                group.cancelAll()
                if let value = next { return value }
            }
            // Unreachable: the first task always gives a value, cancelled or not.
            return await body()
        }
    }
}
