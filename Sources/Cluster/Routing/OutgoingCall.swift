// One attempt of a call: ends once, by its result, its deadline, its caller or its link.

internal import Synchronization

/// An attempt that somebody waits for.
final class OutgoingCall: Sendable {
    /// Whom to tell that the result is no longer wanted.
    enum Route: Sendable {
        case link(Link, UInt32)
        case local(IncomingCall)
    }

    private struct State: ~Copyable {
        var waiter: CheckedContinuation<CallOutcome, Never>?
        var outcome: CallOutcome?
        var route: Route?
        var token: DeadlineClock.Token?
    }

    private let state = Mutex(State())
    private let deadlines: DeadlineClock
    /// Whether it goes on without this attempt, for the next one to ask about.
    private let isNamed: Bool

    /// An attempt.
    ///
    /// - Parameters:
    ///   - deadlines: What watches its deadline.
    ///   - isNamed: Whether the operation has a name: passing the deadline then stops nobody.
    init(_ deadlines: DeadlineClock, isNamed: Bool) {
        self.deadlines = deadlines
        self.isNamed = isNamed
    }

    /// Waits for the end; what it begins is `start`.
    func outcome(
        startedBy start: (OutgoingCall) -> Void
    ) async -> CallOutcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = self.state.withLock { state -> CallOutcome? in
                    if state.outcome == nil { state.waiter = continuation }
                    return state.outcome
                }
                if let outcome { return continuation.resume(returning: outcome) }
                start(self)
            }
        } onCancel: {
            self.abandon(.failure(.cancelled, "the caller was cancelled"))
        }
    }

    /// The deadline is being watched.
    func watched(by token: DeadlineClock.Token) {
        let isOver = self.state.withLock { state in
            if state.outcome == nil { state.token = token }
            return state.outcome != nil
        }
        if isOver { self.deadlines.remove(token) }
    }

    /// Somebody executes it; told at once when it is no longer wanted.
    func routed(_ route: Route) {
        let isOver = self.state.withLock { state in
            if state.outcome == nil { state.route = route }
            return state.outcome != nil
        }
        if isOver { Self.drop(route, stops: true) }
    }

    /// Ends it, once.
    func finish(_ outcome: CallOutcome) { _ = self.end(outcome) }

    /// The deadline has passed.
    func expire() {
        self.abandon(
            .failure(.timedOut, "no answer came in time; whether the call was executed is unknown"),
            stops: !self.isNamed
        )
    }

    /// Ends it, and whoever executes it is told that nobody waits.
    private func abandon(_ outcome: CallOutcome, stops: Bool = true) {
        if let route = self.end(outcome) { Self.drop(route, stops: stops) }
    }

    /// Ends it.
    ///
    /// - Returns: Who executes it, when this was the first end.
    private func end(_ outcome: CallOutcome) -> Route? {
        let (isFirst, waiter, route, token) = self.state.withLock { state in
            let isFirst = state.outcome == nil
            if isFirst { state.outcome = outcome }
            let ended = (isFirst, state.waiter, state.route, state.token)
            state.waiter = nil
            state.route = nil
            state.token = nil
            return ended
        }
        guard isFirst else { return nil }
        if let token { self.deadlines.remove(token) }
        waiter?.resume(returning: outcome)
        return route
    }

    private static func drop(_ route: Route, stops: Bool) {
        switch route {
        case .link(let link, let id): link.abandon(id, stops: stops)
        case .local(let call): if stops { call.cancel() }
        }
    }
}
