// The one place from which a node writes about its work: batches, fences, commits, answers.

internal import Logging
internal import Metrics
internal import Postgres
public import PulserIR

/// Group commit. The next batch leaves as soon as the previous one is acknowledged: alone a write
/// travels at once, under load batches grow by themselves. Writes are one such stream, claims of
/// queued runs another.
///
/// Owner: the node. Runs on: default pool. Ends: cancellation, then every waiter is told so.
/// While the database is away the batch is kept and sent again; its statements find what they wrote
/// themselves, so a commit whose acknowledgement was lost happens once. Memory stays bounded
/// because every submitter waits.
public actor WriterActor {
    /// Rows of one batch; what is beyond waits for the next.
    static let submissionsMax = 2_000

    private let store: Store
    private let node: NodeEpoch
    private let logger: Logger
    private nonisolated let inbox = WriterInbox()
    /// Claims of queued runs travel beside the writes, on another connection: the database works on
    /// both at once.
    private nonisolated let claims = WriterInbox()
    /// Claims of lanes with limits, which lock rows that lanes share: the others do not wait for them.
    private nonisolated let limited = WriterInbox()
    /// Looks for runs that are next, beside all that is written.
    private nonisolated let reader: NextReader
    /// What the logs of its lanes share.
    public nonisolated let budget = LogBudget()
    private let notifier: NotifierActor
    private let onCommitted: (@Sendable ([CommittedChunk]) -> Void)?

    /// Makes the writer of a node; it works while ``run()`` does.
    ///
    /// - Parameters:
    ///   - store: Where it writes.
    ///   - node: For whom.
    ///   - onCommitted: Called with what every commit added to the logs, as soon as the commit is
    ///     acknowledged and before anybody who waits for it hears so; a lane's chunks come in order.
    ///     The writer waits for it: it hands the chunks on and does nothing else.
    public init(
        store: Store,
        node: NodeEpoch,
        onCommitted: (@Sendable ([CommittedChunk]) -> Void)? = nil
    ) {
        self.store = store
        self.onCommitted = onCommitted
        self.node = node
        self.logger = store.logger
        self.notifier = NotifierActor(store: store)
        self.reader = NextReader(store: store, keyed: self.claims)
    }

    static let ending = StoreError(.cancelled, "the node is stopping")

    /// Stores these writes together with all events that wait in `log`.
    ///
    /// - Parameters:
    ///   - writes: What is written about the run.
    ///   - fence: The claim under which it is.
    ///   - log: The log of the run's lane.
    ///   - version: Of a run whose claim is not stored yet the one of its row that was read: the claim is
    ///     stored with these writes. `nil` when it is stored.
    /// - Throws: `stale` when the shard or the run belongs to somebody else by now, or the run is not any
    ///   more what was read: stop the work.
    public nonisolated(nonsending) func submit(
        _ writes: [RunWrite],
        fence: RunFence,
        log: LaneLog,
        version: RunVersion? = nil
    ) async throws(StoreError) {
        if let failure = log.failure { throw failure }
        let failure: StoreError? = await withCheckedContinuation { waiter in
            let submission = Submission(
                fence: fence,
                writes: writes,
                log: log,
                version: version,
                seal: self.store.seal,
                waiter: waiter
            )
            if !self.inbox.put(submission) { waiter.resume(returning: Self.ending) }
        }
        if let failure { throw failure }
        if let failure = log.failure { throw failure }
    }

    /// Has the events that wait in `log` stored with the next commit, without waiting for it.
    public nonisolated func flush(_ log: LaneLog) {
        if !log.isLost { self.inbox.put(log) }
    }

    /// Takes queued runs, each lane's in its order, with the next commit.
    ///
    /// - Parameters:
    ///   - wants: The lanes and their room.
    ///   - answer: Called once, from any thread, with the runs or with why there are none; it hands
    ///     them on and does nothing else.
    public nonisolated func claim(
        _ wants: [ClaimWant],
        answer: @escaping @Sendable (Result<[ClaimedRun], StoreError>) -> Void
    ) {
        self.ask(ClaimRequest(wants: wants, adopting: []), answer)
    }

    /// Reads which runs of a lane without limits are next. They are nobody's before their first write, see
    /// ``ClaimedRun/version``, and are read again until then; a lane whose runs have keys has them claimed.
    ///
    /// - Parameters:
    ///   - want: The lane and its room.
    ///   - answer: As of ``claim(_:answer:)``.
    public nonisolated func next(
        _ want: ClaimWant,
        answer: @escaping @Sendable (Result<[ClaimedRun], StoreError>) -> Void
    ) {
        let request = ClaimRequest(wants: [want], adopting: [])
        guard !self.reader.inbox.put(PendingClaim(request: request, answer: answer)) else { return }
        answer(.failure(Self.ending))
    }

    /// Takes queued runs, each lane's in its order.
    public nonisolated(nonsending) func claim(
        _ wants: [ClaimWant]
    ) async throws(StoreError) -> [ClaimedRun] {
        try await self.ask(ClaimRequest(wants: wants, adopting: []))
    }

    /// Takes over runs that an earlier owner had under way.
    public nonisolated(nonsending) func adopt(
        _ runs: [RunID],
        lanes: [ClaimWant]
    ) async throws(StoreError) -> [ClaimedRun] {
        if runs.isEmpty { return [] }
        return try await self.ask(ClaimRequest(wants: lanes, adopting: runs))
    }

    private nonisolated func ask(
        _ request: ClaimRequest,
        _ answer: @escaping @Sendable (ClaimAnswer) -> Void
    ) {
        // Who takes a run over comes after what was written about it before, also after an outage:
        // else the higher claim number would have that refused.
        let isLimited = request.wants.contains { $0.busy != nil }
        let inbox =
            request.adopting.isEmpty ? (isLimited ? self.limited : self.claims) : self.inbox
        guard !inbox.put(PendingClaim(request: request, answer: answer)) else { return }
        answer(.failure(Self.ending))
    }

    private nonisolated(nonsending) func ask(
        _ request: ClaimRequest
    ) async throws(StoreError) -> [ClaimedRun] {
        let answer = await withCheckedContinuation { waiter in
            self.ask(request) { waiter.resume(returning: $0) }
        }
        return try answer.get()
    }

    /// Works until cancelled.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.notifier.run() }
            group.addTask { await self.reader.run() }
            group.addTask { await self.loop(self.inbox) }
            group.addTask { await self.loop(self.claims) }
            group.addTask { await self.loop(self.limited) }
        }
    }

    private func loop(_ inbox: WriterInbox) async {
        while let work = await inbox.take(atMost: Self.submissionsMax) {
            await self.commit(work)
        }
        let left = inbox.end()
        for submission in left.submissions { submission.waiter?.resume(returning: Self.ending) }
        for claim in left.claims { claim.answer(.failure(Self.ending)) }
    }

    /// Stores what waits and takes the runs that are asked for: in one commit, unless it is too much.
    private func commit(_ work: WriterInbox.Work) async {
        var claims = ClaimRound(work.claims)
        var parts = Self.parts(of: work)
        // Who takes runs over comes after what was written about them.
        while parts.count > 1 {
            // Let go once it is stored.
            let part = parts.removeLast()
            await self.commit(part.submissions, part.chunks, nil)
        }
        await self.commit(parts[0].submissions, parts[0].chunks, claims.next())
        while let more = claims.next() { await self.commit([], [], more) }
    }

    /// Lays out what waits: events get their numbers and leave their logs.
    private static func parts(of work: WriterInbox.Work) -> [WritePart] {
        var dirty = work.logs
        var known: LaneLog?
        for submission in work.submissions {
            submission.appendEvents()
            if submission.log !== known { dirty[submission.log.lane] = submission.log }
            known = submission.log
        }
        var chunks: [WritePart.Chunk] = []
        for log in dirty.values.sorted(by: { $0.lane < $1.lane }) where !log.isLost {
            if let chunk = log.take() { chunks.append((log, chunk)) }
        }
        return WritePart.parts(of: work.submissions, chunks)
    }

    private func commit(
        _ submissions: [Submission],
        _ chunks: [WritePart.Chunk],
        _ claims: ClaimRound.Turn?,
        isAgain: Bool = false
    ) async {
        guard !submissions.isEmpty || !chunks.isEmpty || claims != nil else { return }
        do {
            let batch = WriteBatch(
                submissions: submissions,
                chunks: chunks,
                claims: claims,
                node: self.node,
                seal: self.store.seal,
                isAgain: isAgain
            )
            let began = ContinuousClock.now
            let answers: [PostgresRows]
            switch try await self.send(batch, claims) {
            case .answered(let rows): answers = rows
            case .refused(let refused, let claims):
                let rest = try refused.taken(from: submissions, chunks)
                await self.commit(rest.submissions, rest.chunks, claims)
                StoreMetrics.stale.increment(by: rest.refused.count)
                for submission in rest.refused { submission.waiter?.resume(returning: .takenOver) }
                return
            }
            StoreMetrics.batch.record(duration: ContinuousClock.now - began)
            // Claims travel by themselves, and are none.
            if batch.hasWrites { StoreMetrics.submissions.record(submissions.count) }
            let accepted = try batch.accepted(answers)
            self.answer(submissions, chunks, accepted)
            claims?.answer(batch.claimed(answers))
        } catch {
            let alone = submissions.count + chunks.count + (claims == nil ? 0 : 1) == 1
            guard error.code != .cancelled, !alone else {
                if claims == nil {
                    self.logger.error("batch refused", metadata: ["reason": "\(error.message)"])
                }
                for submission in submissions { submission.waiter?.resume(returning: error) }
                for chunk in chunks { chunk.log.lose(error) }
                claims?.answer(.failure(error))
                return
            }
            // One bad row must not take the others with it: each goes alone. They may be stored already,
            // when the commit was sent more than once.
            for chunk in chunks { await self.commit([], [chunk], nil) }
            for submission in submissions {
                await self.commit([submission], [], nil, isAgain: true)
            }
            if let claims { await self.commit([], [], claims) }
        }
    }

    private func answer(
        _ submissions: [Submission],
        _ chunks: [WritePart.Chunk],
        _ accepted: WriteBatch.Accepted
    ) {
        for chunk in chunks where !accepted.lanes.contains(chunk.log.lane) { chunk.log.lose() }
        let stored = chunks.filter { accepted.lanes.contains($0.log.lane) }
        if let onCommitted = self.onCommitted, !stored.isEmpty {
            onCommitted(stored.map { CommittedChunk(lane: $0.log.lane, $0.chunk) })
        }
        for submission in submissions {
            let isAccepted = accepted.has(submission)
            if !isAccepted { StoreMetrics.stale.increment() }
            submission.waiter?.resume(returning: isAccepted ? nil : .takenOver)
        }
        self.notifier.note(
            stored.map { (lane: $0.log.lane, end: $0.chunk.firstSequence + Int64($0.chunk.count)) }
        )
    }

    /// What the database said of a batch.
    private enum Sent {
        case answered([PostgresRows])
        /// Nothing is stored, because some of it would be refused; claims that are still to be answered.
        case refused(RefusedWrites, ClaimRound.Turn?)
    }

    /// Sends a batch until the database has answered it. Claims are not sent twice: whether the first
    /// time took runs nobody knows, and whoever asked looks for them.
    private func send(
        _ batch: WriteBatch,
        _ claims: ClaimRound.Turn?
    ) async throws(StoreError) -> Sent {
        var wait = Duration.milliseconds(50)
        var requests = batch.requests
        var claims = claims
        var isSentAgain = false
        if batch.hasWrites { self.store.obstacle.begin() }
        defer { if batch.hasWrites { self.store.obstacle.end() } }
        while true {
            do throws(StoreError) {
                do throws(StoreError) {
                    return .answered(try await self.store.transaction(requests))
                } catch {
                    guard error.code == .stale else { throw error }
                    if isSentAgain, try await self.store.isStored(batch) {
                        // What is refused now was not when it was stored.
                        requests = batch.lenient
                        continue
                    }
                    return .refused(try await self.store.refused(batch, error), claims)
                }
            } catch {
                guard error.isTransient, !Task.isCancelled, batch.hasWrites else { throw error }
                claims?.answer(.failure(error))
                claims = nil
                isSentAgain = true
                requests = batch.again
                self.store.obstacle.keep(error.message)
                self.logger.warning(
                    "database unavailable, batch kept",
                    metadata: ["reason": "\(error.message)"]
                )
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(2))
            }
        }
    }
}

extension ClaimedRun {
    init(_ row: StoreRow, _ lanes: [Int64: OwnedShard]) throws(StoreError) {
        let lane = try row.int64(1)
        guard let digest = Digest(bytes: try row.bytes(2)), let shard = lanes[lane] else {
            throw StoreError(.corrupt, "a claimed run cannot be read")
        }
        self.init(
            fence: RunFence(
                run: RunID(try row.int64(0)),
                lane: lane,
                shard: shard,
                claimNumber: try row.int64(6)
            ),
            planDigest: digest,
            inputs: try row.text(3),
            attempt: try row.int(4),
            retryCount: try row.int(5),
            depth: try row.int(7),
            priority: try row.int(8),
            isLate: try row.textIfPresent(10) == "timeout",
            cancelReason: try row.textIfPresent(10) == nil ? nil : row.textIfPresent(9),
            firstSequence: try row.int64IfPresent(11),
            ageMilliseconds: try row.int64(12),
            hasJournal: try row.bool(13),
            pause: RunPause(
                run: RunID(try row.int64(0)),
                lane: lane,
                by: try row.textIfPresent(14),
                number: try row.int64(15)
            ),
            rank: try row.int64(16),
            key: try row.text(17),
            hasMore: try row.bool(18),
            waitMicroseconds: try row.int64(19),
            version: try row.textIfPresent(20).map {
                RunVersion(text: $0, readAt: .now, firstSequence: nil)
            }
        )
    }
}
