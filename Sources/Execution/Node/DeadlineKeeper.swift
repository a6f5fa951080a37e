// Decides when a node looks for runs whose deadline has passed.

internal import Logging
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

    let store: Store
    let logger: Logger

    /// Works until cancelled.
    func run() async {
        while !Task.isCancelled {
            let pause = await self.look()
            try? await Task.sleep(for: pause)
        }
    }

    /// One look.
    ///
    /// - Returns: How long until the next one.
    func look() async -> Duration {
        do {
            var next = try await self.store.nextDeadline()
            if next.hasOpen {
                try await self.store.beginDeadlines()
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
}
