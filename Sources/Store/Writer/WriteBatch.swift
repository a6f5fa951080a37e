// One commit of a node: rows of many runs laid out as the arrays of a few statements.

internal import Postgres
internal import PulserIR

/// What a submission waits for.
struct Submission {
    var fence: RunFence
    var writes: [RunWrite]
    var log: LaneLog
    var waiter: CheckedContinuation<StoreError?, Never>?

    /// Puts the submission's events into the log: only now, so that they are in the chunk of the
    /// very commit that stores what they tell of.
    mutating func appendEvents() {
        var last: Int64 = 0
        for write in self.writes {
            if case .event(let event) = write { last = self.log.append(event) }
        }
        guard last > 0 else { return }
        for index in self.writes.indices {
            guard case .transition(var transition) = self.writes[index] else { continue }
            transition.lastSequence = max(transition.lastSequence, last)
            self.writes[index] = .transition(transition)
        }
    }
}

/// A batch, frozen: after a lost connection the very same statements are sent again.
struct WriteBatch {
    /// One claim on a run. Two claims may meet in one batch when a run was taken from an actor that
    /// does not know it yet: the older one's writes must neither hide nor pass for the newer one's.
    struct ClaimKey: Hashable {
        var run: Int64
        var claim: Int64

        init(run: Int64, claim: Int64) {
            self.run = run
            self.claim = claim
        }

        init(_ fence: RunFence) { self.init(run: fence.run.number, claim: fence.claimNumber) }
    }

    /// One journal row's key.
    struct JournalKey: Hashable {
        var claim: ClaimKey
        var step: String
        var attempt: Int64
    }

    private struct ArtifactKey: Hashable {
        var claim: ClaimKey
        var step: String
        var name: String
    }

    private(set) var requests: [PostgresRequest] = []
    private var journalRequest: Int?
    private var artifactRequest: Int?
    private var runRequest: Int?
    private var eventRequest: Int?

    init(
        submissions: [Submission],
        chunks: [(log: LaneLog, chunk: LaneLog.Chunk)],
        node: NodeEpoch
    ) {
        var shards: [Int32: Int64] = [:]
        for submission in submissions {
            shards[submission.fence.shard.shard] = submission.fence.shard.generation
        }
        for chunk in chunks { shards[chunk.log.shard.shard] = chunk.log.shard.generation }
        let sorted = shards.sorted { $0.key < $1.key }
        self.requests.append(
            PostgresRequest(
                WriterSQL.fence,
                [
                    .int8(node.number), .int4Array(sorted.map(\.key)),
                    .int8Array(sorted.map(\.value)),
                ]
            )
        )
        self.addJournal(submissions, node)
        self.addArtifacts(submissions, node)
        self.addRuns(submissions, node)
        self.addEvents(chunks, node)
    }

    private static func fences(_ fences: [RunFence], _ node: NodeEpoch) -> [PostgresValue] {
        [
            .int8(node.number), .int4Array(fences.map(\.shard.shard)),
            .int8Array(fences.map(\.shard.generation)), .int8Array(fences.map(\.run.number)),
            .int8Array(fences.map(\.claimNumber)),
        ]
    }

    private mutating func addJournal(
        _ submissions: [Submission],
        _ node: NodeEpoch
    ) {
        // A statement can touch a row once: of an intent and its result the result is kept.
        var latest: [JournalKey: Int] = [:]
        var rows: [(fence: RunFence, record: StepRecord)?] = []
        for submission in submissions {
            for case .journal(let record) in submission.writes {
                let key = JournalKey(
                    claim: ClaimKey(submission.fence),
                    step: record.step,
                    attempt: Int64(record.attempt)
                )
                if let earlier = latest.updateValue(rows.count, forKey: key) { rows[earlier] = nil }
                rows.append((submission.fence, record))
            }
        }
        let kept = rows.compactMap { $0 }
        guard !kept.isEmpty else { return }
        self.journalRequest = self.requests.count
        self.requests.append(
            PostgresRequest(
                WriterSQL.journal,
                Self.fences(kept.map(\.fence), node) + [
                    .textArray(kept.map(\.record.step)),
                    .int4Array(kept.map { Int32($0.record.attempt) }),
                    .textArray(kept.map(\.record.state.rawValue)),
                    .textArray(kept.map(\.record.bodyText)),
                ]
            )
        )
    }

    private mutating func addRuns(_ submissions: [Submission], _ node: NodeEpoch) {
        var latest: [ClaimKey: (fence: RunFence, transition: RunTransition)] = [:]
        for submission in submissions {
            for case .transition(let transition) in submission.writes {
                latest[ClaimKey(submission.fence)] = (submission.fence, transition)
            }
        }
        let rows = latest.values.sorted { $0.fence.run < $1.fence.run }
        guard !rows.isEmpty else { return }
        self.runRequest = self.requests.count
        self.requests.append(
            PostgresRequest(
                WriterSQL.runs,
                Self.fences(rows.map(\.fence), node) + [
                    .textArray(rows.map(\.transition.status.rawValue)),
                    .int4Array(rows.map { Int32($0.transition.retryCount) }),
                    .textArray(rows.map { $0.transition.failure?.storable }),
                    .textArray(rows.map { $0.transition.waitReason?.storable }),
                    .textArray(rows.map(\.transition.outputs)),
                    .int8Array(rows.map(\.transition.firstSequence)),
                    .int8Array(rows.map(\.transition.lastSequence)),
                ]
            )
        )
    }

    private mutating func addArtifacts(_ submissions: [Submission], _ node: NodeEpoch) {
        var latest: [ArtifactKey: (fence: RunFence, artifact: ArtifactRow)] = [:]
        for submission in submissions {
            for case .artifact(let artifact) in submission.writes {
                let key = ArtifactKey(
                    claim: ClaimKey(submission.fence),
                    step: artifact.step,
                    name: artifact.name
                )
                latest[key] = (submission.fence, artifact)
            }
        }
        // In one order everywhere, so that no two batches wait on each other's rows in a circle.
        let rows = latest.values.sorted {
            ($0.fence.run, $0.artifact.step, $0.artifact.name)
                < ($1.fence.run, $1.artifact.step, $1.artifact.name)
        }
        guard !rows.isEmpty else { return }
        self.artifactRequest = self.requests.count
        self.requests.append(
            PostgresRequest(
                WriterSQL.artifacts,
                Self.fences(rows.map(\.fence), node) + [
                    .textArray(rows.map(\.artifact.step)),
                    .textArray(rows.map(\.artifact.name.storable)),
                    .byteaArray(rows.map(\.artifact.digest.bytes)),
                    .int8Array(rows.map(\.artifact.size)),
                    .textArray(rows.map(\.artifact.mediaType.storable)),
                    .byteaArray(rows.map(\.artifact.content)),
                ]
            )
        )
    }

    private mutating func addEvents(
        _ chunks: [(log: LaneLog, chunk: LaneLog.Chunk)],
        _ node: NodeEpoch
    ) {
        guard !chunks.isEmpty else { return }
        self.eventRequest = self.requests.count
        self.requests.append(
            PostgresRequest(
                WriterSQL.events,
                [
                    .int8(node.number),
                    .int4Array(chunks.map(\.log.shard.shard)),
                    .int8Array(chunks.map(\.log.shard.generation)),
                    .int8Array(chunks.map(\.log.lane)),
                    .int8Array(chunks.map(\.chunk.firstSequence)),
                    .int4Array(chunks.map { Int32($0.chunk.count) }),
                    .byteaArray(chunks.map(\.chunk.bytes)),
                ]
            )
        )
    }

    /// What the database accepted.
    struct Accepted {
        var journal: Set<JournalKey> = []
        var artifacts: Set<ClaimKey> = []
        var runs: Set<ClaimKey> = []
        var lanes: Set<Int64> = []
    }

    func accepted(_ answers: [PostgresRows]) throws(StoreError) -> Accepted {
        var accepted = Accepted()
        if let index = self.journalRequest {
            let keys = try answers[index].decode { row throws(StoreError) in
                JournalKey(
                    claim: ClaimKey(run: try row.int64(0), claim: try row.int64(3)),
                    step: try row.text(1),
                    attempt: try row.int64(2)
                )
            }
            accepted.journal = Set(keys)
        }
        if let index = self.runRequest {
            accepted.runs = try Self.claims(answers[index])
        }
        if let index = self.artifactRequest {
            accepted.artifacts = try Self.claims(answers[index])
        }
        if let index = self.eventRequest {
            accepted.lanes = Set(
                try answers[index].decode { row throws(StoreError) in try row.int64(0) }
            )
        }
        return accepted
    }

    private static func claims(_ rows: PostgresRows) throws(StoreError) -> Set<ClaimKey> {
        Set(
            try rows.decode { row throws(StoreError) in
                ClaimKey(run: try row.int64(0), claim: try row.int64(1))
            }
        )
    }
}

extension String {
    /// Postgres has no text with a NUL in it.
    var storable: String { self.replacing("\0", with: "\u{FFFD}") }
}
