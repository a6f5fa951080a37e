// A request of HTTP/1.1 whose end two readers could see in two places is no request.

import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import HTTP2

@Suite("Ambiguous requests")
struct SmugglingTests {
    @Test(
        "is answered with 400 at most, closed, and nothing behind it is taken for a request",
        arguments: [
            "content-length: 5\r\ntransfer-encoding: chunked",
            "transfer-encoding: chunked\r\ncontent-length: 5",
            "content-length: 5\r\ncontent-length: 6",
            "content-length: +5",
            "content-length: 5, 6",
            "content-length: 0x5",
            "transfer-encoding: xchunked",
            "transfer-encoding: chunked, identity",
            "transfer-encoding : chunked",
            "x-a: b\r\n transfer-encoding: chunked\r\nhost : b",
            "host: other",
        ]
    )
    func ambiguous(fields: String) async throws {
        let paths = Mutex<[String]>([])
        try await TestServer.with { exchange in
            paths.withLock { $0.append(exchange.request.path ?? "") }
            do { for try await _ in exchange.body {} } catch {}
            exchange.respond(HTTPResponse(status: .ok), body: nil)
        } _: { server in
            let answer = try await onOwnThread {
                let socket = try RawSocket(port: server.port)
                let text =
                    "POST /first HTTP/1.1\r\nhost: localhost\r\n\(fields)\r\n\r\n"
                    + "0\r\n\r\nGET /never HTTP/1.1\r\nhost: localhost\r\n\r\n"
                try socket.write(Array(text.utf8))
                var answer: [UInt8] = []
                let deadline = ContinuousClock.now + RawSocket.patience
                while !socket.isEnded {
                    guard let bytes = try socket.read(until: deadline) else {
                        throw WireFailure("the connection stays")
                    }
                    answer += bytes
                }
                return String(decoding: answer, as: UTF8.self)
            }
            #expect(!answer.contains(" 200 "), "\(answer)")
        }
        #expect(paths.withLock { !$0.contains("/never") })
    }
}
