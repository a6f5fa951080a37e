// Approvals: what steps ask, what people decide, one decision of each.

internal import Postgres
public import PulserIR

extension Store {
    /// Has a step ask people; one that asked before, in this attempt of the run, goes on asking.
    ///
    /// - Parameters:
    ///   - question: What it asks.
    ///   - fence: The right to write about the run.
    /// - Returns: What is decided by now, and how long is left.
    /// - Throws: `stale` when the run belongs to somebody else by now.
    public func ask(
        _ question: ApprovalQuestion,
        fence: RunFence
    ) async throws(StoreError) -> ApprovalLook {
        let asking = PostgresRequest(
            ApprovalsSQL.ask,
            fence.values + [
                .text(question.step), .int4(Int32(clamping: question.needed)),
                .textArray(question.groups.map(\.storable)),
                .textArray(question.users.map(\.storable)), .bool(question.allowsSelf),
                .text(
                    self.seal.sealed(
                        question.message.storable,
                        .question(run: fence.run, step: question.step)
                    )
                ),
                question.form.map { .text($0.storable) } ?? .null,
                question.timeoutMilliseconds.map { .int8($0) } ?? .null,
            ]
        )
        return try await self.look(
            at: question.step,
            fence: fence,
            after: [
                asking,
                // People may have decided before the step asked.
                PostgresRequest(
                    ApprovalsSQL.decided,
                    [
                        .int8(fence.run.number), .text(question.step),
                        .int4(Int32(clamping: question.needed)),
                    ]
                ),
            ]
        )
    }

    /// What is decided about a step that asks. What is not in it when its time is over never will be.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - fence: The right to write about the run.
    /// - Returns: The decisions, and how long is left.
    /// - Throws: `stale` when the run belongs to somebody else by now.
    public func look(
        at step: String,
        fence: RunFence
    ) async throws(StoreError) -> ApprovalLook {
        try await self.look(at: step, fence: fence, after: [])
    }

    private func look(
        at step: String,
        fence: RunFence,
        after requests: [PostgresRequest]
    ) async throws(StoreError) -> ApprovalLook {
        let rows = try await self.transaction(
            [PostgresRequest(WaitsSQL.hold, fence.values)] + requests + [
                PostgresRequest(ApprovalsSQL.look, fence.values + [.text(step)]),
                PostgresRequest(
                    ApprovalsSQL.decisions,
                    [.int8(fence.run.number), .text(step)]
                ),
            ]
        )
        guard rows.count == requests.count + 3, rows[rows.count - 2].count == 1,
            let decisions = rows.last
        else { throw Self.lost }
        let times = try rows[rows.count - 2].first()
        return ApprovalLook(
            decisions: try decisions.decode { row throws(StoreError) in
                try DecisionRow(row, of: fence.run, step, self.seal)
            },
            leftMilliseconds: try times.int64IfPresent(0),
            expiresMilliseconds: try times.int64IfPresent(1)
        )
    }

    /// What people decided about a step in this attempt of its run, in their order.
    public func decisions(
        _ run: RunID,
        step: String
    ) async throws(StoreError) -> [DecisionRow] {
        let rows = try await self.execute(
            ApprovalsSQL.decisions,
            [.int8(run.number), .text(step.storable)]
        )
        return try rows.decode { row throws(StoreError) in
            try DecisionRow(row, of: run, step, self.seal)
        }
    }

    /// Takes a step from the list of those that wait for people.
    public func settleApproval(_ run: RunID, step: String) async throws(StoreError) {
        _ = try await self.execute(ApprovalsSQL.settle, [.int8(run.number), .text(step)])
    }

    /// Stores a person's decision, if it counts, and tells the run's owner. Whether the person may
    /// decide was found out before.
    ///
    /// - Parameter decision: The decision.
    /// - Returns: What became of it.
    /// - Throws: `notFound`.
    public func decide(_ decision: NewDecision) async throws(StoreError) -> DecisionOutcome {
        let run = PostgresValue.int8(decision.run.number)
        let needed = PostgresValue.int4(Int32(clamping: decision.needed))
        let step = PostgresValue.text(decision.step.storable)
        let rows = try await self.transaction([
            PostgresRequest(WaitsSQL.lock, [run]),
            PostgresRequest(
                ApprovalsSQL.decide,
                [
                    run, step, .text(decision.person.storable), .bool(decision.isApproval),
                    .text(self.seal.sealed(decision.form, decision.place)),
                    .text(self.seal.sealed(decision.comment.storable, decision.place)), needed,
                    .int4(Int32(clamping: decision.attempt)),
                ]
            ),
            PostgresRequest(ApprovalsSQL.decided, [run, step, needed]),
        ])
        guard rows.count == 3, rows[0].count == 1 else {
            _ = try await self.run(decision.run)
            return .runEnded
        }
        guard rows[1].count == 1 else { return .runEnded }
        let row = try rows[1].first()
        let earlier = row.isNull(1) ? nil : try row.bool(1)
        guard row.isNull(0) else {
            await self.tell(.request(lane: try row.int64(3), run: decision.run.number))
            return .stored
        }
        guard let earlier else { return .tooLate }
        return earlier == decision.isApproval ? .repeated : .changedMind
    }

    /// Steps that wait for people, oldest first.
    ///
    /// - Parameters:
    ///   - place: The last one of the page before.
    ///   - run: Only those of this run.
    ///   - limit: At most so many.
    /// - Returns: The steps.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func openApprovals(
        after place: (askedMicroseconds: Int64, run: RunID)? = nil,
        run: RunID? = nil,
        limit: Int
    ) async throws(StoreError) -> [ApprovalRow] {
        let rows = try await self.bounded(
            ApprovalsSQL.open,
            [
                place.map { .int8($0.askedMicroseconds) } ?? .null,
                .int8(place?.run.number ?? 0), run.map { .int8($0.number) } ?? .null,
                .int8(Int64(limit)),
            ]
        )
        return try rows.decode { row throws(StoreError) in
            try ApprovalRow(row, self.seal)
        }
    }

    /// Who started a run, or the run that it is a part of; `nil` when nobody knows.
    public func starter(of run: RunID) async throws(StoreError) -> String? {
        let rows = try await self.execute(ApprovalsSQL.starter, [.int8(run.number)])
        return try rows.first().textIfPresent(0)
    }
}

extension NewDecision {
    fileprivate var place: SealPlace {
        .decision(run: self.run, step: self.step.storable, person: self.person.storable)
    }
}

extension DecisionRow {
    init(
        _ row: StoreRow,
        of run: RunID,
        _ step: String,
        _ ring: SealRing?
    ) throws(StoreError) {
        let person = try row.text(0)
        let place = SealPlace.decision(run: run, step: step.storable, person: person)
        self.person = person
        self.isApproval = try row.bool(1)
        self.form = try ring.opened(try row.text(2), place)
        self.comment = try ring.opened(try row.text(3), place)
        self.atMilliseconds = try row.int64(4)
    }
}

extension ApprovalRow {
    init(_ row: StoreRow, _ ring: SealRing?) throws(StoreError) {
        let run = RunID(try row.int64(0))
        let step = try row.text(1)
        self.run = run
        self.question = ApprovalQuestion(
            step: step,
            needed: try row.int(2),
            groups: try row.texts(3),
            users: try row.texts(4),
            allowsSelf: try row.bool(5),
            message: ring.shown(try row.text(6), .question(run: run, step: step)),
            form: try row.textIfPresent(7)
        )
        self.askedMilliseconds = try row.int64(8)
        self.expiresMilliseconds = try row.int64IfPresent(9)
        self.askedMicroseconds = try row.int64(10)
        self.plan = try row.text(11)
        self.session = try row.text(12)
        self.lane = try row.text(13)
        self.startedBy = try row.textIfPresent(14)
        self.approvedBy = try row.texts(15)
    }
}
