// Ends calls whose deadline has passed: one wheel and one timer for all calls of a node.

internal import NIOCore
internal import Synchronization

/// The deadlines of a node's open calls.
///
/// Runs on: one event loop, which it wakes a hundred times a second while calls are open, and never
/// otherwise.
final class DeadlineClock: Sendable {
    private static let tick = TimeAmount.milliseconds(10)
    private static let slots = 1_024

    typealias Token = TimingWheel<OutgoingCall>.Token

    private struct State: ~Copyable {
        var wheel: TimingWheel<OutgoingCall>
        var isTicking = false
    }

    private let eventLoop: any EventLoop
    private let state: Mutex<State>

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.state = Mutex(
            State(wheel: TimingWheel(tick: Self.tick, slots: Self.slots, at: .now()))
        )
    }

    /// Has a call end at a time.
    func add(_ call: OutgoingCall, due deadline: NIODeadline) -> Token {
        let (token, starts) = self.state.withLock { state in
            let token = state.wheel.insert(call, due: deadline)
            let starts = !state.isTicking
            state.isTicking = true
            return (token, starts)
        }
        if starts { self.schedule() }
        return token
    }

    /// A call has ended by itself.
    func remove(_ token: Token) { self.state.withLock { _ = $0.wheel.remove(token) } }

    private func schedule() {
        self.eventLoop.scheduleTask(in: Self.tick) { self.advance() }
    }

    private func advance() {
        let (due, goesOn) = self.state.withLock { state in
            let due = state.wheel.advance(to: .now())
            state.isTicking = state.wheel.count > 0
            return (due, state.isTicking)
        }
        for call in due { call.expire() }
        if goesOn { self.schedule() }
    }
}
