// The board of a session: its lanes with what they do, read at one moment, and how far those runs are.

internal import Postgres
public import PulserIR

/// One lane of a board.
public struct BoardLane: Sendable, Hashable {
    /// The lane.
    public var lane: LaneRow
    /// Runs under way, counted up to ``Store/boardCountMax``.
    public var active: Int64
    /// Whether there are more of them than were counted.
    public var activeIsMore: Bool
    /// Queued runs, those for later and paused ones included, counted up to ``Store/boardCountMax``.
    public var queued: Int64
    /// Whether there are more of them than were counted.
    public var queuedIsMore: Bool
    /// Those under way, then those that are claimed next.
    public var cards: [BoardCard]
    /// Those that ended last, the last first.
    public var recent: [BoardCard]

    init(
        _ lane: LaneRow,
        _ count: (active: Int64, queued: Int64),
        cards: [BoardCard],
        recent: [BoardCard]
    ) {
        self.lane = lane
        self.active = min(count.active, Store.boardCountMax)
        self.activeIsMore = count.active > Store.boardCountMax
        self.queued = min(count.queued, Store.boardCountMax)
        self.queuedIsMore = count.queued > Store.boardCountMax
        self.cards = cards
        self.recent = recent
    }
}

/// What a session's lanes do.
public struct BoardRow: Sendable, Hashable {
    /// The session.
    public var session: SessionDetail
    /// Its lanes in the order they were made, without those of child runs.
    public var lanes: [BoardLane]
    /// Whether it has more lanes than a board shows.
    public var lanesAreMore: Bool
    /// Whether lanes have cards that are left out because the whole board would have too many.
    public var cardsAreMore: Bool
    /// Its runs that wait for people.
    public var waiting: Int64
    /// Whether there may be more of them: not all runs under way were looked at.
    public var waitingIsMore: Bool
    /// The nodes that are not dead.
    public var nodes: [NodeRow]
}

extension Store {
    /// Lanes of one board.
    public static let boardLanesMax = 100
    /// Queued cards of one lane, and cards under way.
    public static let boardCardsMax = 500
    /// Cards of a whole board, without those that have ended.
    public static let boardCardsInAllMax: Int64 = 4_000
    /// How far a board counts.
    public static let boardCountMax: Int64 = 1_000
    /// Ended cards of one lane.
    static let boardRecentMax: Int64 = 5
    /// Ended runs of a lane that are looked at for those.
    public static let boardEndedMax: Int64 = 50
    /// Runs of any lane that ended lately and are looked at too.
    public static let boardLateMax: Int64 = 10_000
    /// Lanes of one session, and runs under way in them, that are looked at for those that wait for people.
    static let boardWaitingLanesMax: Int64 = 1_000
    static let boardWaitingMax: Int64 = 10_000
    /// Rows of one run's journal that are counted.
    static let boardStepsMax: Int64 = 2_000
    /// The largest journal of an ended run that is taken apart.
    static let boardKeptBytesMax: Int64 = 256 << 10

    /// What a session's lanes do.
    ///
    /// - Parameters:
    ///   - name: The session's name or number.
    ///   - cards: Queued cards of each lane at most.
    /// - Returns: The board; its cost is bounded whatever the queue's size.
    /// - Throws: `notFound`; `unavailable` when the database cannot answer in time.
    public func board(_ name: String, cards: Int) async throws(StoreError) -> BoardRow {
        let session = try await self.session(name)
        let page = try await self.lanePage(
            session: session.id,
            after: nil,
            includingChildren: false,
            limit: Self.boardLanesMax
        )
        let lanes = PostgresValue.int8Array(page.rows.map(\.id))
        let counts = try await self.boardCounts(lanes)
        let share = BoardShare(
            Array(counts.values),
            active: Int64(Self.boardCardsMax),
            queued: Int64(cards),
            room: Self.boardCardsInAllMax
        )
        let room = PostgresValue.int8(share.queued)
        let answers = try await self.bounded([
            PostgresRequest(BoardSQL.active, [lanes, .int8(share.active)]),
            PostgresRequest(BoardSQL.next, [lanes, room]),
            PostgresRequest(BoardSQL.later, [lanes, room]),
            PostgresRequest(BoardSQL.paused, [lanes, room]),
            PostgresRequest(
                BoardSQL.recent,
                [
                    lanes, .int8(Self.boardRecentMax), .int8(Self.boardEndedMax),
                    .int8(Self.boardLateMax),
                ]
            ),
            PostgresRequest(
                BoardSQL.waiting,
                [
                    .int8(session.id), .int8(Self.boardWaitingLanesMax),
                    .int8(Self.boardWaitingMax + 1),
                ]
            ),
            PostgresRequest(NodesSQL.list, []),
        ])
        guard answers.count == 7 else { throw StoreError(.corrupt, "an answer is missing") }
        let active = try self.cards(answers[0])
        let queues = try answers[1...3].map { rows throws(StoreError) in try self.cards(rows) }
        let recent = try self.cards(answers[4])
        let waiting = try answers[5].first()
        return BoardRow(
            session: session,
            lanes: page.rows.map { lane in
                // One that moved between two of the questions stands where it was seen first.
                var seen = Set((active[lane.id] ?? []).map(\.id))
                let next = queues.flatMap { $0[lane.id] ?? [] }.filter {
                    seen.insert($0.id).inserted
                }
                return BoardLane(
                    lane,
                    counts[lane.id] ?? (0, 0),
                    cards: (active[lane.id] ?? []) + next.prefix(Int(share.queued)),
                    recent: (recent[lane.id] ?? []).filter { seen.insert($0.id).inserted }
                )
            },
            lanesAreMore: page.next != nil,
            cardsAreMore: share.isCut,
            waiting: try waiting.int64(0),
            waitingIsMore: try waiting.int64(1) > Self.boardWaitingMax,
            nodes: try answers[6].decode { row throws(StoreError) in try NodeRow(row) }
        )
    }

    /// What each lane has, counted one further than is told.
    private func boardCounts(
        _ lanes: PostgresValue
    ) async throws(StoreError) -> [Int64: (active: Int64, queued: Int64)] {
        let rows = try await self.bounded(BoardSQL.counts, [lanes, .int8(Self.boardCountMax + 1)])
        var counts: [Int64: (active: Int64, queued: Int64)] = [:]
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            counts[try row.int64(0)] = (try row.int64(1), try row.int64(2))
        }
        return counts
    }

    private func cards(_ rows: PostgresRows) throws(StoreError) -> [Int64: [BoardCard]] {
        var lanes: [Int64: [BoardCard]] = [:]
        for index in 0..<rows.count {
            let card = try BoardCard(StoreRow(rows: rows, index: index), self.seal)
            lanes[card.lane, default: []].append(card)
        }
        return lanes
    }

    /// How far runs are.
    ///
    /// - Parameters:
    ///   - active: Runs under way.
    ///   - ended: Runs that have ended.
    ///   - plans: Plans whose steps are to be counted.
    /// - Returns: What is known of each run, and how many steps each plan has. Of a run with a very large
    ///   journal nothing is told.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func boardProgress(
        active: [RunID],
        ended: [RunID],
        plans: [Digest]
    ) async throws(StoreError) -> (runs: [RunID: BoardProgress], totals: [Digest: Int]) {
        guard !active.isEmpty || !ended.isEmpty || !plans.isEmpty else { return ([:], [:]) }
        let answers = try await self.bounded([
            PostgresRequest(
                BoardSQL.steps,
                [.int8Array(active.map(\.number)), .int8(Self.boardStepsMax)]
            ),
            PostgresRequest(
                BoardSQL.kept,
                [.int8Array(ended.map(\.number)), .int8(Self.boardKeptBytesMax)]
            ),
            PostgresRequest(BoardSQL.totals, [.byteaArray(plans.map(\.bytes))]),
        ])
        guard answers.count == 3 else { throw StoreError(.corrupt, "an answer is missing") }
        var runs: [RunID: BoardProgress] = [:]
        for index in 0..<answers[0].count {
            let row = StoreRow(rows: answers[0], index: index)
            runs[RunID(try row.int64(0))] = BoardProgress(
                done: try row.int(1),
                step: try row.textIfPresent(2)
            )
        }
        for index in 0..<answers[1].count {
            let row = StoreRow(rows: answers[1], index: index)
            let steps = try FoldedStep.kept(try row.text(1), runEnded: 0)
            runs[RunID(try row.int64(0))] = BoardProgress(kept: steps)
        }
        var totals: [Digest: Int] = [:]
        for index in 0..<answers[2].count {
            let row = StoreRow(rows: answers[2], index: index)
            guard let digest = Digest(bytes: try row.bytes(0)) else { continue }
            totals[digest] = try row.int64IfPresent(1).map { Int($0) } ?? 0
        }
        return (runs, totals)
    }
}
