// Decides when effects may begin: the node trusts its lease, the shard stays, its last owner has none.

internal import Cluster
internal import Synchronization

/// Whether new effects may start: closed while the node does not trust its lease.
final class EffectsGate: Sendable {
    private struct State {
        var isOpen = true
        var opened = StopSignal()
        var underWay = 0
    }

    private let state = Mutex(State())

    func open() {
        let opened = self.state.withLock { state in
            state.isOpen = true
            return state.opened
        }
        opened.fire()
    }

    func close() {
        self.state.withLock { state in
            guard state.isOpen else { return }
            state.isOpen = false
            state.opened = StopSignal()
        }
    }

    /// How many attempts are past the gate and not done.
    var underWay: Int { self.state.withLock(\.underWay) }

    /// Returns when effects may start, or when the task is cancelled; each call is paired with
    /// ``leave()``.
    func enter() async {
        while !Task.isCancelled {
            let wait: StopSignal? = self.state.withLock { state in
                guard state.isOpen else { return state.opened }
                state.underWay += 1
                return nil
            }
            guard let wait else { return }
            await wait.wait()
        }
        self.state.withLock { $0.underWay += 1 }
    }

    /// Counts what must not be cut off but is no new effect: a run's own tidying up.
    func hold() { self.state.withLock { $0.underWay += 1 } }

    /// Ends what ``enter()`` or ``hold()`` began.
    func leave() { self.state.withLock { $0.underWay -= 1 } }
}

/// Whether new effects of one shard may start, on top of the node's gate: not before its last owner can
/// have none any more, and not while it is about to move.
final class ShardGate: Sendable {
    private struct State {
        var isOpen = true
        var opened = StopSignal()
        var underWay = 0
        var rest: (@Sendable () -> Void)?
    }

    private let node: EffectsGate
    /// When the first effect may begin, by ``NodeClock``.
    private let from: Duration
    private let state = Mutex(State())

    init(_ node: EffectsGate, from: Duration) {
        self.node = node
        self.from = from
    }

    /// Lets effects start again.
    func open() {
        let opened = self.state.withLock { state in
            state.isOpen = true
            state.rest = nil
            return state.opened
        }
        opened.fire()
    }

    /// Lets no more effects start.
    ///
    /// - Parameter rest: Called once when none is under way any more, unless the gate is opened before.
    /// - Returns: Whether none is under way; then `rest` is not called.
    func close(_ rest: @escaping @Sendable () -> Void) -> Bool {
        self.state.withLock { state in
            if state.isOpen { state.opened = StopSignal() }
            state.isOpen = false
            state.rest = state.underWay == 0 ? nil : rest
            return state.underWay == 0
        }
    }

    /// Returns when effects may start, or when the task is cancelled; each call is paired with
    /// ``leave()``.
    func enter() async {
        while !Task.isCancelled, NodeClock.now < self.from {
            try? await Task.sleep(until: NodeClock.instant(self.from), clock: .continuous)
        }
        while true {
            await self.node.enter()
            let wait: StopSignal? = self.state.withLock { state in
                guard state.isOpen || Task.isCancelled else { return state.opened }
                state.underWay += 1
                return nil
            }
            guard let wait else { return }
            self.node.leave()
            await wait.wait()
        }
    }

    /// Counts what must not be cut off but is no new effect: a run's own tidying up.
    func hold() {
        self.node.hold()
        self.state.withLock { $0.underWay += 1 }
    }

    /// Ends what ``enter()`` or ``hold()`` began.
    func leave() {
        let rest = self.state.withLock { state -> (@Sendable () -> Void)? in
            state.underWay -= 1
            guard state.underWay == 0 else { return nil }
            defer { state.rest = nil }
            return state.rest
        }
        self.node.leave()
        rest?()
    }
}
