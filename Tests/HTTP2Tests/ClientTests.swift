// The client against our own server: bodies both ways, flow control, cancellation, many streams.

import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HTTP2

@Suite("Client")
struct ClientTests {
    @Test("a request is answered, its authority and scheme filled in")
    func simple() async throws {
        try await ClientBed.withServer { exchange in
            let request = exchange.request
            let text = "\(request.method) \(request.scheme ?? "") \(request.path ?? "")"
            exchange.respond(
                HTTPResponse(
                    status: .created,
                    headerFields: [
                        .server: request.authority?.split(separator: ":").first
                            .map(String.init) ?? ""
                    ]
                ),
                body: ByteBuffer(string: text)
            )
        } _: { client in
            let answer = try await client.send(.to("/a?b=c", .put))
            #expect(answer.head.status == .created)
            #expect(answer.head.headerFields[.server] == "127.0.0.1")
            #expect(try await answer.body.text() == "PUT http /a?b=c")
        }
    }

    @Test(
        "a body of megabytes goes there and back, whole and as a sequence",
        arguments: [false, true]
    )
    func echo(isStreamed: Bool) async throws {
        try await ClientBed.withServer { exchange in
            let out = exchange.respond(HTTPResponse(status: .ok))
            do {
                for try await chunk in exchange.body { try await out.write(chunk) }
                out.finish([.contentDisposition: "done"])
            } catch {
                out.abort()
            }
        } _: { client in
            let piece = ByteBuffer(repeating: 97, count: 100_000)
            let answer: ClientResponse
            if isStreamed {
                let chunks = AsyncStream<ByteBuffer> { continuation in
                    for _ in 0..<80 { continuation.yield(piece) }
                    continuation.finish()
                }
                answer = try await client.send(.to("/", .post), streaming: chunks)
            } else {
                let body = ByteBuffer(repeating: 97, count: 8_000_000)
                answer = try await client.send(.to("/", .post), body: body)
            }
            #expect(await answer.trailers() == nil)
            let bytes = try await answer.body.collect()
            // Compared at once: byte by byte it would keep a thread that other tests need.
            #expect(bytes == ByteBuffer(repeating: 97, count: 8_000_000))
            #expect(await answer.trailers()?[.contentDisposition] == "done")
        }
    }

    @Test(
        "a server writes no more than the window when nobody reads, and all of it when somebody does"
    )
    func backPressure() async throws {
        let written = Atomic(0)
        let isRead = Atomic(false)
        try await ClientBed.withServer(
            configure: {
                $0.limits.streamWindowBytes = 100_000
                $0.limits.connectionWindowBytes = 200_000
            },
            handler: { exchange in
                let out = exchange.respond(HTTPResponse(status: .ok))
                for _ in 0..<200 {
                    guard (try? await out.write(ByteBuffer(repeating: 1, count: 10_000))) != nil
                    else { return }
                    written.add(10_000, ordering: .relaxed)
                    // What fits into window and buffer is written; then it must wait for us.
                    if written.load(ordering: .relaxed) > 600_000, !isRead.load(ordering: .relaxed)
                    {
                        out.abort()
                    }
                }
                out.finish(nil)
            },
            { client in
                let slow = try await client.send(.to("/slow"))
                // Other streams are not held up by one that is not read.
                isRead.store(false, ordering: .relaxed)
                var count = 0
                var iterator = slow.body.makeAsyncIterator()
                if let first = try await iterator.next() { count += first.readableBytes }
                isRead.store(true, ordering: .relaxed)
                while let chunk = try await iterator.next() { count += chunk.readableBytes }
                #expect(count == 2_000_000)
            }
        )
    }

    @Test("an answer that is dropped unread cancels its stream")
    func dropped() async throws {
        let (ended, end) = AsyncStream.makeStream(of: Bool.self)
        try await ClientBed.withServer { exchange in
            let out = exchange.respond(HTTPResponse(status: .ok))
            do {
                while true { try await out.write(ByteBuffer(repeating: 1, count: 1_000)) }
            } catch {
                end.yield(true)
            }
        } _: { client in
            func look() async throws {
                let answer = try await client.send(.to("/"))
                #expect(answer.head.status == .ok)
            }
            try await look()
            var iterator = ended.makeAsyncIterator()
            let isCancelled = await iterator.next()
            #expect(isCancelled == true)
        }
    }

    @Test("a cancelled call resets its stream and cancels the handler")
    func cancelled() async throws {
        let (begins, begin) = AsyncStream.makeStream(of: Void.self)
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        try await ClientBed.withServer { exchange in
            begin.yield()
            let (never, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            end.yield(Task.isCancelled)
        } _: { client in
            let code = await withTaskGroup(of: HTTP2Error.Code?.self) { tasks in
                tasks.addTask {
                    do {
                        _ = try await client.send(.to("/"))
                        return nil
                    } catch {
                        return (error as? HTTP2Error)?.code
                    }
                }
                for await _ in begins { break }
                tasks.cancelAll()
                return await tasks.next() ?? nil
            }
            #expect(code == .cancelled)
            for await isCancelled in ends {
                #expect(isCancelled)
                break
            }
        }
    }

    @Test("a request without an answer ends at its deadline, in the queue and on the way")
    func timeouts() async throws {
        try await ClientBed.withServer { _ in
            let (never, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
        } _: { client in
            let error = await #expect(throws: HTTP2Error.self) {
                try await client.send(.to("/"), timeout: .milliseconds(50))
            }
            #expect(error?.code == .timedOut)
        }
        // Nobody runs this one.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = HTTP2Client(
            HTTP2ClientConfiguration(host: "127.0.0.1", port: 1),
            group: group,
            logger: ClientBed.quiet
        )
        let error = await #expect(throws: HTTP2Error.self) {
            try await client.send(.to("/"), timeout: .milliseconds(50))
        }
        #expect(error?.code == .timedOut)
        try await group.shutdownGracefully()
    }

    @Test("where nobody listens, the sentence says so")
    func refused() async throws {
        var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: 1)
        configuration.backoff = .milliseconds(1)
        try await ClientBed.with(configuration) { client in
            let error = await #expect(throws: HTTP2Error.self) { try await client.send(.to("/")) }
            #expect(error?.code == .connectFailed)
            #expect(
                error?.message
                    == "cannot connect to 127.0.0.1:1: nobody listens there; is the server running?"
            )
        }
    }

    @Test("a thousand requests share a few connections, each answered once")
    func many() async throws {
        let connections = Mutex<Set<String>>([])
        try await ClientBed.withServer(
            configure: {
                $0.connectionsMax = 4
                $0.streamsPerConnectionMax = 50
            },
            handler: { exchange in
                connections.withLock { _ = $0.insert("\(exchange.origin.address?.port ?? 0)") }
                exchange.respond(
                    HTTPResponse(status: .ok),
                    body: ByteBuffer(string: exchange.request.path ?? "")
                )
            },
            { client in
                let right = try await withThrowingTaskGroup(of: Bool.self) { tasks in
                    for index in 0..<1_000 {
                        tasks.addTask {
                            try await client.send(.to("/\(index)")).body.text() == "/\(index)"
                        }
                    }
                    return try await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(right == 1_000)
            }
        )
        #expect(connections.withLock { (1...4).contains($0.count) })
    }

    @Test("streams without tasks: a slow receiver holds up nobody else")
    func receivers() async throws {
        try await ClientBed.withServer(
            configure: { $0.limits.streamWindowBytes = 70_000 },
            handler: { exchange in
                exchange.respond(
                    HTTPResponse(status: .ok),
                    body: ByteBuffer(repeating: 5, count: 200_000)
                )
            },
            { client in
                let (ends, end) = AsyncStream.makeStream(of: (Int, Int).self)
                let slow = ReceiverProbe.Handle()
                client.open(.to("/slow")) { stream in
                    stream.isReading = false
                    return ReceiverProbe(0, stream, slow) { end.yield(($0, $1)) }
                }
                for index in 1..<100 {
                    client.open(.to("/\(index)")) { stream in
                        ReceiverProbe(index, stream, nil) { end.yield(($0, $1)) }
                    }
                }
                var counts: [Int: Int] = [:]
                for await (index, count) in ends {
                    counts[index] = count
                    if counts.count == 99 {
                        #expect(counts[0] == nil)
                        slow.resume()
                    }
                    if counts.count == 100 { break }
                }
                #expect(counts.values.allSatisfy { $0 == 200_000 })
            }
        )
    }
}

/// Counts what it is given.
final class ReceiverProbe: StreamReceiver {
    /// Lets a test reach a stream from its task.
    final class Handle: Sendable {
        private struct Bound: Sendable {
            let eventLoop: any EventLoop
            let stream: NIOLoopBound<any ClientStream>
        }

        private let bound = Mutex<Bound?>(nil)

        func set(_ stream: any ClientStream) {
            let bound = Bound(
                eventLoop: stream.eventLoop,
                stream: NIOLoopBound(stream, eventLoop: stream.eventLoop)
            )
            self.bound.withLock { $0 = bound }
        }

        func resume() { self.onLoop { $0.isReading = true } }

        func cancel() { self.onLoop { $0.cancel() } }

        private func onLoop(_ body: @escaping @Sendable (any ClientStream) -> Void) {
            guard let bound = self.bound.withLock({ $0 }) else { return }
            bound.eventLoop.execute { body(bound.stream.value) }
        }
    }

    private let index: Int
    private var count = 0
    private let whenEnded: (Int, Int) -> Void

    init(
        _ index: Int,
        _ stream: any ClientStream,
        _ handle: Handle?,
        _ whenEnded: @escaping (Int, Int) -> Void
    ) {
        self.index = index
        self.whenEnded = whenEnded
        handle?.set(stream)
    }

    func received(_ head: HTTPResponse) {}
    func received(_ bytes: inout ByteBuffer) { self.count += bytes.readableBytes }
    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.whenEnded(self.index, error == nil ? self.count : -1)
    }
}
