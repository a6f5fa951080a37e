// Making one run under a key: the same request again is told of the run it made.

internal import Postgres
public import PulserIR

/// A run that was asked for.
public struct StartedRun: Sendable, Hashable {
    /// The run, or the one that has its unique key.
    public var id: RunID
    /// What became of it.
    public var outcome: StartOutcome

    /// Whether an earlier request with the same key made it.
    public var isReplay: Bool { self.outcome == .replayed }

    /// Describes one.
    public init(id: RunID, outcome: StartOutcome) {
        self.id = id
        self.outcome = outcome
    }
}

extension Store {
    /// The run that an earlier request with this key made.
    ///
    /// - Returns: `nil` when the key is new.
    /// - Throws: `conflict` when the key was used for another request.
    public func started(_ key: RequestKey) async throws(StoreError) -> RunID? {
        try await self.made(key).map { RunID($0.id) }
    }

    /// Makes a run and stores the plans it needs, in one transaction.
    ///
    /// - Parameters:
    ///   - run: What to queue, with its ``NewRun/unique``; its own `idempotencyKey` and `parent` do not
    ///     count.
    ///   - plans: Every plan it names that may be new, child plans included.
    ///   - template: The template it is made from.
    ///   - person: Who asks for it.
    ///   - deadline: Until when it must have begun or ended.
    ///   - key: Under which it happens once.
    /// - Returns: The run, or the one that has its unique key, and what was done.
    /// - Throws: `conflict` when the lane's session is not active, a plan is unknown, or the key was
    ///   used for another request.
    public func start(
        _ run: NewRun,
        plans: [PlanRow],
        template: String? = nil,
        startedBy person: String? = nil,
        deadline: RunDeadline? = nil,
        key: RequestKey? = nil
    ) async throws(StoreError) -> StartedRun {
        if let key, let id = try await self.started(key) {
            return StartedRun(id: id, outcome: .replayed)
        }
        var requests = plans.isEmpty ? [] : [Self.insert(plans)]
        requests.append(
            run.unique == nil
                ? self.plain(run, template, person, key)
                : self.unique(run, template, person, key, deadline: deadline)
        )
        let place = requests.count - 1
        if let deadline, run.unique == nil { requests.append(Self.set(deadline)) }
        let given = requests
        let rows: PostgresRows
        do {
            rows = try await self.repeating { () async throws(PostgresError) in
                try await self.pool.transaction(given)
            }[place]
        } catch {
            // 55000: no run was numbered, because there is no such session.
            if error.sqlState == "55000" { throw Self.refusal }
            if error.isUniqueViolation, let key, let id = try await self.started(key) {
                return StartedRun(id: id, outcome: .replayed)
            }
            throw error.isNotNullViolation ? Self.refusal : StoreError(error)
        }
        if rows.count == 1 {
            guard run.unique != nil else {
                return StartedRun(id: RunID(try rows.first().int64(0)), outcome: .made)
            }
            return try Self.started(rows)
        }
        guard let key, let id = try await self.started(key) else { throw Self.refusal }
        return StartedRun(id: id, outcome: .replayed)
    }

    private func plain(
        _ run: NewRun,
        _ template: String?,
        _ person: String?,
        _ key: RequestKey?
    ) -> PostgresRequest {
        PostgresRequest(
            RunListSQL.start,
            RequestKey.values(key) + [
                .int8(run.lane),
                .bytes(run.planDigest.bytes), .int4(Int32(clamping: run.priority)),
                .text(self.seal.sealed(run.inputs, .inputs(lane: run.lane))),
                .int8(run.delayMilliseconds),
                template.map { .text($0) } ?? .null,
                person.map { .text($0.storable) } ?? .null, .text(run.key),
            ]
        )
    }
}
