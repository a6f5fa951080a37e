// How Ctrl-C and SIGTERM reach a command.

import Dispatch
import Foundation
import Glibc
import Synchronization

enum Signals {
    /// Two signals closer than this are one: a terminal and a supervisor may both send it.
    private static let repeatMin: TimeInterval = 0.5

    /// From now on a signal is kept until it is waited for: what is ordered meanwhile is not cut off
    /// before it can be said that it goes on.
    static func heed() { Self.latch.start() }

    /// Returns at the first SIGINT or SIGTERM, at once when it came already, or when the task is
    /// cancelled. A second signal ends the process at once.
    ///
    /// - Returns: Whether there was a signal.
    static func wait() async -> Bool {
        Self.latch.start()
        return await Self.latch.wait()
    }

    private static let latch = Latch()

    /// A latch that any number of waiters can wait for, again and again.
    private final class Latch: Sendable {
        private struct State {
            var firstAt: Date?
            var next = 0
            var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
            var sources: [Source] = []
        }

        /// SAFETY: a dispatch source may be kept and released on any thread.
        private struct Source: @unchecked Sendable {
            let source: any DispatchSourceSignal
        }

        private let state = Mutex(State())

        func start() {
            self.state.withLock { state in
                guard state.sources.isEmpty else { return }
                let queue = DispatchQueue(label: "signals")
                state.sources = [SIGINT, SIGTERM].map { number in
                    signal(number, SIG_IGN)
                    let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                    source.setEventHandler { self.take() }
                    source.resume()
                    return Source(source: source)
                }
            }
        }

        private func take() {
            let waiters = self.state.withLock { state in
                if let first = state.firstAt {
                    if Date().timeIntervalSince(first) >= Signals.repeatMin { Glibc.exit(130) }
                    return [CheckedContinuation<Bool, Never>]()
                }
                state.firstAt = Date()
                defer { state.waiters = [:] }
                return Array(state.waiters.values)
            }
            for waiter in waiters { waiter.resume(returning: true) }
        }

        func wait() async -> Bool {
            let key = self.state.withLock { state in
                state.next += 1
                return state.next
            }
            return await withTaskCancellationHandler {
                await withCheckedContinuation { waiter in
                    let answer: Bool? = self.state.withLock { state in
                        if state.firstAt != nil { return true }
                        if Task.isCancelled { return false }
                        state.waiters[key] = waiter
                        return nil
                    }
                    if let answer { waiter.resume(returning: answer) }
                }
            } onCancel: {
                self.state.withLock { $0.waiters.removeValue(forKey: key) }?.resume(
                    returning: false
                )
            }
        }
    }
}
