// One commit of a node: rows of many runs laid out as the arrays of a few statements.

internal import Postgres
internal import PulserIR

/// A batch, frozen: after a lost connection the very same statements are sent again.
struct WriteBatch {
    let seal: SealRing?
    /// Whether a write that is refused undoes all: there are events, which may tell of it.
    let isStrict: Bool
    /// Whether a claim that is not stored yet undoes all when it cannot be.
    private let isTaking: Bool
    /// Whether it is sent again.
    private let isAgain: Bool
    let submissions: [Submission]
    let chunks: [WritePart.Chunk]
    private let node: NodeEpoch
    private(set) var requests: [PostgresRequest] = []
    /// Without the claims, which come last.
    var writes: [PostgresRequest] { Array(self.requests.prefix(self.writeCount)) }
    /// The same, without that anything undoes it.
    var lenient: [PostgresRequest] { self.again(isStrict: false) }
    /// The same, after a time of which nobody knows whether it was stored.
    var again: [PostgresRequest] { self.again(isStrict: true) }

    private func again(isStrict: Bool) -> [PostgresRequest] {
        WriteBatch(
            submissions: self.submissions,
            chunks: self.chunks,
            claims: nil,
            node: self.node,
            seal: self.seal,
            isStrict: isStrict,
            isAgain: true
        ).writes
    }
    /// Whether there is more than claims.
    var hasWrites: Bool { self.writeCount > 1 }
    private var writeCount = 0
    private var claimedLanes: [Int64: OwnedShard] = [:]
    private var claimRequests: [Int] = []
    /// Where a statement is among the requests, and how many rows it brings.
    typealias Part = (request: Int, rows: Int)
    private(set) var takes: Part?
    private(set) var journal: Part?
    private(set) var artifacts: Part?
    private(set) var moves: Part?
    private(set) var ends: Part?
    private(set) var ended: [Submission] = []
    private(set) var events: Part?
    /// Whether a transition gave way to a later one of the same claim.
    private(set) var hasReplaced = false
    /// Runs whose claims are stored by themselves, ahead of what is written under them.
    private var taken: Set<Int64> = []

    init(
        submissions: [Submission],
        chunks: [WritePart.Chunk],
        claims: ClaimRound.Turn?,
        node: NodeEpoch,
        seal: SealRing? = nil,
        isStrict: Bool = true,
        isAgain: Bool = false
    ) {
        self.isTaking = isStrict
        self.isAgain = isAgain
        self.seal = seal
        self.isStrict = isStrict && !chunks.isEmpty
        self.submissions = submissions
        self.chunks = chunks
        self.node = node
        var shards: [Int32: Int64] = [:]
        // What an earlier ownership of a shard left does not name the generation that is locked.
        func own(_ shard: OwnedShard) {
            shards[shard.shard] = max(shards[shard.shard] ?? .min, shard.generation)
        }
        for submission in submissions { own(submission.fence.shard) }
        for chunk in chunks { own(chunk.log.shard) }
        for want in (claims?.wants ?? []) + (claims?.adopting ?? []) { own(want.shard) }
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
        self.addTakes(submissions, node)
        self.addJournal(submissions, node)
        self.addArtifacts(submissions, node)
        self.addTransitions(submissions, node)
        self.addEvents(chunks, node)
        self.writeCount = self.requests.count
        guard let claims else { return }
        self.addClaims(claims.wants.filter { $0.busy == nil }, [], node)
        self.addLimitedClaims(claims.wants, node)
        self.addClaims(claims.adopting, claims.adopted, node)
    }

    private mutating func addClaims(
        _ wants: [ClaimWant],
        _ adopted: [RunID],
        _ node: NodeEpoch
    ) {
        guard !wants.isEmpty else { return }
        for want in wants { self.claimedLanes[want.lane] = want.shard }
        self.claimRequests.append(self.requests.count)
        self.requests.append(
            PostgresRequest(
                ClaimSQL.claim,
                [
                    .int8(node.number), .int4Array(wants.map(\.shard.shard)),
                    .int8Array(wants.map(\.shard.generation)), .int8Array(wants.map(\.lane)),
                    .int8Array(wants.map { Int64($0.room) }), .int8Array(adopted.map(\.number)),
                    .int8Array(wants.map(\.cursor.rank)), .int8Array(wants.map(\.cursor.run)),
                    .textArray(wants.map(\.cursor.key)),
                ]
            )
        )
    }

    private mutating func addLimitedClaims(_ wants: [ClaimWant], _ node: NodeEpoch) {
        let limited = wants.filter { $0.busy != nil }
        guard !limited.isEmpty else { return }
        for want in limited { self.claimedLanes[want.lane] = want.shard }
        self.requests += LimitsSQL.locks(limited)
        // One by one: each sees what those before it have taken of the limits that they share.
        for want in limited {
            self.claimRequests.append(self.requests.count)
            self.requests.append(LimitsSQL.claim(want, node))
        }
    }

    /// The runs that were claimed, each lane's in its order.
    func claimed(_ answers: [PostgresRows]) -> ClaimAnswer {
        // Sent again without its claims.
        guard answers.count == self.requests.count else { return .success([]) }
        do throws(StoreError) {
            var runs: [ClaimedRun] = []
            for request in self.claimRequests {
                runs += try answers[request].decode { row throws(StoreError) in
                    try ClaimedRun(row, self.claimedLanes)
                }
            }
            runs.sort { ($0.rank, $0.fence.run) < ($1.rank, $1.fence.run) }
            return .success(runs)
        } catch {
            return .failure(error)
        }
    }

    private static func fences(_ fences: [RunFence], _ node: NodeEpoch) -> [PostgresValue] {
        [
            .int8(node.number), .int4Array(fences.map(\.shard.shard)),
            .int8Array(fences.map(\.shard.generation)), .int8Array(fences.map(\.run.number)),
            .int8Array(fences.map(\.claimNumber)),
        ]
    }

    /// Claims that were not stored yet, but for those of runs of which there is nothing but their end.
    private mutating func addTakes(_ submissions: [Submission], _ node: NodeEpoch) {
        var counts: [Int64: Int] = [:]
        for submission in submissions where submission.version != nil {
            counts[submission.fence.run.number] = 0
        }
        guard !counts.isEmpty else { return }
        for submission in submissions { counts[submission.fence.run.number]? += 1 }
        var rows: [ClaimKey: Submission] = [:]
        for submission in submissions where submission.version != nil {
            let run = submission.fence.run.number
            if submission.isWhole, counts[run] == 1 { continue }
            self.taken.insert(run)
            let key = ClaimKey(submission.fence)
            if rows[key] == nil { rows[key] = submission }
        }
        guard !rows.isEmpty else { return }
        let takes = rows.values.sorted {
            ($0.fence.run, $0.fence.claimNumber) < ($1.fence.run, $1.fence.claimNumber)
        }
        self.takes = (self.requests.count, takes.count)
        self.requests.append(
            PostgresRequest(
                ClaimSQL.take,
                Self.fences(takes.map(\.fence), node) + [
                    .textArray(takes.map(\.version?.text)),
                    .int8Array(takes.map(\.version?.age)),
                    .int8Array(takes.map(\.begin)),
                    .int8Array(takes.map(\.fence.lane)),
                    .bool(self.isTaking),
                    .bool(self.isAgain),
                ]
            )
        )
    }

    private mutating func addJournal(
        _ submissions: [Submission],
        _ node: NodeEpoch
    ) {
        // A statement can touch a row once: of an intent and its result the result is kept.
        var latest: [JournalKey: Int] = [:]
        var rows: [(fence: RunFence, record: StepRecord)?] = []
        for submission in submissions {
            for record in submission.records {
                let key = JournalKey(submission.fence, record)
                if let earlier = latest.updateValue(rows.count, forKey: key) { rows[earlier] = nil }
                rows.append((submission.fence, record))
            }
        }
        let kept = rows.compactMap { $0 }
        guard !kept.isEmpty else { return }
        let now = ContinuousClock.now
        let times = kept.map { $0.record.ago(at: now) }
        self.journal = (self.requests.count, kept.count)
        self.requests.append(
            PostgresRequest(
                WriterSQL.journal,
                Self.fences(kept.map(\.fence), node) + [
                    .textArray(kept.map(\.record.step)),
                    .int4Array(kept.map { Int32($0.record.attempt) }),
                    .textArray(kept.map(\.record.state.rawValue)),
                    .textArray(kept.map { self.text(of: $0.record, $0.fence.run) }),
                    .int8Array(times.map(\.begunMicroseconds)),
                    .int8Array(times.map(\.endedMicroseconds)),
                    .bool(self.isStrict),
                ]
            )
        )
    }

    /// The last transition of each claim, in the order of the runs, so that no two batches wait on each
    /// other's rows in a circle.
    private mutating func addTransitions(_ submissions: [Submission], _ node: NodeEpoch) {
        // Sorted by what is small; the submissions stay where they are.
        var places: [(run: Int64, claim: Int64, place: Int)] = []
        places.reserveCapacity(submissions.count)
        for (place, submission) in submissions.enumerated() where submission.transition != nil {
            places.append((submission.fence.run.number, submission.fence.claimNumber, place))
        }
        places.sort { ($0.run, $0.claim, $0.place) < ($1.run, $1.claim, $1.place) }
        var moves: [(fence: RunFence, transition: RunTransition)] = []
        var ends: [Submission] = []
        for (index, place) in places.enumerated() {
            if index + 1 < places.count, places[index + 1].run == place.run,
                places[index + 1].claim == place.claim
            {
                self.hasReplaced = true
                continue
            }
            let submission = submissions[place.place]
            if submission.isEnd {
                ends.append(submission)
            } else if var transition = submission.transition {
                transition.lastSequence = submission.lastSequence
                moves.append((submission.fence, transition))
            }
        }
        self.addMoves(moves, node)
        self.addEnds(ends, node)
    }

    private mutating func addMoves(
        _ rows: [(fence: RunFence, transition: RunTransition)],
        _ node: NodeEpoch
    ) {
        guard !rows.isEmpty else { return }
        self.moves = (self.requests.count, rows.count)
        self.requests.append(
            PostgresRequest(
                WriterSQL.runs,
                Self.fences(rows.map(\.fence), node) + [
                    .textArray(rows.map(\.transition.status.rawValue)),
                    .int4Array(rows.map { Int32($0.transition.retryCount) }),
                    .textArray(rows.map { self.failure($0.transition, $0.fence.run) }),
                    .textArray(rows.map { $0.transition.waitReason?.storable }),
                    .textArray(rows.map { self.outputs($0.transition, $0.fence.run) }),
                    .int8Array(rows.map(\.transition.firstSequence)),
                    .int8Array(rows.map(\.transition.lastSequence)),
                    .int8Array(rows.map(\.transition.nextAttempt?.stored)),
                    .bool(self.isStrict),
                ]
            )
        )
    }

    private mutating func addEnds(_ rows: [Submission], _ node: NodeEpoch) {
        guard !rows.isEmpty else { return }
        self.ended = rows
        let versions = rows.map {
            self.taken.contains($0.fence.run.number) ? nil : $0.version
        }
        self.ends = (self.requests.count, rows.count)
        self.requests.append(
            PostgresRequest(
                WriterSQL.ends,
                Self.fences(rows.map(\.fence), node) + [
                    .textArray(rows.map { $0.transition?.status.rawValue }),
                    .int4Array(rows.map { Int32($0.transition?.retryCount ?? 0) }),
                    .textArray(rows.map { self.failure($0.transition, $0.fence.run) }),
                    .textArray(rows.map { $0.transition?.waitReason?.storable }),
                    .textArray(rows.map { self.outputs($0.transition, $0.fence.run) }),
                    .int8Array(rows.map(\.begin)),
                    .int8Array(rows.map(\.lastSequence)),
                    .textArray(rows.map(\.carriedSteps)),
                    .boolArray(rows.map { $0.transition?.hasJournal ?? true }),
                    .textArray(versions.map(\.?.text)),
                    .int8Array(versions.map(\.?.age)),
                    .bool(self.isStrict),
                    .bool(self.isAgain),
                ]
            )
        )
    }

    private mutating func addArtifacts(_ submissions: [Submission], _ node: NodeEpoch) {
        var latest: [ArtifactKey: (fence: RunFence, artifact: ArtifactRow)] = [:]
        for submission in submissions {
            for artifact in submission.artifacts {
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
        self.artifacts = (self.requests.count, rows.count)
        self.requests.append(
            PostgresRequest(
                WriterSQL.artifacts,
                Self.fences(rows.map(\.fence), node) + [
                    .textArray(rows.map(\.artifact.step)),
                    .textArray(rows.map(\.artifact.name.storable)),
                    .byteaArray(rows.map(\.artifact.digest.bytes)),
                    .int8Array(rows.map(\.artifact.size)),
                    .textArray(rows.map(\.artifact.mediaType.storable)),
                    .byteaArray(rows.map { self.content($0.artifact, $0.fence.run) }),
                    .bool(self.isStrict),
                ]
            )
        )
    }

    private mutating func addEvents(
        _ chunks: [WritePart.Chunk],
        _ node: NodeEpoch
    ) {
        guard !chunks.isEmpty else { return }
        self.events = (self.requests.count, chunks.count)
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
                    .byteaArray(chunks.map { self.bytes($0.log.lane, $0.chunk) }),
                    .int4Array(chunks.map(\.chunk.day)),
                ]
            )
        )
    }
}

extension String {
    /// Postgres has no text with a NUL in it.
    var storable: String { self.replacing("\0", with: "\u{FFFD}") }
}
