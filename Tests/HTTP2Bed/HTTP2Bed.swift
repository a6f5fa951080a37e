// A server in a process of its own, whose memory a test can measure.

import Glibc
import HTTP2
import Logging
import NIOCore
import NIOPosix

/// Serves ``BedHandler`` until its standard input is closed; writes its port to standard output.
@main
struct HTTP2Bed {
    static func main() async throws {
        let handler = BedHandler()
        var configuration = HTTPServerConfiguration()
        // One peer plays thousands of sessions a second: each of them is to be heard.
        configuration.acceptsPerSecond = 1_000_000
        let logger = Logger(label: "http2-bed") { _ in SwiftLogNoOpLogHandler() }
        let server = HTTPServer(
            configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        ) { await handler.answer($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.run { address in
                    let line = Array("\(address.port ?? 0)\n".utf8)
                    _ = write(1, line, line.count)
                }
            }
            group.addTask {
                try await NIOThreadPool.singleton.runIfActive {
                    var byte: UInt8 = 0
                    while read(0, &byte, 1) > 0 {}
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
