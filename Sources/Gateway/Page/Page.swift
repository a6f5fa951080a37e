// The page as the node has it: read once, or again when its files change while somebody writes them.

import Logging
import NIOCore
import Synchronization

/// Keeps the page's files and those of the distribution in memory.
final class Page: Sendable {
    private struct State: Sendable {
        var isRead = false
        var stamp = 0
        var files: PageFiles?
        /// Read when somebody asks first; `nil` in it: it is not installed.
        var vendor: [String: PageFile?] = [:]
    }

    private let source: PageSource
    private let logger: Logger
    private let state = Mutex(State())

    init(_ source: PageSource, logger: Logger) {
        self.source = source
        self.logger = logger
    }

    /// The page; `nil` when its files cannot be read.
    var files: PageFiles? {
        let stamp = self.source.stamp?() ?? 0
        // Others wait in the meantime: what is read twice would be packed twice.
        return self.state.withLock { state in
            if state.isRead, state.stamp == stamp { return state.files }
            state.isRead = true
            state.stamp = stamp
            do {
                state.files = try PageFiles(try self.source.files())
            } catch {
                state.files = nil
                self.logger.warning("the page cannot be read", metadata: ["error": "\(error)"])
            }
            return state.files
        }
    }

    /// A file of the distribution; `nil` when it is not installed, or not one that is served.
    func vendor(_ name: String) -> PageFile? {
        guard let file = VendorFile.all.first(where: { $0.name == name }) else { return nil }
        return self.state.withLock { state in
            if let known = state.vendor[name] { return known }
            let read = self.source.vendor(file).map { PageFile(name, $0) }
            state.vendor[name] = .some(read)
            return read
        }
    }
}
