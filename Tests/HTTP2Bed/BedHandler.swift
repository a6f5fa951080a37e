// What the servers of the HTTP/2 tests answer.

import HTTP2
import HTTPTypes
import NIOCore
import Synchronization

/// A handler with a path for every kind of answer, which remembers what reached it.
final class BedHandler: Sendable {
    private let paths = Mutex<[String]>([])
    private let running = Mutex(0)

    /// Starts with nothing seen.
    init() {}

    /// The paths of the requests that were dispatched, the last 10,000.
    var seen: [String] { self.paths.withLock { $0 } }
    /// Requests being answered.
    var active: Int { self.running.withLock { $0 } }

    /// Answers one request.
    ///
    /// `/` says ok; `/none` has no body; `/echo` gives the body back; `/count` its length; `/wait` answers when the
    /// peer has gone; `/bytes/N` gives N bytes; `/hold` a body that never goes on; `/trailers`
    /// a body and a trailer; `/cookie` the request's cookies; `/active` the number of requests being answered.
    func answer(_ exchange: any ServerExchange) async {
        let path = exchange.request.path ?? ""
        self.paths.withLock { if $0.count < 10_000 { $0.append(path) } }
        self.running.withLock { $0 += 1 }
        defer { self.running.withLock { $0 -= 1 } }
        switch path {
        case "/echo": await self.echo(exchange)
        case "/count": await self.count(exchange)
        case "/wait":
            for await _ in AsyncStream<Void>(unfolding: { await Self.untilCancelled() }) {}
        case "/none": exchange.respond(Self.ok, body: nil)
        case "/cookie":
            let cookie = exchange.request.headerFields[.cookie] ?? ""
            exchange.respond(Self.ok, body: ByteBuffer(string: cookie))
        case "/active":
            exchange.respond(Self.ok, body: ByteBuffer(string: "\(self.active)"))
        case "/trailers":
            let writer = exchange.respond(Self.ok)
            try? await writer.write(ByteBuffer(string: "ok\n"))
            var trailers = HTTPFields()
            if let name = HTTPField.Name("x-after") { trailers[name] = "yes" }
            writer.finish(trailers)
        case "/hold": exchange.respond(Self.ok) { _ in FillBody(bytes: 0, holds: true) }
        case _ where path.hasPrefix("/bytes/"):
            let bytes = Int(path.dropFirst(7)) ?? 0
            exchange.respond(Self.ok) { _ in FillBody(bytes: bytes, holds: false) }
        default: exchange.respond(Self.ok, body: ByteBuffer(string: "ok\n"))
        }
    }

    private static let ok = HTTPResponse(status: .ok)

    private static func untilCancelled() async -> Void? {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        for await _ in stream {}
        withExtendedLifetime(continuation) {}
        return nil
    }

    private func echo(_ exchange: any ServerExchange) async {
        let writer = exchange.respond(Self.ok)
        do {
            for try await chunk in exchange.body { try await writer.write(chunk) }
            writer.finish(nil)
        } catch {
            writer.abort()
        }
    }

    private func count(_ exchange: any ServerExchange) async {
        var bytes = 0
        do {
            for try await chunk in exchange.body { bytes += chunk.readableBytes }
            exchange.respond(Self.ok, body: ByteBuffer(string: "\(bytes)"))
        } catch {
            exchange.respond(HTTPResponse(status: .badRequest), body: nil)
        }
    }
}

/// A body of so many bytes; one that holds never ends.
private final class FillBody: PulledBody {
    private var left: Int
    private let holds: Bool

    init(bytes: Int, holds: Bool) {
        self.left = bytes
        self.holds = holds
    }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        let count = min(bytesMax, self.left)
        guard count > 0 else { return self.holds ? .wait : .end(nil) }
        buffer.writeRepeatingByte(UInt8(ascii: "x"), count: count)
        self.left -= count
        return .appended
    }

    func closed(_ error: HTTP2Error?) {}
}
