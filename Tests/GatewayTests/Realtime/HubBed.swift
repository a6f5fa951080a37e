// Decides how tests get event streams without a database or a socket.

import Logging
import NIOCore
import NIOPosix
import PulserIR
import StateMachines
import Store
import TestKit
import Testing

@testable import Gateway

/// A hub over logs in memory.
struct HubBed: Sendable {
    let logs: MemoryLogs
    let hub: EventHub

    static func with(
        _ logs: MemoryLogs = MemoryLogs(),
        caps: StreamCaps = StreamCaps(),
        _ body: @Sendable (HubBed) async throws -> Void
    ) async throws {
        let hub = EventHub(source: logs, caps: caps, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await hub.run() }
            defer { group.cancelAll() }
            try await body(HubBed(logs: logs, hub: hub))
        }
    }

    /// Commits output lines of run 1 and tells the hub, as this node's writer does.
    func commit(_ lanes: [Int64]) {
        self.hub.committed(self.logs.commit(lanes.map { ($0, HubBed.event()) }))
    }

    static func event(_ kind: RunEvent.Kind = .stepOutput, run: Int64 = 1) -> RunEvent {
        RunEvent(
            kind,
            at: 0,
            run: RunID(run),
            step: "s",
            attempt: 1,
            data: .object(["line": .string("text"), "stream": .string("stdout")])
        )
    }

    /// Opens a stream.
    func open(
        _ wish: StreamWish = StreamWish(scope: .lanes([1])),
        window: Int = .max,
        loop: (any EventLoop)? = nil
    ) async throws -> HubStream {
        let loop = loop ?? MultiThreadedEventLoopGroup.singleton.any()
        let make = try await self.hub.subscribe(wish, on: loop)
        let stream = FakeStream(loop, format: wish.format, window: window)
        stream.begin(make)
        return HubStream(stream: stream)
    }
}

/// A stream that a test reads.
struct HubStream: Sendable {
    let stream: FakeStream

    var parts: [StreamPart] { self.stream.parts }
    var events: [StreamPart] { self.parts.filter { $0.name == "event" } }

    /// The newest cursor its reader knows.
    var cursor: String? { self.parts.last { $0.id != nil }?.id }

    /// The parts once `isEnough` of them are there.
    @discardableResult
    func parts(
        _ what: String,
        until isEnough: @Sendable ([StreamPart]) -> Bool
    ) async throws -> [StreamPart] {
        try await eventually(what) { isEnough(self.parts) }
        return self.parts
    }

    /// The first `count` events.
    func events(_ count: Int) async throws -> [StreamPart] {
        try await eventually("\(count) events come") { self.stream.eventCount >= count }
        return self.events
    }
}

/// Checks that events are those of lanes from a number on, each once and in order.
func expectWhole(
    _ events: [StreamPart],
    from first: Int64 = 1,
    location: SourceLocation = #_sourceLocation
) {
    var last: [Int64: Int64] = [:]
    for event in events {
        let expected = (last[event.lane] ?? first - 1) + 1
        guard event.sequence == expected else {
            Issue.record(
                "lane \(event.lane): \(event.sequence) instead of \(expected)",
                sourceLocation: location
            )
            return
        }
        last[event.lane] = event.sequence
    }
}
