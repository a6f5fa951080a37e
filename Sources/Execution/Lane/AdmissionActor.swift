// Decides which lane may take runs when the node is full: higher lane priority first, then first come.

/// The node's places for runs.
///
/// Owner: the node. Runs on: default pool. Ends: with its owner; waiters are released by
/// cancellation.
actor AdmissionActor {
    private struct Waiter {
        var lane: Int64
        var priority: Int
        var order: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    private var free: Int
    private var order = 0
    private var waiters: [Int: Waiter] = [:]

    init(places: Int) { self.free = places }

    /// Takes between one and `wanted` places; waits for the first one.
    ///
    /// - Returns: 0 when the task was cancelled while waiting.
    func take(_ wanted: Int, lane: Int64, priority: Int) async -> Int {
        if self.free <= 0 || !self.waiters.isEmpty {
            self.order += 1
            let key = self.order
            let isGranted = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled { return continuation.resume(returning: false) }
                    self.waiters[key] = Waiter(
                        lane: lane,
                        priority: priority,
                        order: key,
                        continuation: continuation
                    )
                }
            } onCancel: {
                // SAFETY: ends at once; it only removes one waiter.
                Task { await self.cancel(key) }
            }
            guard isGranted else { return 0 }
        } else {
            self.free -= 1
        }
        let more = max(0, min(wanted - 1, self.waiters.isEmpty ? self.free : 0))
        self.free -= more
        return 1 + more
    }

    /// Has a lane that waits wait with another priority.
    func reorder(_ lane: Int64, priority: Int) {
        for key in self.waiters.keys where self.waiters[key]?.lane == lane {
            self.waiters[key]?.priority = priority
        }
    }

    /// Gives places back.
    func give(_ places: Int) {
        self.free += places
        while self.free > 0 {
            let next = self.waiters.values.max {
                ($0.priority, $1.order) < ($1.priority, $0.order)
            }
            guard let next else { return }
            self.waiters[next.order] = nil
            self.free -= 1
            next.continuation.resume(returning: true)
        }
    }

    /// Takes places that are needed whatever the limit: runs taken over from an earlier owner.
    func overdraw(_ places: Int) { self.free -= places }

    private func cancel(_ key: Int) {
        self.waiters.removeValue(forKey: key)?.continuation.resume(returning: false)
    }
}
