// Decides when a node looks for runs that are due: at the earliest time that it has heard of.

internal import Cluster
internal import Synchronization

/// Wakes whoever passes runs on when the next one is due.
final class DueTimer: Sendable {
    private struct State {
        var at: Duration?
        var deadline: UInt64?
    }

    private let deadlines: Deadlines
    private let state = Mutex(State())
    /// Comes when something is due.
    let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    init(_ deadlines: Deadlines) {
        self.deadlines = deadlines
        (self.wakes, self.waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Something is due after this time.
    func expect(after time: Duration) {
        let at = NodeClock.now + max(.zero, time)
        let (isSooner, before) = self.state.withLock { state -> (Bool, UInt64?) in
            if let known = state.at, known <= at { return (false, nil) }
            state.at = at
            defer { state.deadline = nil }
            return (true, state.deadline)
        }
        guard isSooner else { return }
        if let before { self.deadlines.remove(before) }
        let deadline = self.deadlines.set(after: time) { [weak self] in self?.fire(at) }
        self.state.withLock { if $0.at == at { $0.deadline = deadline } }
    }

    private func fire(_ at: Duration) {
        self.state.withLock { if $0.at == at { $0 = State() } }
        self.waker.yield()
    }
}
