// Who outside has a run: written by the node that owns its lane, read by everybody.

internal import Postgres
public import PulserIR

/// A run that a worker outside has, or had.
public struct ExternalClaim: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// The number that the worker names in all it says about the run.
    public var claimNumber: Int64
    /// The run's attempt that it was handed over for.
    public var attempt: Int
    /// Who the worker says it is.
    public var worker: String
    /// How many workers of this attempt were not heard of any more.
    public var losses: Int
    /// Whether the worker lost the run or gave it back.
    public var isOver: Bool
    /// Until when it has the run without saying anything, in milliseconds since 1970.
    public var leaseUntilMilliseconds: Int64
    /// How long that is from now; negative when it is over.
    public var leaseLeft: Duration
}

extension Store {
    /// Writes down that a worker gets a run, for as long as its node has it.
    ///
    /// - Parameters:
    ///   - fence: The run, as its node has it.
    ///   - attempt: The run's attempt.
    ///   - worker: Who gets it.
    ///   - lease: For how long it is not missed.
    /// - Returns: How many workers of this attempt were lost before.
    /// - Throws: `stale` when the node does not have the run any more.
    public func hand(
        _ fence: RunFence,
        attempt: Int,
        to worker: String,
        lease: Duration
    ) async throws(StoreError) -> Int {
        let rows = try await self.execute(
            ExternalClaimsSQL.hand,
            [
                .int8(fence.run.number), .int8(fence.claimNumber),
                .int4(Int32(clamping: attempt)), .text(worker.storable),
                .int8(Int64(lease / .milliseconds(1))),
            ]
        )
        guard rows.count == 1 else {
            throw StoreError(.stale, "the run was taken over by another claim")
        }
        return try rows.first().int(0)
    }

    /// Renews a worker's lease.
    ///
    /// - Parameters:
    ///   - fence: The run, as its node has it.
    ///   - claim: The number that the worker names.
    ///   - lease: For how long it is not missed from now on.
    /// - Throws: `stale` when worker or node do not have the run any more.
    public func beat(
        _ fence: RunFence,
        claim: Int64,
        lease: Duration
    ) async throws(StoreError) {
        let rows = try await self.execute(
            ExternalClaimsSQL.beat,
            [
                .int8(fence.run.number), .int8(claim), .int8(fence.claimNumber),
                .int8(Int64(lease / .milliseconds(1))),
            ]
        )
        guard rows.count == 1 else {
            throw StoreError(.stale, "the run was taken over by another claim")
        }
    }

    /// Writes down that a worker does not have a run any more, and brought no result.
    ///
    /// - Parameters:
    ///   - fence: The run, as its node has it.
    ///   - claim: The number that the worker was given.
    ///   - isLost: Whether nobody heard of it any more.
    ///   - delay: For how many milliseconds the run is put off, once it is queued again.
    ///   - retries: How often it was tried again after failures; never fewer than before.
    /// - Throws: `unavailable`.
    public func endExternalClaim(
        _ fence: RunFence,
        claim: Int64,
        isLost: Bool,
        delay: Int64 = 0,
        retries: Int = 0
    ) async throws(StoreError) {
        _ = try await self.execute(
            ExternalClaimsSQL.end,
            [
                .int8(fence.run.number), .int8(claim), .int8(fence.claimNumber), .bool(isLost),
                .int8(max(0, delay)), .int4(Int32(clamping: retries)),
            ]
        )
    }

    /// What is known of these runs' workers; a run that no worker ever had is left out.
    public func externalClaims(
        of runs: [RunID]
    ) async throws(StoreError) -> [RunID: ExternalClaim] {
        let rows = try await self.execute(
            ExternalClaimsSQL.read,
            [.int8Array(runs.map(\.number))]
        )
        let claims = try rows.decode { row throws(StoreError) in
            ExternalClaim(
                run: RunID(try row.int64(0)),
                claimNumber: try row.int64(1),
                attempt: try row.int(2),
                worker: try row.text(3),
                losses: try row.int(4),
                isOver: try row.bool(5),
                leaseUntilMilliseconds: try row.int64(6),
                leaseLeft: .milliseconds(try row.int64(7))
            )
        }
        return Dictionary(claims.map { ($0.run, $0) }, uniquingKeysWith: { $1 })
    }
}

extension Store {
    /// The worker outside that has a run now; `nil` when none has.
    public func worker(of run: RunRow) async throws(StoreError) -> ExternalClaim? {
        guard run.status == .claimed || run.status == .running else { return nil }
        let claim = try await self.externalClaims(of: [run.id])[run.id]
        return claim.flatMap { $0.isOver || $0.attempt != run.attempt ? nil : $0 }
    }

    /// The worker outside that has a run now; `nil` when none has.
    public func worker(of run: RunStanding) async throws(StoreError) -> ExternalClaim? {
        guard run.status == .claimed || run.status == .running else { return nil }
        return try await self.worker(of: try await self.run(run.run))
    }
}
