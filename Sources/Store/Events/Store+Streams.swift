// What event streams read: the ends of lanes' logs, pages of them, states of runs.

internal import Postgres
public import PulserIR

/// What is stored of a lane's log.
public struct EventBounds: Sendable, Hashable {
    /// The lane's number.
    public var lane: Int64
    /// The number of the last event that is no longer kept; 0 when all are.
    public var floor: Int64
    /// The number of the last event; 0 when there is none.
    public var head: Int64
}

/// The state of a run in few words.
public struct RunSummary: Sendable, Hashable {
    /// Its identity.
    public var id: RunID
    /// Its lane's number.
    public var lane: Int64
    /// Where it is in its life.
    public var status: RunStatus
    /// How often it was started by hand, from 1.
    public var attempt: Int
    /// The number of its first event; 0 when it has none.
    public var firstSequence: Int64
    /// The number of its last event; 0 when it has none.
    public var lastSequence: Int64
    /// Why it did not succeed.
    public var failure: String?
    /// What it waits for.
    public var waitReason: String?

    /// Describes a run.
    public init(
        id: RunID,
        lane: Int64,
        status: RunStatus,
        attempt: Int = 1,
        firstSequence: Int64 = 0,
        lastSequence: Int64 = 0,
        failure: String? = nil,
        waitReason: String? = nil
    ) {
        self.id = id
        self.lane = lane
        self.status = status
        self.attempt = attempt
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.failure = failure
        self.waitReason = waitReason
    }

    init(_ row: StoreRow) throws(StoreError) {
        guard let status = RunStatus(rawValue: try row.text(2)) else {
            throw StoreError(.corrupt, "a run has a status this version does not know")
        }
        self.init(
            id: RunID(try row.int64(0)),
            lane: try row.int64(1),
            status: status,
            attempt: try row.int(3),
            firstSequence: try row.int64(4),
            lastSequence: try row.int64(5),
            failure: try row.textIfPresent(6),
            waitReason: try row.textIfPresent(7)
        )
    }
}

extension Store {
    /// The installation's identity: a UUID made with its database.
    public func clusterIdentity() async throws(StoreError) -> String {
        try await self.execute(StreamsSQL.cluster).first().text(0)
    }

    /// What is stored of each of these lanes' logs.
    public func eventBounds(_ lanes: [Int64]) async throws(StoreError) -> [EventBounds] {
        let rows = try await self.execute(StreamsSQL.bounds, [.int8Array(lanes)])
        return try rows.decode { row throws(StoreError) in
            EventBounds(lane: try row.int64(0), floor: try row.int64(1), head: try row.int64(2))
        }
    }

    /// The chunks of a lane's log that hold events from `sequence` on: at least one if there is
    /// any, and no further ones once they have `bytesMax` bytes together.
    public func events(
        lane: Int64,
        from sequence: Int64,
        bytesMax: Int
    ) async throws(StoreError) -> [EventChunk] {
        let rows = try await self.execute(
            StreamsSQL.page,
            [.int8(lane), .int8(sequence), .int8(Int64(bytesMax))]
        )
        return try rows.decode { row throws(StoreError) in
            let first = try row.int64(0)
            return EventChunk(
                firstSequence: first,
                count: try row.int(1),
                bytes: try self.seal.opened(
                    try row.bytes(2),
                    .events(lane: lane, firstSequence: first)
                )
            )
        }.filter { $0.endSequence > sequence }
    }

    /// The lanes of all active sessions, ascending.
    public func activeLanes() async throws(StoreError) -> [Int64] {
        try await self.execute(StreamsSQL.activeLanes).decode { row throws(StoreError) in
            try row.int64(0)
        }
    }

    /// The lanes of a session, ascending.
    ///
    /// - Throws: `notFound`.
    public func lanes(ofSession session: Int64) async throws(StoreError) -> [Int64] {
        let rows = try await self.execute(StreamsSQL.sessionLanes, [.int8(session)])
        guard rows.count > 0 else {
            throw StoreError(.notFound, "there is no session \(session)")
        }
        return try rows.decode { row throws(StoreError) in
            try row.int64IfPresent(0)
        }.compactMap { $0 }
    }

    /// Those of these lanes that exist, ascending.
    ///
    /// - Throws: `notFound` when one does not.
    public func knownLanes(_ lanes: [Int64]) async throws(StoreError) -> [Int64] {
        let rows = try await self.execute(StreamsSQL.knownLanes, [.int8Array(lanes)])
        let known = try rows.decode { row throws(StoreError) in try row.int64(0) }
        if let missing = lanes.first(where: { !known.contains($0) }) {
            throw StoreError(.notFound, "there is no lane \(missing)")
        }
        return known
    }

    /// By lane its session's number, for lanes of active sessions.
    public func activeSessions(ofLanes lanes: [Int64]) async throws(StoreError) -> [Int64: Int64] {
        let rows = try await self.execute(StreamsSQL.laneSessions, [.int8Array(lanes)])
        let pairs = try rows.decode { row throws(StoreError) in
            (try row.int64(0), try row.int64(1))
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    /// The state of a run.
    ///
    /// - Throws: `notFound`.
    public func runSummary(_ id: RunID) async throws(StoreError) -> RunSummary {
        let rows = try await self.execute(StreamsSQL.summary, [.int8(id.number)])
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no run \(id)") }
        return try RunSummary(rows.first(), self.seal)
    }

    /// Those of the runs with these numbers that have ended.
    public func endedRuns(_ runs: [Int64]) async throws(StoreError) -> [RunSummary] {
        let rows = try await self.execute(StreamsSQL.ended, [.int8Array(runs)])
        return try rows.decode { row throws(StoreError) in
            try RunSummary(row, self.seal)
        }
    }

    /// Runs of these lanes that have not ended and are older than `before`, newest first.
    public func openRuns(
        ofLanes lanes: [Int64],
        before: RunID,
        limit: Int
    ) async throws(StoreError) -> [RunSummary] {
        let rows = try await self.execute(
            StreamsSQL.open,
            [.int8Array(lanes), .int8(before.number), .int8(Int64(limit))]
        )
        return try rows.decode { row throws(StoreError) in
            try RunSummary(row, self.seal)
        }
    }
}
