// Tells the gauges how many runs there are, and how long what is first waits.

import Logging
import Metrics
import PulserIR
import Store

/// A node's counting of the cluster's runs.
///
/// Owner: the gateway. Runs on: default pool. Ends: cancellation.
struct RunCounter: Sendable {
    /// How often runs are counted.
    static let interval: Duration = .seconds(60)
    /// Counting takes one part in this many of the time, at most: it reads what was claimed for as long
    /// as somebody's transaction keeps it.
    static let share = 200

    let store: Store
    let logger: Logger

    /// Counts until cancelled.
    func run() async {
        while !Task.isCancelled {
            let begin = ContinuousClock.now
            await self.count()
            let time = (ContinuousClock.now - begin) * Self.share
            try? await Task.sleep(for: max(Self.interval, time))
        }
    }

    private func count() async {
        await self.tell("dead runs") { () async throws(StoreError) in
            GatewayMetrics.dead.record(try await self.store.deadCount().count)
        }
        await self.tell("open runs") { () async throws(StoreError) in
            let open = try await self.store.openCounts(session: nil)
            for status in RunStatus.allCases where !status.isTerminal {
                GatewayMetrics.open(status).record(open[status.rawValue] ?? 0)
            }
        }
        await self.tell("waits") { () async throws(StoreError) in
            let wait = try await self.store.frontWait()
            GatewayMetrics.frontWait.record(Double(wait ?? 0) / 1e6)
        }
    }

    /// What the database cannot count in time stays as it was told last.
    private func tell(_ what: String, _ body: () async throws(StoreError) -> Void) async {
        do throws(StoreError) {
            try await body()
        } catch {
            self.logger.debug(
                "not counted",
                metadata: ["what": "\(what)", "reason": "\(error.message)"]
            )
        }
    }
}
