// Decides when a node looks for runs whose deadline has passed.

internal import Logging
internal import PulserIR
internal import Store

/// What a node does about deadlines of any run, its own or not: the database says which are over, so a
/// node that hangs or is gone keeps no run beyond its time.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation.
struct DeadlineKeeper: Sendable {
    /// Between two looks, when nothing is due before: as much later a deadline may be heard of that
    /// was stored meanwhile.
    static let intervalMax: Duration = .seconds(5)
    /// The same while runs are waited for that count from their beginning.
    static let openInterval: Duration = .seconds(1)
    /// Deadlines of one look.
    static let batchMax = 200
    /// Statements of one look at those that count from a beginning.
    static let pagesMax = 10
    /// Deadlines of one such statement.
    static let pageMax = 1_000

    let store: Store
    let logger: Logger

    /// Works until cancelled.
    func run() async {
        var place: RunID?
        while !Task.isCancelled {
            let pause = await self.look(after: &place)
            try? await Task.sleep(for: pause)
        }
    }

    /// One look.
    ///
    /// - Parameter place: How far deadlines of runs that are gone have been looked for.
    /// - Returns: How long until the next one.
    func look(after place: inout RunID?) async -> Duration {
        do {
            var next = try await self.store.nextDeadline()
            if next.hasOpen {
                try await self.begin(after: &place)
                next = try await self.store.nextDeadline()
            }
            if let time = next.milliseconds, time <= 0 {
                let late = try await self.store.passDeadlines(limit: Self.batchMax)
                if late.ended + late.told > 0 {
                    self.logger.notice(
                        "runs timed out",
                        metadata: ["ended": "\(late.ended)", "told": "\(late.told)"]
                    )
                }
                return .milliseconds(50)
            }
            let most = next.hasOpen ? Self.openInterval : Self.intervalMax
            return next.milliseconds.map { min(most, .milliseconds($0 + 1)) } ?? most
        } catch {
            guard !Task.isCancelled else { return .zero }
            self.logger.debug("deadlines wait", metadata: ["reason": "\(error.message)"])
            return Self.openInterval
        }
    }

    /// Sees to deadlines that count from a beginning: of all runs that have begun, and of some that
    /// may be gone. Where such are found there are more: the next ones are looked at, too.
    private func begin(after place: inout RunID?) async throws(StoreError) {
        for _ in 0..<Self.pagesMax {
            let count = try await self.store.beginDeadlines(limit: Self.pageMax)
            if count < Self.pageMax { break }
        }
        for _ in 0..<Self.pagesMax {
            let left = try await self.store.endLeftDeadlines(
                after: place,
                limit: Self.pageMax
            )
            place = left.last
            if left.count == 0 || left.last == nil { return }
        }
    }
}
