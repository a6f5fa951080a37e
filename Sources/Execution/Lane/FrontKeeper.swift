// Looks for runs that came before what their lanes have taken, as often as looking is cheap.

internal import Cluster
internal import Logging
internal import StateMachines
internal import Store
internal import Synchronization

/// The looks at the fronts of this node's lanes; see `QueueMachine`.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation.
final class FrontKeeper: Sendable {
    /// All looks together take one part in this many of the time, at most.
    static let share = 20
    /// After the database could not be asked.
    private static let retry: Duration = .seconds(1)

    private struct State {
        var lanes: [Int64: (channel: LaneChannel, at: Duration)] = [:]
        var notBefore: Duration = .zero
    }

    private let state = Mutex(State())
    private let timer: DueTimer
    private let store: Store
    private let logger: Logger

    init(_ store: Store, deadlines: Deadlines, logger: Logger) {
        self.store = store
        self.timer = DueTimer(deadlines)
        self.logger = logger
    }

    /// Has a lane's front looked at.
    ///
    /// - Parameters:
    ///   - lane: Whose.
    ///   - time: When, by ``NodeClock``, or a little later.
    func look(at lane: LaneChannel, at time: Duration) {
        let (earliest, replaced) = self.state.withLock { state -> (Duration?, LaneChannel?) in
            let known = state.lanes[lane.row.id]
            if let known, known.channel === lane, known.at <= time { return (nil, nil) }
            state.lanes[lane.row.id] = (lane, time)
            return (max(time, state.notBefore), known?.channel)
        }
        // What it replaces may end here, which must not happen under the lock.
        withExtendedLifetime(replaced) {}
        if let earliest { self.timer.expect(after: earliest - NodeClock.now) }
    }

    /// Looks until cancelled.
    func run() async {
        for await _ in self.timer.wakes { await self.lookAtAllDue() }
    }

    private func lookAtAllDue() async {
        let begin = NodeClock.now
        let lanes = self.takeDue(at: begin)
        guard !lanes.isEmpty else { return self.expectNext() }
        let reaches = lanes.map { lane in
            let place = lane.reached
            return LaneReach(lane: lane.row.id, rank: place.rank, run: place.run)
        }
        do {
            let fronts = try await self.store.fronts(reaches)
            let byLane = Dictionary(fronts.map { ($0.lane, $0) }) { $1 }
            for lane in lanes {
                guard let front = byLane[lane.row.id] else { continue }
                let (isThere, lookAt) = lane.looked(front)
                if isThere { lane.send(.wake) }
                if let lookAt { self.look(at: lane, at: lookAt) }
            }
        } catch {
            self.logger.debug("fronts not read", metadata: ["reason": "\(error.message)"])
            for lane in lanes { self.look(at: lane, at: begin + Self.retry) }
        }
        let end = NodeClock.now
        self.state.withLock { $0.notBefore = end + (end - begin) * (Self.share - 1) }
        self.expectNext()
    }

    private func takeDue(at now: Duration) -> [LaneChannel] {
        let due: [LaneChannel] = self.state.withLock { state in
            guard state.notBefore <= now else { return [] }
            let due = state.lanes.values.filter { $0.at <= now }.map(\.channel)
            for lane in due { state.lanes[lane.row.id] = nil }
            return due
        }
        return due.filter { !$0.isOver }
    }

    private func expectNext() {
        let next = self.state.withLock { state in
            state.lanes.values.map(\.at).min().map { max($0, state.notBefore) }
        }
        if let next { self.timer.expect(after: next - NodeClock.now) }
    }
}
