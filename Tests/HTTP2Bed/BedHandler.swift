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
    /// peer has gone; `/body/N` gives N bytes at once, `/bytes/N` pulled, `/stream/N` written piece by piece; `/hold` a body that never goes on; `/trailers`
    /// a body and a trailer; `/cookie` the request's cookies; `/active` the number of requests being answered, `/live`
    /// of exchanges and bodies in memory.
    func answer(_ exchange: any ServerExchange) async {
        let path = exchange.request.path ?? ""
        self.paths.withLock { if $0.count < 10_000 { $0.append(path) } }
        self.running.withLock { $0 += 1 }
        Census.take(exchange)
        defer { self.running.withLock { $0 -= 1 } }
        switch path {
        case "/echo": await self.echo(exchange)
        case "/count": await self.count(exchange)
        case "/wait":
            for await _ in AsyncStream<Void>(unfolding: { await Self.untilCancelled() }) {}
        case _ where path.hasPrefix("/stream/"):
            await self.stream(exchange, bytes: Int(path.dropFirst(8)) ?? 0)
        case _ where path.hasPrefix("/body/"):
            let bytes = Int(path.dropFirst(6)) ?? 0
            exchange.respond(Self.ok, body: ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes))
        case "/none": exchange.respond(Self.ok, body: nil)
        case "/cookie":
            let cookie = exchange.request.headerFields[.cookie] ?? ""
            exchange.respond(Self.ok, body: ByteBuffer(string: cookie))
        case "/live":
            exchange.respond(Self.ok, body: ByteBuffer(string: "\(Census.count)"))
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

    private func stream(_ exchange: any ServerExchange, bytes: Int) async {
        let writer = exchange.respond(Self.ok)
        var left = bytes
        do {
            while left > 0 {
                let count = min(left, 2_048)
                try await writer.write(ByteBuffer(repeating: UInt8(ascii: "x"), count: count))
                left -= count
            }
            writer.finish(nil)
        } catch {
            writer.abort()
        }
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

/// Counts objects that should go: exchanges that handlers have seen, bodies that were made.
private enum Census {
    private struct Entry {
        weak var exchange: (any ServerExchange)?
    }

    private static let entries = Mutex<[Entry]>([])
    static let bodies = Atomic(0)

    static func take(_ exchange: any ServerExchange) {
        Self.entries.withLock { entries in
            entries.append(Entry(exchange: exchange))
            if entries.count.isMultiple(of: 1_000) { entries.removeAll { $0.exchange == nil } }
        }
    }

    static var count: Int {
        let exchanges = Self.entries.withLock { entries in
            entries.removeAll { $0.exchange == nil }
            return entries.count
        }
        return exchanges + Self.bodies.load(ordering: .relaxed)
    }
}

/// A body of so many bytes; one that holds never ends.
private final class FillBody: PulledBody {
    private var left: Int
    private let holds: Bool

    init(bytes: Int, holds: Bool) {
        self.left = bytes
        self.holds = holds
        Census.bodies.add(1, ordering: .relaxed)
    }

    deinit { Census.bodies.subtract(1, ordering: .relaxed) }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        let count = min(bytesMax, self.left)
        guard count > 0 else { return self.holds ? .wait : .end(nil) }
        buffer.writeRepeatingByte(UInt8(ascii: "x"), count: count)
        self.left -= count
        return .appended
    }

    func closed(_ error: HTTP2Error?) {}
}
