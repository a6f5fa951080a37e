// The node's places for runs: who asks is called back when it is given one, without a task that waits.

internal import StateMachines
internal import Synchronization

/// What a node works on at once.
final class Places: Sendable {
    typealias Grant = @Sendable (Int) -> Void

    private struct State {
        var machine: PlacesMachine
        var grants: [PlacesMachine.Ticket: Grant] = [:]
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        self.state = Mutex(State(machine: PlacesMachine(places: count)))
    }

    /// Asks for up to `wanted` places; `grant` is called once with how many there are, at least 1,
    /// now or later. Who needs none any more gives it back.
    func take(
        _ wanted: Int,
        lane: Int64,
        session: String,
        priority: Int,
        _ grant: @escaping Grant
    ) {
        let granted = self.state.withLock { state -> Int? in
            switch state.machine.ask(wanted, lane: lane, session: session, priority: priority) {
            case .granted(let places): return places
            case .waits(let ticket):
                state.grants[ticket] = grant
                return nil
            }
        }
        if let granted { grant(granted) }
    }

    /// Has a lane that waits wait with another priority.
    func reorder(_ lane: Int64, priority: Int) {
        self.state.withLock { $0.machine.reorder(lane, priority: priority) }
    }

    /// Gives places back.
    func give(_ places: Int) {
        guard places > 0 else { return }
        let grants = self.state.withLock { state in
            state.machine.give(places).compactMap { state.grants.removeValue(forKey: $0) }
        }
        for grant in grants { grant(1) }
    }

    /// Takes places that are needed whatever the limit: runs taken over from an earlier owner.
    func overdraw(_ places: Int) { self.state.withLock { $0.machine.overdraw(places) } }
}
