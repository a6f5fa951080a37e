// What a batch must leave out: writes under claims that are not their runs' any more, and what tells of them.

internal import Postgres
internal import PulserIR

/// Claims about which nothing is stored any more.
struct RefusedWrites: Sendable {
    /// Never empty.
    var claims: Set<WriteBatch.ClaimKey>

    /// A batch without what is refused of it.
    struct Rest {
        var submissions: [Submission]
        var chunks: [WritePart.Chunk]
        var refused: [Submission]
    }

    /// Takes out what is refused, and has its events say no more than that: their numbers are given.
    ///
    /// - Parameters:
    ///   - submissions: Those of the batch.
    ///   - chunks: The ends of their lanes' logs.
    /// - Returns: What is left of both.
    /// - Throws: `server` when nothing of it is refused.
    func taken(
        from submissions: [Submission],
        _ chunks: [WritePart.Chunk]
    ) throws(StoreError) -> Rest {
        let refused = submissions.filter { self.claims.contains(WriteBatch.ClaimKey($0.fence)) }
        guard !refused.isEmpty else {
            throw StoreError(.server, "the database refused a write that was not sent")
        }
        var chunks = chunks
        let places = Dictionary(
            chunks.enumerated().map { (ObjectIdentifier($0.element.log), $0.offset) }
        ) { $1 }
        for submission in refused {
            if let place = places[ObjectIdentifier(submission.log)] {
                chunks[place].chunk.replace(
                    submission.sequences,
                    with: RunEvent(
                        .writeRefused,
                        at: LaneLog.nowMilliseconds,
                        run: submission.fence.run
                    )
                )
            }
        }
        return Rest(
            submissions: submissions.filter {
                !self.claims.contains(WriteBatch.ClaimKey($0.fence))
            },
            chunks: chunks,
            refused: refused
        )
    }
}

extension StoreError {
    /// What a write under an older claim is told.
    static let takenOver = StoreError(.stale, "the run was taken over by another claim")
}

extension Store {
    /// Which claims of a batch are not their runs' any more, the one that undid it included.
    func refused(
        _ batch: WriteBatch,
        _ error: StoreError
    ) async throws(StoreError) -> RefusedWrites {
        let claims = Dictionary(
            batch.submissions.map { (WriteBatch.ClaimKey($0.fence), $0.version) }
        ) { first, _ in first }
        let rows = try await self.execute(
            WriterSQL.refused,
            [
                .int8Array(claims.map(\.key.run)), .int8Array(claims.map(\.key.claim)),
                .textArray(claims.map(\.value?.text)),
            ]
        )
        var refused = Set(
            try rows.decode { row throws(StoreError) in
                WriteBatch.ClaimKey(run: try row.int64(0), claim: try row.int64(1))
            }
        )
        let named = error.message.split(separator: " ").compactMap { Int64($0) }
        if named.count == 2 { refused.insert(WriteBatch.ClaimKey(run: named[0], claim: named[1])) }
        return RefusedWrites(claims: refused)
    }

    /// Whether a batch was stored although its acknowledgement was lost. Waits for what may still be
    /// under way.
    func isStored(_ batch: WriteBatch) async throws(StoreError) -> Bool {
        guard let (log, chunk) = batch.chunks.first else { return false }
        let rows = try await self.transaction([
            PostgresRequest(WriterSQL.hold, [.int4(log.shard.shard)]),
            PostgresRequest(
                WriterSQL.isStored,
                [.int8(log.lane), .int8(chunk.firstSequence), .int4(chunk.day)]
            ),
        ])
        guard rows.count == 2 else { return false }
        return try rows[1].first().bool(0)
    }
}
