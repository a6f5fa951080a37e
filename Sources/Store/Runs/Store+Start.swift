// Making one run under a key: the same request again is told of the run it made.

internal import Postgres
public import PulserIR

/// A run that was asked for.
public struct StartedRun: Sendable, Hashable {
    /// The run.
    public var id: RunID
    /// Whether an earlier request with the same key made it.
    public var isReplay: Bool

    /// Describes one.
    public init(id: RunID, isReplay: Bool) {
        self.id = id
        self.isReplay = isReplay
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
    ///   - run: What to queue; its own `idempotencyKey` and `parent` do not count.
    ///   - plans: Every plan it names that may be new, child plans included.
    ///   - template: The template it is made from.
    ///   - key: Under which it happens once.
    /// - Returns: The run.
    /// - Throws: `conflict` when the lane's session is not active, a plan is unknown, or the key was
    ///   used for another request.
    public func start(
        _ run: NewRun,
        plans: [PlanRow],
        template: String? = nil,
        key: RequestKey? = nil
    ) async throws(StoreError) -> StartedRun {
        if let key, let id = try await self.started(key) {
            return StartedRun(id: id, isReplay: true)
        }
        var requests = plans.isEmpty ? [] : [Self.insert(plans)]
        requests.append(
            PostgresRequest(
                RunListSQL.start,
                RequestKey.values(key) + [
                    .int8(run.lane),
                    .bytes(run.planDigest.bytes), .int4(Int32(clamping: run.priority)),
                    .text(run.inputs), .int8(run.delayMilliseconds),
                    template.map { .text($0) } ?? .null,
                ]
            )
        )
        let rows: PostgresRows?
        do {
            rows = try await self.pool.transaction(requests).last
        } catch {
            throw error.isNotNullViolation ? Self.refusal : StoreError(error)
        }
        if let rows, rows.count == 1 {
            return StartedRun(id: RunID(try rows.first().int64(0)), isReplay: false)
        }
        guard let key, let id = try await self.started(key) else { throw Self.refusal }
        return StartedRun(id: id, isReplay: true)
    }
}
