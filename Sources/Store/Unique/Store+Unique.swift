// Unique runs: made or not, queued again or not; keys whose time is over.

internal import Postgres
internal import PulserIR

extension Store {
    /// Stores many runs of which some are unique: these first, in one transaction, then the others.
    ///
    /// Keys are taken in one order, so those who do so at once do not wait for each other in a circle.
    /// Who replaces several runs at once may meet an owner who ends them in another order; then one of
    /// both begins anew.
    ///
    /// - Parameters:
    ///   - runs: What to queue. A unique one has no `idempotencyKey` and no `parent`.
    ///   - plans: Every plan they name that may be new.
    /// - Returns: For each of them in order the run that is the answer, and what was done.
    /// - Throws: `conflict` when a lane's session is not active or a plan is unknown: then nothing is
    ///   stored of the unique ones; what is refused in the second transaction is of the others.
    public func enqueueUnique(
        _ runs: [NewRun],
        plans: [PlanRow] = []
    ) async throws(StoreError) -> [StartedRun] {
        var requests = plans.isEmpty ? [] : [Self.insert(plans)]
        let first = requests.count
        let order = runs.indices.filter { runs[$0].unique != nil }.sorted {
            (runs[$0].unique?.key ?? "", $0) < (runs[$1].unique?.key ?? "", $1)
        }
        let plain = runs.indices.filter { runs[$0].unique == nil }
        requests += order.map { self.unique(runs[$0], nil, nil, nil) }
        let given = requests
        let rows: [PostgresRows]
        do {
            rows = try await self.repeating { () async throws(PostgresError) in
                try await self.pool.transaction(given)
            }
        } catch {
            throw error.isNotNullViolation ? Self.refusal : StoreError(error)
        }
        var outcomes: [Int: StartedRun] = [:]
        for (place, number) in order.enumerated() {
            guard rows[first + place].count == 1 else { throw Self.refusal }
            outcomes[number] = try Self.started(rows[first + place])
        }
        let others = try await self.enqueue(plain.map { runs[$0] })
        for (number, id) in zip(plain, others) {
            outcomes[number] = StartedRun(id: id, outcome: .made)
        }
        return runs.indices.compactMap { outcomes[$0] }
    }

    static func started(_ rows: PostgresRows) throws(StoreError) -> StartedRun {
        let row = try rows.first()
        return StartedRun(
            id: RunID(try row.int64(0)),
            outcome: StartOutcome(rawValue: try row.text(1)) ?? .held
        )
    }

    /// Makes the run unless another one has its unique key; the run that is the answer then gets the
    /// deadline, unless it is joined.
    func unique(
        _ run: NewRun,
        _ template: String?,
        _ person: String?,
        _ key: RequestKey?,
        deadline: RunDeadline? = nil
    ) -> PostgresRequest {
        let unique = run.unique ?? Uniqueness(key: "")
        return PostgresRequest(
            UniqueSQL.start,
            RequestKey.values(key) + [
                .int8(run.lane), .bytes(run.planDigest.bytes), .int4(Int32(clamping: run.priority)),
                .text(self.seal.sealed(run.inputs, .inputs(lane: run.lane))),
                .int8(run.delayMilliseconds),
                template.map { .text($0) } ?? .null, person.map { .text($0.storable) } ?? .null,
                .text(unique.key.storable), .text(unique.scope.rawValue),
                unique.periodMilliseconds.map { .int8($0) } ?? .null,
                .text(unique.onConflict.rawValue), .int8(unique.debounceMilliseconds),
                .text(run.key),
            ] + (deadline ?? RunDeadline()).values
        )
    }

    /// Runs a transaction in which a run may take its unique key again.
    ///
    /// - Throws: `conflict` when another run has it, with that run's id.
    func queueing(
        again run: RunRow,
        _ requests: [PostgresRequest]
    ) async throws(StoreError) -> [PostgresRows] {
        do {
            return try await self.repeating { () async throws(PostgresError) in
                try await self.pool.transaction(requests)
            }
        } catch {
            // What `run_unique_again` says; its text is the other run's number.
            guard error.sqlState == "OR001" else { throw StoreError(error) }
            let other = error.message.firstMatch(of: /[0-9]+/).flatMap { Int64($0.0) }
            let name = other.map { "run \(RunID($0))" } ?? "another run"
            throw StoreError(
                .conflict,
                "\(name) has the unique key of run \(run.id) now; cancel it, or wait for its end"
            )
        }
    }

    /// Forgets unique keys that were taken for a time that is over.
    ///
    /// - Parameter limit: At most so many.
    /// - Returns: How many.
    /// - Throws: `unavailable` when the database cannot answer in time.
    @discardableResult
    public func sweepUnique(limit: Int) async throws(StoreError) -> Int {
        try await self.execute(UniqueSQL.sweep, [.int8(Int64(limit))]).count
    }
}
