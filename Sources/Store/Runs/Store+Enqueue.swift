// Many runs at once, all of them or none: what is queued, and what was there already.

internal import Postgres
public import PulserIR

enum BatchSQL {
    static let all = [enqueue]

    /// Many runs of one request, as `runs.enqueue` makes them. `$10` are the templates they are made
    /// from, `$11` is who asks for them, `$12` to `$14` are the request's key. The key keeps the
    /// answer: for each run its number, or the lane and the key whose run was there. The second of
    /// two same requests at once finds the request's key taken and is undone.
    static let enqueue = PostgresStatement(
        "runs.enqueue_batch",
        RunsSQL.enqueueTypes + [.textArray, .text] + RequestKeysSQL.types,
        """
        WITH \(RunsSQL.wanted(", $10", as: ", template")),
        made AS (
            INSERT INTO run (\(RunsSQL.enqueuedColumns), template, started_by)
            \(RunsSQL.enqueuedValues(", i.template, $11"))
            RETURNING id, idempotency_key, lane_id),
        told AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns), detail)
            SELECT $12, $13, $14, 'run', coalesce(min(m.id), 0), json_agg(
                CASE WHEN m.id IS NULL THEN json_build_array(w.lane_id, w.key)
                ELSE to_json(m.id) END ORDER BY w.n)::text
            FROM wanted w LEFT JOIN made m ON m.id = w.id HAVING $13 IS NOT NULL)
        SELECT id, idempotency_key, lane_id FROM made ORDER BY id
        """
    )
}

extension Store {
    /// A run that a statement made.
    private struct Fresh {
        var id: RunID
        var key: String?
        var lane: Int64
    }

    /// Where a request's key finds one of its runs.
    private enum Kept {
        case run(RunID)
        case key(lane: Int64, key: String)
    }

    static let refusal = StoreError(
        .conflict,
        "the session is no longer active, or a plan is unknown"
    )

    /// Stores plans and runs in one transaction: a bad one leaves nothing behind.
    ///
    /// - Parameters:
    ///   - runs: What to queue; the answer keeps this order.
    ///   - plans: Every plan the runs name that may be new, child plans included.
    /// - Returns: The runs' ids in order; for a key that was taken, the run that has it. What was done
    ///   about unique runs tells ``enqueueUnique(_:plans:)``.
    /// - Throws: `conflict` when a lane's session is no longer active or a plan is unknown.
    public func enqueue(
        _ runs: [NewRun],
        plans: [PlanRow] = []
    ) async throws(StoreError) -> [RunID] {
        if runs.contains(where: { $0.unique != nil }) {
            return try await self.enqueueUnique(runs, plans: plans).map(\.id)
        }
        let request = PostgresRequest(RunsSQL.enqueue, self.values(runs))
        return try await self.store(runs, plans, request).map(\.id)
    }

    /// Stores the plans and runs of one request in one transaction, once per key.
    ///
    /// - Parameters:
    ///   - runs: What to queue; a `unique` does not count.
    ///   - plans: Every plan the runs name that may be new, child plans included.
    ///   - person: Who asks for them.
    ///   - key: Under which it happens once.
    /// - Returns: The runs in order, `made`, or `joined` where a run's key was taken; all `replayed`
    ///   when an earlier request with this key made them.
    /// - Throws: `conflict` when a lane's session is no longer active, a plan is unknown, or the key
    ///   was used for another request.
    public func startAll(
        _ runs: [NewRun],
        plans: [PlanRow],
        startedBy person: String?,
        key: RequestKey? = nil
    ) async throws(StoreError) -> [StartedRun] {
        if let key, let made = try await self.startedAll(key) { return made }
        let request = PostgresRequest(
            BatchSQL.enqueue,
            self.values(runs) + [
                .textArray(runs.map(\.template)),
                person.map { .text($0.storable) } ?? .null,
            ] + RequestKey.values(key)
        )
        do throws(StoreError) {
            return try await self.store(runs, plans, request)
        } catch {
            // The same request at the same time: the key is what was there already.
            guard error.code == .conflict, let key, let made = try await self.startedAll(key) else {
                throw error
            }
            return made
        }
    }

    /// The runs that an earlier request with this key made or found.
    ///
    /// - Returns: All `replayed`; `nil` when the key is new.
    /// - Throws: `conflict` when the key was used for another request; `notFound` when one of them is
    ///   not kept any more.
    public func startedAll(_ key: RequestKey) async throws(StoreError) -> [StartedRun]? {
        guard let made = try await self.made(key) else { return nil }
        var runs: [StartedRun] = []
        for kept in try Self.kept(made.detail) {
            let id: RunID?
            switch kept {
            case .run(let run): id = run
            case .key(let lane, let key): id = try await self.run(lane: lane, key: key)
            }
            guard let id else {
                throw StoreError(.notFound, "a run of this request is not kept any more")
            }
            runs.append(StartedRun(id: id, outcome: .replayed))
        }
        return runs
    }

    private static func kept(_ detail: String) throws(StoreError) -> [Kept] {
        var all: [Kept] = []
        for entry in (try? JSONValue(parsing: detail))?.arrayValue ?? [] {
            if let run = entry.integerValue {
                all.append(.run(RunID(run)))
            } else if let lane = entry[0]?.integerValue, let key = entry[1]?.stringValue {
                all.append(.key(lane: lane, key: key))
            }
        }
        guard !all.isEmpty else { throw StoreError(.corrupt, "a request's key names no runs") }
        return all
    }

    /// What statements take of many runs, in the order of ``RunsSQL/enqueueTypes``.
    private func values(_ runs: [NewRun]) -> [PostgresValue] {
        [
            .int8Array(runs.map(\.lane)),
            .byteaArray(runs.map(\.planDigest.bytes)),
            .int4Array(runs.map { Int32(clamping: $0.priority) }),
            .textArray(runs.map { self.seal.sealed($0.inputs, .inputs(lane: $0.lane)) }),
            .int8Array(runs.map(\.delayMilliseconds)),
            .textArray(runs.map(\.idempotencyKey)),
            .int8Array(runs.map { $0.parent?.number }),
            .int4Array(runs.map { Int32(clamping: $0.depth) }),
            .textArray(runs.map(\.key)),
        ]
    }

    /// Has the plans and then the runs stored.
    private func store(
        _ runs: [NewRun],
        _ plans: [PlanRow],
        _ request: PostgresRequest
    ) async throws(StoreError) -> [StartedRun] {
        let requests = (plans.isEmpty ? [] : [Self.insert(plans)]) + [request]
        let answer: PostgresRows
        do {
            let made = try await self.repeating { () async throws(PostgresError) in
                try await self.pool.transaction(requests)
            }
            guard let rows = made.last else { return [] }
            answer = rows
        } catch {
            guard error.isNotNullViolation else { throw StoreError(error) }
            // Nothing was stored. What had been enqueued before its session ended is still known.
            return try await self.fill(runs, made: [])
        }
        let made = try answer.decode { row throws(StoreError) in
            Fresh(
                id: RunID(try row.int64(0)),
                key: try row.textIfPresent(1),
                lane: try row.int64(2)
            )
        }
        return try await self.fill(runs, made: made)
    }

    /// Finds the runs that had the keys already.
    private func fill(
        _ runs: [NewRun],
        made: [Fresh]
    ) async throws(StoreError) -> [StartedRun] {
        var fresh = made[...]
        var all: [StartedRun] = []
        all.reserveCapacity(runs.count)
        for run in runs {
            if let next = fresh.first, next.key == run.idempotencyKey, next.lane == run.lane {
                all.append(StartedRun(id: next.id, outcome: .made))
                fresh.removeFirst()
                continue
            }
            guard let key = run.idempotencyKey,
                let id = try await self.run(lane: run.lane, key: key)
            else { throw Self.refusal }
            all.append(StartedRun(id: id, outcome: .joined))
        }
        return all
    }

    /// The run that has a key in a lane.
    private func run(lane: Int64, key: String) async throws(StoreError) -> RunID? {
        let rows = try await self.execute(RunsSQL.byKey, [.int8(lane), .text(key)])
        return rows.count == 1 ? RunID(try rows.first().int64(0)) : nil
    }
}
