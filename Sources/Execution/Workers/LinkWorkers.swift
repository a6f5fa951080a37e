// Decides how workers that talk to any node reach the owners of lanes: by calls between nodes.

internal import Cluster
internal import Distributed
internal import PulserIR
internal import StateMachines
internal import Store

/// Brings this node's workers and the lanes of all nodes together.
///
/// A worker that waits is on the lists of its lanes' owners, which answer by a call when they have a
/// run for it. It is put on them again every few seconds: an owner may be new, or have forgotten.
final class LinkWorkers: WorkerCourier {
    /// How long a lane remembers a worker without hearing of it again.
    private static let wishMax: Duration = .seconds(8)
    /// How often it hears of it.
    private static let refresh: Duration = .seconds(4)
    /// How long a lane may take to say that it has nothing.
    private static let answerMax: Duration = .seconds(2)

    private let system: ClusterSystem
    private let board: WorkerBoard
    /// Keeps the node's board where others can call it.
    private let actor: WorkerBoardActor

    init(_ system: ClusterSystem) {
        let board = WorkerBoard()
        self.system = system
        self.board = board
        self.actor = system.host(.number(0)) { WorkerBoardActor(board, actorSystem: $0) }
    }

    func claim(
        _ lanes: [Int64],
        for worker: String,
        runsMax: Int,
        lease: Duration,
        wait: Duration
    ) async -> [HandedRun] {
        let wish = WorkerWish(
            lane: 0,
            node: self.system.me?.number ?? 0,
            number: 0,
            worker: worker,
            runsMax: runsMax,
            leaseMilliseconds: Int64(lease / .milliseconds(1)),
            waitMilliseconds: 0
        )
        // One lane after the other, so that a worker gets no more than it asked for.
        if lanes.count > 1 || wait <= .zero {
            for lane in lanes {
                let runs = await self.ask([lane], wish, wait: .zero)
                if !runs.isEmpty || Task.isCancelled { return runs }
            }
        }
        return wait > .zero ? await self.ask(lanes, wish, wait: wait) : []
    }

    private func ask(_ lanes: [Int64], _ wish: WorkerWish, wait: Duration) async -> [HandedRun] {
        var wish = wish
        wish.number = self.board.open()
        let end = NodeClock.now + wait
        while !Task.isCancelled {
            let left = max(.zero, end - NodeClock.now)
            wish.waitMilliseconds = Int64(min(left, Self.wishMax) / .milliseconds(1))
            let isHeard = await self.tell(lanes, wish)
            let pause: Duration
            if wait <= .zero {
                guard isHeard else { break }
                pause = Self.answerMax
            } else {
                pause = min(left, isHeard ? Self.refresh : .milliseconds(500))
            }
            if await self.board.wait(for: wish.number, atMost: pause) { break }
            if NodeClock.now >= end { break }
        }
        let runs = self.board.close(wish.number)
        if runs.isEmpty || lanes.count > 1 { self.withdraw(wish, from: lanes) }
        return runs
    }

    /// - Returns: Whether all lanes have the wish on their lists.
    private func tell(_ lanes: [Int64], _ wish: WorkerWish) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            for lane in lanes {
                var wish = wish
                wish.lane = lane
                group.addTask { [wish] in
                    guard let actor = self.lane(lane) else { return false }
                    return (try? await withCallOptions(Self.options) { try await actor.want(wish) })
                        ?? false
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
    }

    /// Has lanes forget a wish: what they still have for it they would only take back.
    private func withdraw(_ wish: WorkerWish, from lanes: [Int64]) {
        // SAFETY: ends with the calls, which have a deadline; lanes forget by themselves, too.
        Task.detached {
            for lane in lanes {
                guard let actor = self.lane(lane) else { continue }
                try? await withCallOptions(Self.options) { try await actor.forgo(wish) }
            }
        }
    }

    func report(_ report: WorkerReport, of run: RunID, lane: Int64) async -> WorkerReply {
        guard
            let door = try? self.system.reference(
                to: WorkerDoorActor.self,
                .number(run.number),
                at: .shard(LaneShard.of(lane))
            )
        else { return WorkerReply(.unavailable) }
        do {
            return try await door.report(report)
        } catch {
            return WorkerReply(.unavailable)
        }
    }

    private func lane(_ number: Int64) -> LaneActor? {
        try? self.system.reference(
            to: LaneActor.self,
            .number(number),
            at: .shard(LaneShard.of(number))
        )
    }

    private static var options: CallOptions {
        var options = CallOptions()
        options.timeout = .seconds(1)
        options.attemptsMax = 2
        return options
    }

    /// Hands runs to a worker, wherever it asked.
    ///
    /// - Returns: Whether it has them, as far as anybody can tell.
    static func deliver(
        _ runs: [HandedRun],
        to wish: WishMachine.Wish,
        over system: ClusterSystem
    ) async -> Bool {
        var options = CallOptions()
        options.timeout = .seconds(3)
        // Taken twice, the second time would be refused.
        options.attemptsMax = 1
        do {
            let board = try system.reference(
                to: WorkerBoardActor.self,
                .number(0),
                at: .node(NodeEpoch(wish.node))
            )
            return try await withCallOptions(options) {
                try await board.take(HandedRuns(number: wish.number, runs: runs))
            }
        } catch let error as ClusterError {
            // It may have it; if not, its lease ends.
            return !error.isUnprocessed
        } catch {
            return true
        }
    }
}
