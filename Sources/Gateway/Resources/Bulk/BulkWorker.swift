// Works off actions on many runs, so that one goes on wherever its worker died.

import Logging
import Metrics
import PulserIR
import Store

/// A node's worker.
///
/// Owner: the gateway. Runs on: default pool. Ends: cancellation; what it leaves another takes up
/// when no sign came for ``silence``.
final class BulkWorker: Sendable {
    /// How long a worker may give no sign.
    static let silence: Duration = .seconds(15)
    /// How often work is looked for that nobody told of.
    static let interval: Duration = .seconds(5)
    /// Runs of one statement.
    static let cancelsMax = 200
    /// Runs between two signs.
    static let batchMax = 32
    /// Runs at once.
    static let concurrencyMax = 4
    /// Rows that one statement removes.
    static let sweepMax = 5_000
    /// Such statements of a kind in one go.
    static let sweepsMax = 50

    private let store: Store
    private let kept: Duration
    private let logger: Logger
    private let signal: AsyncStream<Void>
    private let wakes: AsyncStream<Void>.Continuation

    /// Prepares a worker.
    ///
    /// - Parameters:
    ///   - store: Durable state.
    ///   - kept: How long what an action came to is kept after its end.
    ///   - logger: For what a person should see.
    init(store: Store, kept: Duration, logger: Logger) {
        self.store = store
        self.kept = kept
        self.logger = logger
        (self.signal, self.wakes) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Says that there is work.
    func wake() { self.wakes.yield() }

    /// Works until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    self.wake()
                    try? await Task.sleep(for: Self.interval)
                }
            }
            var times = SweepTimes(from: .now)
            for await _ in self.signal { await self.workAll(&times) }
        }
    }

    private func workAll(_ times: inout SweepTimes) async {
        do {
            var hasWorked = false
            while let claim = try await self.store.takeBulk(silence: Self.silence) {
                try await self.work(claim)
                hasWorked = true
            }
            switch times.due(at: .now, hasWorked: hasWorked) {
            case .nothing: break
            case .uniqueKeys: try await self.sweepUniqueKeys()
            case .all: try await self.sweep()
            }
        } catch {
            // It stays claimed until the silence is over; then it is taken up again.
            self.logger.warning("bulk action waits", metadata: ["reason": "\(error)"])
        }
    }

    /// Removes what nobody needs any more, up to ``sweepsMax`` statements of each kind.
    func sweep() async throws {
        _ = try await self.store.settleBulk()
        try await self.drain { limit in try await self.store.forgetDiscarded(limit: limit) }
        try await self.sweepUniqueKeys()
        for _ in 0..<Self.sweepsMax {
            guard
                let gone = try await self.store.sweepBulk(endedFor: self.kept, limit: Self.sweepMax)
            else { return }
            GatewayMetrics.swept(.bulk).increment(by: gone)
        }
    }

    private func sweepUniqueKeys() async throws {
        try await self.drain { limit in
            let gone = try await self.store.sweepUnique(limit: limit)
            GatewayMetrics.swept(.uniqueKeys).increment(by: gone)
            return gone
        }
    }

    /// Repeats what removes up to so many rows until fewer went: what comes faster than one statement
    /// removes it would grow without bound.
    private func drain(_ remove: (Int) async throws -> Int) async throws {
        for _ in 0..<Self.sweepsMax {
            guard try await remove(Self.sweepMax) == Self.sweepMax else { return }
        }
    }

    private func work(_ claim: BulkClaim) async throws {
        while try await self.store.beatBulk(claim) {
            let done: Int
            if claim.action == .cancel {
                done = try await self.store.cancelNext(claim, limit: Self.cancelsMax)
            } else {
                let items = try await self.store.nextOfBulk(claim, limit: Self.batchMax)
                try await self.store.mark(try await self.perform(items, claim), of: claim)
                done = items.count
            }
            if done == 0 {
                _ = try await self.store.finishBulk(claim)
                return
            }
        }
    }

    /// Puts a run aside in the name of who asked for the action; done twice it is done once.
    private func discard(_ row: RunRow, _ claim: BulkClaim) async throws(StoreError) {
        if try await self.store.discarded(row) != nil { return }
        try await self.store.discard(row, by: claim.actor, note: claim.reason)
    }

    private func perform(
        _ items: [(run: RunID, claimNumber: Int64)],
        _ claim: BulkClaim
    ) async throws -> [BulkItem] {
        try await withThrowingTaskGroup(of: BulkItem.self) { group in
            var results: [BulkItem] = []
            for (place, item) in items.enumerated() {
                if place >= Self.concurrencyMax, let result = try await group.next() {
                    results.append(result)
                }
                group.addTask { try await self.perform(item.run, item.claimNumber, claim) }
            }
            for try await result in group { results.append(result) }
            return results
        }
    }

    /// Does the action to one run.
    ///
    /// - Throws: What may pass: the run stays to be done.
    private func perform(
        _ run: RunID,
        _ claimNumber: Int64,
        _ claim: BulkClaim
    ) async throws -> BulkItem {
        do {
            switch claim.action {
            case .cancel: _ = try await self.store.requestCancel(run, reason: claim.reason)
            case .pause: _ = try await self.store.requestPause(run, by: claim.actor)
            case .resume: _ = try await self.store.requestResume(run)
            case .retry, .discard:
                let row = try await self.store.run(run)
                guard row.claimNumber == claimNumber else {
                    return BulkItem(
                        run: run,
                        state: .skipped,
                        reason: "the run moved on since it was chosen"
                    )
                }
                if claim.action == .discard {
                    try await self.discard(row, claim)
                } else {
                    _ = try await RunDesk(self.store).retry(row, from: nil, bulk: claim)
                }
            }
            return BulkItem(run: run, state: .ok)
        } catch let error as DeskError {
            return BulkItem(run: run, state: .skipped, reason: error.message)
        } catch let error as StoreError {
            switch error.code {
            case .unavailable, .cancelled: throw error
            case .conflict: return BulkItem(run: run, state: .skipped, reason: error.message)
            default: return BulkItem(run: run, state: .failed, reason: error.message)
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return BulkItem(run: run, state: .failed, reason: Problem(error).detail)
        }
    }
}
