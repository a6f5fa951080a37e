// Waits for the ends of runs: one question to the database for all of them, however many wait.

import PulserIR
import Store
import Synchronization

/// Who waits for the end of which run.
///
/// Owner: the gateway. Runs on: default pool. Ends: ``drain()``, or cancellation of ``run()``; then
/// nobody waits any more, and everybody is answered with what there is.
final class RunEnds: Sendable {
    /// The longest wait of one request, in milliseconds.
    static let waitMillisecondsMax: Int64 = 30_000
    /// Requests that wait at once.
    static let waitsMax = 1_000
    /// How long until all of them are asked for again; nobody asks while nobody waits.
    static let interval: Duration = .milliseconds(100)

    private typealias End = AsyncStream<Never>.Continuation

    private struct State {
        var waits: [Int: (run: RunID, end: End)] = [:]
        var last = 0
        var isOver = false
    }

    private let store: Store
    private let state = Mutex(State())
    private let news: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    init(store: Store) {
        self.store = store
        (self.news, self.waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Returns when a run has ended, a time is over, or the node stops.
    ///
    /// - Throws: `overloaded` when too many wait.
    func wait(for run: RunID, upTo time: Duration) async throws {
        let (ends, end) = AsyncStream<Never>.makeStream()
        let ticket = self.state.withLock { state -> Int? in
            guard state.waits.count < Self.waitsMax else { return nil }
            state.last += 1
            if !state.isOver { state.waits[state.last] = (run, end) }
            return state.last
        }
        guard let ticket else {
            throw Problem(
                .overloaded,
                "more than \(Self.waitsMax) requests wait for the ends of runs",
                next: "ask without wait_ms, or follow /v1/runs/\(run)/events"
            )
        }
        defer {
            let forgotten = self.state.withLock { $0.waits.removeValue(forKey: ticket) }
            withExtendedLifetime(forgotten) {}
        }
        guard self.state.withLock({ !$0.isOver }) else { return }
        self.waker.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in ends {} }
            group.addTask { try? await Task.sleep(for: time) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Asks for ends until cancelled.
    func run() async {
        for await _ in self.news {
            while !Task.isCancelled {
                let runs = self.state.withLock { Set($0.waits.values.map(\.run)) }
                if runs.isEmpty { break }
                // What cannot be asked now is asked the next time.
                if let ended = try? await self.store.ended(Array(runs)) { self.end(Set(ended)) }
                try? await Task.sleep(for: Self.interval)
            }
        }
        self.drain()
    }

    /// Answers everybody, and from now on whoever comes at once.
    func drain() {
        self.state.withLock { $0.isOver = true }
        self.end(nil)
    }

    /// Answers those who wait for these runs; `nil` means everybody.
    private func end(_ runs: Set<RunID>?) {
        let ends = self.state.withLock { state in
            state.waits.values.filter { runs?.contains($0.run) ?? true }.map(\.end)
        }
        for end in ends { end.finish() }
    }
}
