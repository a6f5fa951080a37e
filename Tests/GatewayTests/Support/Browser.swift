// Decides how a test has a browser load a page, and what the page tells the test.

import Foundation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PulserIR
import Synchronization
import TestBed
import TestKit
import TestPeers

/// A browser that shows nothing, with a profile of its own, on one page.
struct Browser: Sendable {
    private let process: PeerProcess

    /// Opens a page.
    init(_ url: String) throws {
        let profile = TestPostgres.temporaryDirectory()
        let flags = [
            // The tests may run as root, on machines without a graphics card and with a small /dev/shm.
            "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            // The authority of the tests' certificates is nobody's.
            "--ignore-certificate-errors",
            // Without a debugger the headless shell ends as soon as the page is loaded.
            "--remote-debugging-port=0", "--no-first-run", "--disable-background-networking",
            "--disable-breakpad",
            "--user-data-dir=\(profile)",
        ]
        self.process = try PeerProcess(
            try Peer.chromium.required() + flags + [url],
            environment: ["HOME": profile]
        )
    }

    /// Waits until the page has told what it saw.
    func report(to mailbox: Mailbox) async throws -> JSONValue {
        do {
            try await eventually("the page told what it saw", within: .seconds(90)) {
                if mailbox.report == nil, !self.process.isRunning {
                    throw PeerFailure("the browser ended")
                }
                return mailbox.report != nil
            }
        } catch {
            throw PeerFailure(
                "\(error); asked for were \(mailbox.requests); the browser said: "
                    + self.process.lastWords
            )
        }
        return mailbox.report ?? .null
    }
}

/// What a page's server was asked, and what the page has posted to `/seen`.
final class Mailbox: Sendable {
    private struct State {
        var report: JSONValue?
        var requests: [String] = []
    }

    private let state = Mutex(State())

    var report: JSONValue? { self.state.withLock(\.report) }
    /// Version, method, path and last event id of the requests so far.
    var requests: [String] { self.state.withLock(\.requests) }

    /// Notes a request; answers those for the page itself and its report.
    ///
    /// - Returns: Whether it was one of these.
    func answers(_ exchange: any ServerExchange, page: String) async -> Bool {
        let request = exchange.request
        let path = request.path ?? ""
        let id = HTTPField.Name("last-event-id").flatMap { request.headerFields[$0] }
        let words = [exchange.origin.version.rawValue, request.method.rawValue, path, id ?? "-"]
        self.state.withLock { $0.requests.append(words.joined(separator: " ")) }
        switch (request.method, path) {
        case (.get, "/"):
            exchange.respond(
                HTTPResponse(status: .ok, headerFields: [.contentType: "text/html"]),
                body: ByteBuffer(string: page)
            )
        case (.post, "/seen"):
            var bytes: [UInt8] = []
            do {
                for try await chunk in exchange.body { bytes += Array(chunk.readableBytesView) }
            } catch {
                return true
            }
            let report = try? JSONValue(parsing: bytes)
            self.state.withLock {
                $0.report = report ?? .string(String(decoding: bytes, as: UTF8.self))
            }
            exchange.respond(HTTPResponse(status: .noContent), body: nil)
        case (.get, "/favicon.ico"):
            exchange.respond(HTTPResponse(status: .notFound), body: nil)
        default: return false
        }
        return true
    }
}

/// A server over TLS that can be stopped and followed by another one on its port.
struct PageServer {
    /// Serves while `body` runs; then drains.
    static func with<Value: Sendable>(
        _ files: TestCertificates,
        port: Int = 0,
        handler: @escaping @Sendable (any ServerExchange) async -> Void,
        _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> Value {
        var configuration = HTTPServerConfiguration()
        configuration.tls = files.server
        configuration.port = port
        let server = HTTPServer(
            configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            handler: handler
        )
        let (addresses, listening) = AsyncStream<SocketAddress>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await server.run { listening.yield($0) }
            }
            var first = addresses.makeAsyncIterator()
            guard let port = await first.next()?.port else {
                try await group.waitForAll()
                throw PeerFailure("the server did not listen")
            }
            let value = try await body(port)
            group.cancelAll()
            // Another one may want the port: it is free when this one has ended.
            try await group.waitForAll()
            return value
        }
    }
}
