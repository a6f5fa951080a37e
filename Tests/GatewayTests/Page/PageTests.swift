// Decides how long a node remembers that the page, or a file of the distribution, could not be read.

import Logging
import NIOCore
import Synchronization
import Testing

@testable import Gateway

@Suite("The page in memory")
struct PageTests {
    /// A disk that can be away, and a clock that only this moves.
    private final class Disk: Sendable {
        private struct State: Sendable {
            var isAway = true
            var reads = 0
            var now = ContinuousClock.now
        }

        private struct Away: Error {}

        private let state = Mutex(State())

        /// How often something was read, or tried to be.
        var reads: Int { self.state.withLock { $0.reads } }

        func mend() { self.state.withLock { $0.isAway = false } }
        func pass(_ time: Duration) { self.state.withLock { $0.now += time } }

        private func isThere() -> Bool {
            self.state.withLock { state in
                state.reads += 1
                return !state.isAway
            }
        }

        func page() -> Page {
            var source = PageSource {
                guard self.isThere() else { throw Away() }
                return PageFolders.small.mapValues { ByteBuffer(string: $0) }
            }
            source.vendor = { _ in self.isThere() ? ByteBuffer(string: "letters") : nil }
            return Page(source, logger: Logger(label: "page")) { self.state.withLock { $0.now } }
        }
    }

    /// Asks as `ask` does while the disk is away, then when it is back, and long after that.
    private static func retries(_ ask: (Page) -> Bool) {
        let disk = Disk()
        let page = disk.page()
        for _ in 0..<3 { #expect(!ask(page)) }
        #expect(disk.reads == 1)
        disk.mend()
        disk.pass(Page.failureKept - .milliseconds(1))
        #expect(!ask(page))
        #expect(disk.reads == 1)
        disk.pass(.milliseconds(1))
        for _ in 0..<3 { #expect(ask(page)) }
        disk.pass(.seconds(86_400))
        #expect(ask(page))
        #expect(disk.reads == 2)
    }

    @Test("a page that could not be read is read again within seconds, and not at every request")
    func files() {
        #expect(Page.failureKept <= .seconds(5))
        Self.retries { $0.files != nil }
    }

    @Test("a file of a package that is installed later is served without a new start")
    func vendor() {
        Self.retries { $0.vendor("inter.ttf") != nil }
    }
}
