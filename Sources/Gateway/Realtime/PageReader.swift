// Reads what rings do not hold, a few pages at a time for the whole node.

import Logging
import Metrics
import NIOCore
import PulserIR
import StateMachines
import Store

/// Something to be read for somebody.
struct PageRequest: Sendable {
    /// What is asked for.
    enum Want: Sendable {
        /// Events of a lane behind `after`; `scope` is the reader's lanes, for the bounds when they
        /// are gone.
        case page(lane: Int64, after: Int64, scope: [Int64])
        /// Open runs of lanes older than `before`, or one run.
        case snapshot(lanes: [Int64], run: Int64?, before: Int64)
    }

    /// What was found.
    enum Answer: Sendable {
        case page(LogPage)
        case missing(SubscriptionMachine.Bounds)
        /// States, and where the next page begins.
        case snapshot([JSONValue], before: Int64?)
        case failed
    }

    var want: Want
    /// Called from the reader's task.
    var reply: @Sendable (Answer) -> Void
}

/// Reads pages, one after the other.
///
/// Owner: the hub, which has a few of them. Runs on: default pool. Ends: cancellation. Those who
/// come back together after a restart ask for the same pages: the latest are kept.
struct PageReader: Sendable {
    static let snapshotRunsMax = 100
    private static let keptMax = 16

    private struct Key: Hashable {
        var lane: Int64
        var after: Int64
    }

    let source: any LogSource
    let logger: Logger
    private let requests: AsyncStream<PageRequest>
    private let sink: AsyncStream<PageRequest>.Continuation

    init(source: any LogSource, logger: Logger) {
        self.source = source
        self.logger = logger
        // Bounded by the subscribers: each asks for one thing at a time.
        (self.requests, self.sink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    /// Asks for something; the answer comes through its `reply`.
    func request(_ request: PageRequest) { self.sink.yield(request) }

    /// Reads until cancelled.
    func run() async {
        var kept: [Key: LogPage] = [:]
        var order: [Key] = []
        for await request in self.requests {
            do {
                switch request.want {
                case .page(let lane, let after, let scope):
                    let key = Key(lane: lane, after: after)
                    if let page = kept[key] {
                        request.reply(.page(page))
                        continue
                    }
                    let page = try await self.source.page(lane: lane, after: after)
                    GatewayMetrics.streamPages.increment()
                    guard page.lines.first?.sequence == after + 1 else {
                        request.reply(.missing(try await self.source.bounds(scope)))
                        continue
                    }
                    kept[key] = page
                    order.append(key)
                    if order.count > Self.keptMax { kept[order.removeFirst()] = nil }
                    request.reply(.page(page))
                case .snapshot(let lanes, let run, let before):
                    request.reply(try await self.snapshot(lanes, run, before))
                }
            } catch {
                self.logger.debug("stream read failed", metadata: ["reason": "\(error.message)"])
                request.reply(.failed)
            }
        }
    }

    private func snapshot(
        _ lanes: [Int64],
        _ run: Int64?,
        _ before: Int64
    ) async throws(StoreError) -> PageRequest.Answer {
        if let run {
            return .snapshot([try await self.source.summary(of: run).snapshot], before: nil)
        }
        let limit = Self.snapshotRunsMax
        let runs = try await self.source.openRuns(lanes, before: before, limit: limit)
        let isLast = runs.count < limit
        return .snapshot(runs.map(\.snapshot), before: isLast ? nil : runs.last?.id.number)
    }
}
