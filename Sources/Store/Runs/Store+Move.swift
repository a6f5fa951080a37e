// Moving a queued run by hand: to another lane of its session, to another place of its lane's queue.

internal import Postgres
public import PulserIR

enum MoveSQL {
    static let all = [version, read, move]

    /// Which version of its row a run is that has not ended.
    static let version = PostgresStatement(
        "runs.version",
        [.int8],
        "SELECT r.xmin::text FROM run r WHERE r.id = $1"
    )

    /// A run that has not ended, with the version of its row, and what its lane is.
    static let read = PostgresStatement(
        "runs.move_read",
        [.int8],
        """
        SELECT r.xmin::text, r.inputs, r.priority, r.status, r.request IS NOT NULL, r.claim_no,
            r.parent_run IS NOT NULL, l.id, l.name, l.worker, l.session_id,
            coalesce(r.unique_key LIKE 'l%', false)
        FROM run r JOIN lane l ON l.id = r.lane_id WHERE r.id = $1
        """
    )

    /// Takes the lane's row, then the run's if it is as it was read and nobody has it, then those in the
    /// way that nobody has: nobody waits in a circle. A claim of a run that was read before is refused.
    static let move = PostgresStatement(
        "runs.move",
        [.int8, .text, .int8, .text, .int4, .text, .int8, .int4],
        "SELECT run_move($1, $2, $3, $4, $5, $6, $7, $8)"
    )
}

/// A place in a lane's queue.
public enum QueuePlace: Sendable, Hashable {
    /// Before all that can be claimed.
    case first
    /// Behind all that can be claimed.
    case last
    /// Before another queued run of its key; behind all that can be claimed where that one is for later.
    case before(RunID)

    fileprivate var name: String {
        switch self {
        case .first: "first"
        case .last: "last"
        case .before: "before"
        }
    }

    fileprivate var other: RunID? {
        if case .before(let run) = self { run } else { nil }
    }
}

/// Where a queued run shall go; what is `nil` stays.
public struct QueueMove: Sendable, Hashable {
    /// The name of a lane of its session, or its number.
    public var lane: String?
    /// Its place there; without one that of its priority.
    public var place: QueuePlace?
    /// Its priority from then on.
    public var priority: Int?

    /// A move.
    public init(lane: String? = nil, place: QueuePlace? = nil, priority: Int? = nil) {
        self.lane = lane
        self.place = place
        self.priority = priority
    }
}

/// Which version of its row a run was when somebody looked at it.
public struct SeenVersion: Sendable, Hashable {
    /// `nil` for a run that had ended.
    fileprivate var text: String?
}

/// A run that somebody wants to move, as it was read.
private struct MovedRun {
    var version: String
    var inputs: String
    var priority: Int
    var status: String
    var isAsked: Bool
    var claim: Int64
    var isChild: Bool
    var lane: Int64
    var laneName: String
    var worker: String
    var session: Int64
    /// Whether it is the only one of its kind in its lane.
    var isLaneUnique: Bool

    init(_ row: StoreRow) throws(StoreError) {
        self.version = try row.text(0)
        self.inputs = try row.text(1)
        self.priority = try row.int(2)
        self.status = try row.text(3)
        self.isAsked = try row.bool(4)
        self.claim = try row.int64(5)
        self.isChild = try row.bool(6)
        self.lane = try row.int64(7)
        self.laneName = try row.text(8)
        self.worker = try row.text(9)
        self.session = try row.int64(10)
        self.isLaneUnique = try row.bool(11)
    }
}

extension Store {
    /// Runs that a move may push aside in each direction.
    static let movedAsideMax = 1_000
    /// How often a move is tried again that something else was faster than.
    private static let moveTriesMax = 5

    /// Moves a queued run and tells the lane where it is then. In a lane with keys a place is one among
    /// the runs of its key: keys take turns.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - wish: Where it shall go.
    ///   - seen: Only if nothing of it changed since then.
    /// - Returns: Whether it was moved, and not changed since it was seen.
    /// - Throws: `conflict` when it is not queued any more or may not go there, `notFound` without
    ///   such a run or lane.
    @discardableResult
    public func move(
        _ id: RunID,
        _ wish: QueueMove,
        ifStill seen: SeenVersion? = nil
    ) async throws(StoreError) -> Bool {
        for _ in 1...Self.moveTriesMax {
            let rows = try await self.execute(MoveSQL.read, [.int8(id.number)])
            guard rows.count == 1 else {
                throw StoreError(.conflict, Self.moveRefusal(try await self.run(id)))
            }
            let run = try MovedRun(rows.first())
            guard run.status == "queued", !run.isAsked else {
                throw StoreError(.conflict, Self.moveRefusal(try await self.run(id)))
            }
            if let seen, seen.text != run.version { return false }
            let lane = try await self.target(of: id, run, wish.lane)
            let inputs = try self.seal.opened(run.inputs, .inputs(lane: run.lane))
            let answer = try await self.execute(
                MoveSQL.move,
                [
                    .int8(id.number), .text(run.version), .int8(lane),
                    .text(
                        lane == run.lane
                            ? run.inputs : self.seal.sealed(inputs, .inputs(lane: lane))
                    ),
                    .int4(Int32(clamping: wish.priority ?? run.priority)),
                    wish.place.map { .text($0.name) } ?? .null,
                    wish.place?.other.map { .int8($0.number) } ?? .null,
                    .int4(Int32(Self.movedAsideMax)),
                ]
            )
            switch try answer.first().text(0) {
            case "moved":
                await self.tell(.work(lane: lane))
                return true
            case "changed": continue
            case let outcome: throw Self.refusal(of: outcome, wish.place)
            }
        }
        throw StoreError(.conflict, "run \(id) changed meanwhile: try again")
    }

    /// Which version a run is now: what is read of it afterwards is of no earlier one.
    ///
    /// - Parameter id: The run.
    /// - Returns: For ``move(_:_:ifStill:)``.
    /// - Throws: `unavailable` when the database does not answer.
    public func version(of id: RunID) async throws(StoreError) -> SeenVersion {
        let rows = try await self.execute(MoveSQL.version, [.int8(id.number)])
        return SeenVersion(text: rows.count == 1 ? try rows.first().text(0) : nil)
    }

    /// The lane that a run goes to.
    private func target(
        of id: RunID,
        _ run: MovedRun,
        _ name: String?
    ) async throws(StoreError) -> Int64 {
        guard let name else { return run.lane }
        let lane = try await self.lane(session: run.session, name)
        if lane.id == run.lane { return lane.id }
        if run.isChild || lane.name.contains("/") {
            throw StoreError(.conflict, "child runs stay in the lane of the step that began them")
        }
        guard run.claim == 0 else {
            throw StoreError(
                .conflict,
                "run \(id) has begun in lane \(run.laneName) before and its log is there: it stays"
            )
        }
        guard !run.isLaneUnique else {
            throw StoreError(
                .conflict,
                "run \(id) has a unique key of lane \(run.laneName) and stays there: cancel it and "
                    + "enqueue it in lane \(lane.name)"
            )
        }
        guard lane.worker.rawValue == run.worker else {
            let here = run.worker == "room" ? "the room" : "workers outside"
            let there = lane.worker == .room ? "the room" : "workers outside"
            throw StoreError(
                .conflict,
                "lane \(run.laneName) is worked by \(here), lane \(lane.name) by \(there)"
            )
        }
        return lane.id
    }

    private static func refusal(of outcome: String, _ place: QueuePlace?) -> StoreError {
        let other = place?.other.map(\.description) ?? ""
        return switch outcome {
        case "ended": StoreError(.conflict, "the session has ended: its lanes take no runs")
        case "other": StoreError(.conflict, "run \(other) is not queued in that lane (any more)")
        case "key":
            StoreError(
                .conflict,
                "run \(other) is of another key, and keys take turns: name one of the same key"
            )
        case "deep":
            StoreError(
                .conflict,
                "more than \(Self.movedAsideMax) runs stand in the way there: change the priority"
            )
        default: StoreError(.corrupt, "a move's outcome cannot be read")
        }
    }

    /// Why a run cannot be moved any more.
    private static func moveRefusal(_ run: RunRow) -> String {
        if run.request != nil { return "run \(run.id) is asked to end" }
        if run.status == .queued { return "run \(run.id) changed meanwhile: try again" }
        return "run \(run.id) is \(run.status.rawValue), not queued: only queued runs are moved"
    }
}
