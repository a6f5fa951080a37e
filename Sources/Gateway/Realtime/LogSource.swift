// Where streams read what their rings do not hold: the seam to the store, so that tests can play it.

import PulserIR
import StateMachines
import Store

/// What a stream covers.
enum StreamScope: Sendable, Hashable {
    /// All lanes of active sessions.
    case everything
    /// One session's lanes, those made later included.
    case session(Int64)
    /// These lanes, ascending.
    case lanes([Int64])

    /// Whether lanes made later belong to it.
    var isOpen: Bool {
        switch self {
        case .everything, .session: true
        case .lanes: false
        }
    }
}

/// Stored events of one lane, in order, without a hole.
struct LogPage: Sendable {
    /// One event.
    struct Line: Sendable {
        var sequence: Int64
        var bytes: ArraySlice<UInt8>
        var facts: EventFacts
    }

    var lane: Int64
    var lines: [Line]

    /// The lines of a chunk behind `after`, at most `bytesMax` of them.
    mutating func append(_ bytes: [UInt8], first: Int64, after: Int64, bytesMax: inout Int) {
        var sequence = first
        var rest = bytes[...]
        while bytesMax > 0, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if sequence > after {
                let line = rest[rest.startIndex..<end]
                bytesMax -= line.count
                self.lines.append(
                    Line(sequence: sequence, bytes: line, facts: EventFacts(line))
                )
            }
            sequence += 1
            rest = rest[(end + 1)...]
        }
    }
}

/// Where a run's events lie.
struct RunPlace: Sendable, Hashable {
    var run: Int64
    var lane: Int64
    var status: RunStatus
    /// 0 before it began.
    var firstSequence: Int64
    var lastSequence: Int64
}

/// What is durable, as streams see it.
protocol LogSource: Sendable {
    /// Names the installation, in ``StreamCursor/epochBytes`` letters.
    func epoch() async throws(StoreError) -> String
    /// The lanes of a scope, ascending.
    ///
    /// - Throws: `notFound`.
    func lanes(of scope: StreamScope) async throws(StoreError) -> [Int64]
    /// The sessions of lanes whose session is active.
    func sessions(of lanes: [Int64]) async throws(StoreError) -> [Int64: Int64]
    /// What is stored of each lane.
    func bounds(_ lanes: [Int64]) async throws(StoreError) -> SubscriptionMachine.Bounds
    /// Events of a lane behind `after`, about 64 KiB of them; empty when there are none.
    func page(lane: Int64, after: Int64) async throws(StoreError) -> LogPage
    /// Where a run's events lie.
    ///
    /// - Throws: `notFound`.
    func place(of run: Int64) async throws(StoreError) -> RunPlace
    /// Those of these runs that have ended.
    func ended(_ runs: [Int64]) async throws(StoreError) -> [RunPlace]
    /// Runs of lanes that have not ended, newest first, older than `before`.
    func openRuns(
        _ lanes: [Int64],
        before: Int64,
        limit: Int
    ) async throws(StoreError) -> [RunSummary]
    /// One run.
    func summary(of run: Int64) async throws(StoreError) -> RunSummary
}

extension RunSummary {
    /// As a snapshot tells it.
    var snapshot: JSONValue {
        var members: [String: JSONValue] = [
            "run": .string(self.id.description), "lane": .integer(self.lane),
            "status": .string(self.status.rawValue), "attempt": .integer(Int64(self.attempt)),
            "first_seq": .integer(self.firstSequence), "last_seq": .integer(self.lastSequence),
        ]
        if let failure = self.failure { members["failure"] = .string(failure) }
        if let reason = self.waitReason { members["wait_reason"] = .string(reason) }
        return .object(members)
    }
}

/// The store as a source.
struct StoredLogs: LogSource {
    static let pageBytes = 64 << 10

    let store: Store

    func epoch() async throws(StoreError) -> String {
        let digest = Digest(of: Array(try await self.store.clusterIdentity().utf8))
        return String(digest.description.suffix(StreamCursor.epochBytes))
    }

    func lanes(of scope: StreamScope) async throws(StoreError) -> [Int64] {
        switch scope {
        case .everything: try await self.store.activeLanes()
        case .session(let session): try await self.store.lanes(ofSession: session)
        case .lanes(let lanes):
            try await self.store.knownLanes(lanes)
        }
    }

    func sessions(of lanes: [Int64]) async throws(StoreError) -> [Int64: Int64] {
        try await self.store.activeSessions(ofLanes: lanes)
    }

    func bounds(_ lanes: [Int64]) async throws(StoreError) -> SubscriptionMachine.Bounds {
        var floors: [Int64: Int64] = [:]
        var heads: [Int64: Int64] = [:]
        for bound in try await self.store.eventBounds(lanes) {
            floors[bound.lane] = bound.floor
            heads[bound.lane] = bound.head
        }
        return SubscriptionMachine.Bounds(
            floors: LanePositions(floors),
            heads: LanePositions(heads)
        )
    }

    func page(lane: Int64, after: Int64) async throws(StoreError) -> LogPage {
        let chunks = try await self.store.events(
            lane: lane,
            from: after + 1,
            bytesMax: Self.pageBytes
        )
        var page = LogPage(lane: lane, lines: [])
        var room = Self.pageBytes
        var next = after + 1
        for chunk in chunks where chunk.firstSequence <= next && room > 0 {
            page.append(chunk.bytes, first: chunk.firstSequence, after: after, bytesMax: &room)
            next = chunk.endSequence
        }
        return page
    }

    func place(of run: Int64) async throws(StoreError) -> RunPlace {
        RunPlace(try await self.summary(of: run))
    }

    func ended(_ runs: [Int64]) async throws(StoreError) -> [RunPlace] {
        try await self.store.endedRuns(runs).map(RunPlace.init(_:))
    }

    func openRuns(
        _ lanes: [Int64],
        before: Int64,
        limit: Int
    ) async throws(StoreError) -> [RunSummary] {
        try await self.store.openRuns(ofLanes: lanes, before: RunID(before), limit: limit)
    }

    func summary(of run: Int64) async throws(StoreError) -> RunSummary {
        try await self.store.runSummary(RunID(run))
    }
}

extension RunPlace {
    init(_ summary: RunSummary) {
        self.init(
            run: summary.id.number,
            lane: summary.lane,
            status: summary.status,
            firstSequence: summary.firstSequence,
            lastSequence: summary.lastSequence
        )
    }
}
