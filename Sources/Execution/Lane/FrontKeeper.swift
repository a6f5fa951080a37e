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
    /// One look takes lanes for so long by what they cost before, and one lane at least.
    private static let timeMax: Duration = .seconds(1)
    private static let lanesMax = 256
    /// The longest pause between two looks at what is dear. A shorter one would have looks take more
    /// than their share once a transaction has been open for some minutes of full work.
    private static let pauseMax: Duration = .seconds(600)
    /// After the database could not be asked.
    private static let retry: Duration = .seconds(1)

    private struct State {
        var lanes: [Int64: (channel: LaneChannel, at: Duration)] = [:]
        /// Until then only what costs next to nothing is looked at.
        var dearNotBefore: Duration = .zero
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
        // Another one of its number may be there.
        guard !lane.isOver else { return }
        let (earliest, replaced) = self.state.withLock { state -> (Duration?, LaneChannel?) in
            let known = state.lanes[lane.row.id]
            if let known, known.channel === lane, known.at <= time { return (nil, nil) }
            state.lanes[lane.row.id] = (lane, time)
            return (time, known?.channel)
        }
        // What it replaces may end here, which must not happen under the lock.
        withExtendedLifetime(replaced) {}
        if let earliest { self.timer.expect(after: earliest - NodeClock.now) }
    }

    /// Looks until cancelled.
    func run() async {
        for await _ in self.timer.wakes {
            let lanes = self.takeDue(at: NodeClock.now)
            if !lanes.isEmpty { await self.look(at: lanes) }
            self.expectNext()
        }
    }

    private func look(at lanes: [LaneChannel]) async {
        let isDear = lanes.contains { !$0.frontCost.isNear }
        do {
            let (fronts, time) = try await self.store.fronts(
                lanes.map { $0.looks() },
                limit: QueueMachine.foundMax
            )
            let byLane = Dictionary(fronts.map { ($0.lane, $0) }) { $1 }
            for lane in lanes {
                guard let front = byLane[lane.row.id] else { continue }
                let (isThere, lookAt) = lane.looked(front)
                if isThere { lane.send(.wake) }
                if let lookAt { self.look(at: lane, at: lookAt) }
            }
            // What was cheap and is not any more counts the next time.
            guard isDear else { return }
            let pause = min(time * (QueueMachine.lookShare - 1), Self.pauseMax)
            self.state.withLock { $0.dearNotBefore = NodeClock.now + pause }
        } catch {
            self.logger.debug("fronts not read", metadata: ["reason": "\(error.message)"])
            let again = NodeClock.now + Self.retry
            for lane in lanes { self.look(at: lane, at: again) }
        }
    }

    /// The lanes whose time has come, the cheapest first; the others stay.
    private func takeDue(at now: Duration) -> [LaneChannel] {
        let (waiting, isDearDue) = self.state.withLock { state in
            (
                state.lanes.values.filter { $0.at <= now }.map(\.channel),
                state.dearNotBefore <= now
            )
        }
        let due = waiting.map { (lane: $0, cost: $0.frontCost) }
            .filter { isDearDue || $0.cost.isNear }
            .sorted { $0.cost.time < $1.cost.time }
        var (lanes, time): ([LaneChannel], Duration) = ([], .zero)
        for (lane, cost) in due.prefix(Self.lanesMax) {
            time += cost.time
            guard lanes.isEmpty || time <= Self.timeMax else { break }
            lanes.append(lane)
        }
        let taken = lanes
        self.state.withLock { state in
            for lane in taken where state.lanes[lane.row.id]?.channel === lane {
                state.lanes[lane.row.id] = nil
            }
        }
        return lanes.filter { !$0.isOver }
    }

    private func expectNext() {
        let (lanes, dearNotBefore) = self.state.withLock {
            ($0.lanes.values.map { (lane: $0.channel, at: $0.at) }, $0.dearNotBefore)
        }
        let next = lanes.map { lane, at in
            lane.frontCost.isNear ? at : max(at, dearNotBefore)
        }
        if let next = next.min() { self.timer.expect(after: next - NodeClock.now) }
    }
}
