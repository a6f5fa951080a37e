// Decides that streams hold over real connections: many on one, over both protocols, through a drain.

import Foundation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PulserIR
import StateMachines
import Store
import Synchronization
import TestKit
import Testing

@testable import Gateway

/// A server whose streams are those of a hub over logs in memory.
private struct LiveBed: Sendable {
    let bed: HubBed
    let port: Int

    static func with(_ body: @Sendable (LiveBed) async throws -> Void) async throws {
        try await HubBed.with { bed in
            let server = HTTPServer(
                HTTPServerConfiguration(),
                group: MultiThreadedEventLoopGroup.singleton,
                logger: logger
            ) { exchange in
                let isRun = exchange.request.path == "/run"
                let wish =
                    isRun
                    ? StreamWish(scope: .lanes([]), run: 1, filter: EventFilter(runs: [1]))
                    : StreamWish(scope: .lanes([1]), start: .beginning)
                var head = HTTPResponse(status: .ok)
                head.headerFields[.contentType] = "text/event-stream"
                do {
                    let make = try await bed.hub.subscribe(wish, on: exchange.eventLoop)
                    exchange.respond(head, pulling: make)
                } catch {
                    exchange.respond(HTTPResponse(status: .serviceUnavailable), body: nil)
                }
            }
            let (addresses, listening) = AsyncStream<SocketAddress>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { listening.finish() }
                    try await server.run { listening.yield($0) }
                }
                defer { group.cancelAll() }
                var first = addresses.makeAsyncIterator()
                let port = try #require(await first.next()?.port)
                try await body(LiveBed(bed: bed, port: port))
            }
        }
    }

    /// What curl prints of a stream that ends by itself.
    func curl(_ options: [String], _ path: String) async throws -> [StreamPart] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/curl")
        process.arguments =
            ["-sN", "--max-time", "60"] + options + ["http://127.0.0.1:\(self.port)\(path)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes: [UInt8] = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: Array(data))
            }
        }
        #expect(process.terminationStatus == 0)
        return StreamParser.read(bytes, .serverSentEvents)
    }
}

/// Counts across tasks.
private final class Tally: Sendable {
    private let value = Mutex(0)

    var count: Int { self.value.withLock { $0 } }

    func add() { self.value.withLock { $0 += 1 } }
}

@Suite(.timeLimit(.minutes(Sanitized.minutes(3))))
struct LiveStreamTests {
    @Test(
        "a hundred streams on one connection see every event once, and a drain ends them with bye"
    )
    func manyStreams() async throws {
        let done = Tally()
        try await LiveBed.with { live in
            var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: live.port)
            // Other tests keep the machine busy.
            configuration.connectTimeout = .seconds(30)
            let client = HTTP2Client(
                configuration,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await client.run() }
                defer { group.cancelAll() }
                try await withThrowingTaskGroup(of: Void.self) { streams in
                    for _ in 0..<100 {
                        streams.addTask {
                            let request = HTTPRequest(
                                method: .get,
                                scheme: "http",
                                authority: "localhost",
                                path: "/lane"
                            )
                            let response = try await client.send(request)
                            #expect(response.head.status == .ok)
                            var isDone = false
                            var parser = StreamParser(.serverSentEvents)
                            for try await chunk in response.body {
                                parser.feed(chunk.readableBytesView)
                                if parser.eventCount == 2_000, !isDone {
                                    isDone = true
                                    done.add()
                                }
                            }
                            #expect(parser.parts.first?.name == "hello")
                            #expect(parser.parts.last?.name == "bye")
                            expectWhole(parser.parts.filter { $0.name == "event" })
                        }
                    }
                    streams.addTask {
                        try await eventually("all are there") { live.bed.hub.seats.count == 100 }
                        for _ in 0..<200 {
                            live.bed.commit(Array(repeating: 1, count: 10))
                            await Task.yield()
                        }
                        try await eventually("all have all") { done.count == 100 }
                        await live.bed.hub.drain()
                    }
                    try await streams.waitForAll()
                }
            }
        }
    }

    @Test(
        "curl gets a run's events and its end, over either protocol",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")),
        arguments: ["--http1.1", "--http2-prior-knowledge"]
    )
    func curl(option: String) async throws {
        try await LiveBed.with { live in
            let logs = live.bed.logs
            logs.state.withLock {
                $0.runs[1] = RunSummary(
                    id: RunID(1),
                    lane: 1,
                    status: .running,
                    firstSequence: 1,
                    lastSequence: 1
                )
            }
            live.bed.commit([1])
            async let got = live.curl([option], "/run")
            try await eventually("it follows") { live.bed.hub.seats.count == 1 }
            for _ in 0..<50 { live.bed.commit([1, 1]) }
            live.bed.hub.committed(logs.commit([(1, HubBed.event(.runSucceeded))]))
            let parts = try await got
            #expect(parts.first?.name == "hello")
            #expect(parts.last?.name == "end")
            #expect(parts.last?.data["status"] == "succeeded")
            let events = parts.filter { $0.name == "event" }
            #expect(events.count == 102)
            expectWhole(events)
        }
    }
}
