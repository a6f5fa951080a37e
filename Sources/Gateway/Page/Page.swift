// The page as the node has it: read once, again when its files change, soon again when that failed.

import Logging
import NIOCore
import Synchronization

/// Keeps the page's files and those of the distribution in memory.
final class Page: Sendable {
    /// How long it is remembered that something could not be read: whoever asks often must not have
    /// it read as often, and what was mended is there soon.
    static let failureKept: Duration = .seconds(3)

    /// What came of reading.
    private struct Reading<Value: Sendable>: Sendable {
        /// `nil`: it could not be read.
        var value: Value?
        var at: ContinuousClock.Instant

        /// Whether it is time to read anew.
        func isOver(at now: ContinuousClock.Instant) -> Bool {
            self.value == nil && now - self.at >= Page.failureKept
        }
    }

    private struct State: Sendable {
        var stamp = 0
        var files: Reading<PageFiles>?
        /// Read when somebody asks first.
        var vendor: [String: Reading<PageFile>] = [:]
    }

    private let source: PageSource
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// Prepares a page; nothing is read before somebody asks.
    ///
    /// - Parameters:
    ///   - source: Where its files come from.
    ///   - logger: Is told when they cannot be read.
    ///   - now: Tells the moment. Default: the clock's.
    init(
        _ source: PageSource,
        logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.source = source
        self.logger = logger
        self.now = now
    }

    /// The page; `nil` when its files cannot be read.
    var files: PageFiles? {
        let stamp = self.source.stamp?() ?? 0
        // Others wait in the meantime: what is read twice would be packed twice.
        return self.state.withLock { state in
            let now = self.now()
            if let known = state.files, state.stamp == stamp, !known.isOver(at: now) {
                return known.value
            }
            state.stamp = stamp
            var read = Reading<PageFiles>(at: now)
            do {
                let files = try PageFiles(
                    try self.source.files(),
                    isJoined: self.source.stamp == nil
                )
                read.value = files
                if let flaw = files.flaw {
                    self.logger.warning(
                        "the page's first modules are served one by one, which takes longer",
                        metadata: ["error": "\(flaw)"]
                    )
                }
            } catch {
                self.logger.warning("the page cannot be read", metadata: ["error": "\(error)"])
            }
            state.files = read
            return read.value
        }
    }

    /// A file of the distribution; `nil` when it is not installed, or not one that is served.
    func vendor(_ name: String) -> PageFile? {
        guard let file = VendorFile.all.first(where: { $0.name == name }) else { return nil }
        return self.state.withLock { state in
            let now = self.now()
            if let known = state.vendor[name], !known.isOver(at: now) { return known.value }
            let read = self.source.vendor(file).map { PageFile(name, $0) }
            state.vendor[name] = Reading(value: read, at: now)
            return read
        }
    }
}
