// Decides when a node makes the days that are to come and drops those that are too old.

internal import Glibc
internal import Logging
internal import Metrics
internal import PulserIR
internal import Store
internal import Tools

/// What a node does about history: days ahead at its start and once an hour, and, when no other node
/// did within the hour, whatever is older than the retention.
///
/// Owner: NodeLife. Runs on: default pool; looks at files on threads for that. Ends: cancellation;
/// what it leaves is gone on with at the next look.
struct HistoryKeeper: Sendable {
    /// Between two looks.
    static let interval: Duration = .seconds(3_600)
    /// A look of another node counts for so long: a little less, or two nodes in step would miss one.
    static let lookHolds: Duration = .seconds(3_300)
    /// How often a day that somebody reads is tried again in one look.
    static let triesMax = 5
    /// Files of one question.
    static let filesMax = 200

    let store: Store
    let nodeName: String
    /// The folder of large artifacts.
    let folder: String
    let logger: Logger

    /// Works until cancelled.
    func run() async {
        while !Task.isCancelled {
            await self.look()
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// One look.
    ///
    /// - Parameter holds: For how long another node's look counts.
    func look(holds: Duration = Self.lookHolds) async {
        do {
            try await self.store.makeHistoryAhead()
            if let settings = try await self.store.takeHistory(every: holds) {
                await self.drop(by: settings)
                let plans = try await self.store.sweepPlans(settings.runs)
                if plans > 0 {
                    self.logger.info("plans removed", metadata: ["count": "\(plans)"])
                }
            }
            let settings = try await self.store.retention()
            if let days = settings.runs.days { try await self.removeFiles(olderThan: days) }
        } catch {
            guard !Task.isCancelled else { return }
            self.logger.warning("history waits", metadata: ["reason": "\(error)"])
        }
    }

    private func drop(by settings: RetentionSettings) async {
        do {
            let parts = try await self.store.overdueHistory(
                runs: settings.runs,
                events: settings.events
            )
            for part in parts { try await self.drop(part) }
        } catch {
            guard !Task.isCancelled else { return }
            self.logger.warning("history waits", metadata: ["reason": "\(error.message)"])
        }
    }

    private func drop(_ part: HistoryPart) async throws(StoreError) {
        for attempt in 1... {
            do throws(StoreError) {
                try await self.store.drop(part)
                self.logger.notice(
                    "history dropped",
                    metadata: ["kind": "\(part.kind.rawValue)", "day": "\(part.day ?? "")"]
                )
                ExecutionMetrics.dropped(part.kind).increment()
                return
            } catch {
                guard error.isTransient, attempt < Self.triesMax, !Task.isCancelled else {
                    throw error
                }
            }
            try? await Task.sleep(for: .seconds(attempt))
        }
    }

    /// Removes files that a dropped run's artifact named and nothing does any more. What was written,
    /// or used anew, within the retention stays: runs that are kept may have it as an input.
    private func removeFiles(olderThan days: Int) async throws {
        var after: Digest?
        while !Task.isCancelled {
            let gone = try await self.store.goneFiles(
                of: self.nodeName,
                after: after,
                limit: Self.filesMax
            )
            guard let last = gone.last else { return }
            after = last.file
            var done = gone.filter(\.isNamed).map(\.file)
            let folder = self.folder
            let candidates = gone.filter { !$0.isNamed }.map(\.file)
            let old = await BlockingWork.run {
                candidates.filter { Self.age("\(folder)/\($0.hex)").map { $0 >= days } ?? true }
            }
            let used = old.isEmpty ? [] : try await self.store.usedFiles(old)
            let unused = old.filter { !used.contains($0.hex) }
            await BlockingWork.run { for file in unused { unlink("\(folder)/\(file.hex)") } }
            done += unused
            if !done.isEmpty { try await self.store.forgetFiles(done, of: self.nodeName) }
            if !unused.isEmpty {
                self.logger.info("files removed", metadata: ["count": "\(unused.count)"])
            }
        }
    }

    /// How many whole days ago a file was written; `nil` when there is none.
    private static func age(_ path: String) -> Int? {
        RegularFile.modified(path).map { max(0, time(nil) - $0) / 86_400 }
    }
}
