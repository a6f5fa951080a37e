// Decides that streams over the API and a real database give what was committed, to whoever asks rightly.

import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import StateMachines
import Store
import TestKit
import Testing

@testable import Gateway

/// A node's writer, and the log of one lane.
private struct LaneWriter: Sendable {
    let writer: WriterActor
    let log: LaneLog
    let fence: RunFence
    let lane: Int64

    /// Runs `body` beside a writer whose commits the gateway is told of, or is not.
    static func with(
        _ bed: GatewayBed,
        isTold: Bool = true,
        _ body: @Sendable (LaneWriter) async throws -> Void
    ) async throws {
        let node = try await bed.store.join(name: "n", address: "here", build: "test")
        let shards = try await bed.store.takeShards(1_024, for: node)
        let hub = bed.gateway.events
        let hook: @Sendable ([CommittedChunk]) -> Void = { if isTold { hub.committed($0) } }
        let writer = WriterActor(store: bed.store, node: node, onCommitted: hook)
        let lane = try await bed.store.ensureLane(session: "default", lane: "l")
        let row = try #require(try await bed.store.loadLanes([lane]).first)
        let shard = try #require(shards.first { $0.shard == row.shard })
        let log = LaneLog(lane: lane, shard: shard, nextSequence: row.nextSequence)
        let fence = RunFence(run: RunID(1), lane: lane, shard: shard, claimNumber: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            defer { group.cancelAll() }
            try await body(LaneWriter(writer: writer, log: log, fence: fence, lane: lane))
        }
    }

    /// Commits `count` events.
    func commit(_ count: Int) async throws {
        for _ in 0..<count { self.log.append(HubBed.event()) }
        try await self.writer.submit([], fence: self.fence, log: self.log)
    }
}

@Suite(.timeLimit(.minutes(Sanitized.minutes(3))))
struct StoredStreamTests {
    /// Asks for a stream and reads until `isEnough` parts came.
    private func read(
        _ bed: GatewayBed,
        _ path: String,
        _ fields: HTTPFields = [:],
        then act: @Sendable @escaping () async throws -> Void = {},
        until isEnough: @escaping @Sendable ([StreamPart]) -> Bool
    ) async throws -> (fields: HTTPFields, parts: [StreamPart]) {
        let exchange = FakeExchange(
            HTTPRequest(
                method: .get,
                scheme: "http",
                authority: "localhost",
                path: path,
                headerFields: fields
            )
        )
        await bed.door.respond(to: exchange)
        var head: HTTPResponse?
        var parser = StreamParser(.serverSentEvents)
        var hasActed = false
        for await event in exchange.answering {
            switch event {
            case .head(let response): head = response
            case .bytes(let piece): parser.feed(piece.readableBytesView)
            case .end, .aborted: break
            }
            let parts = parser.parts
            if !hasActed, parts.contains(where: { $0.name == "hello" }) {
                hasActed = true
                try await act()
            }
            if isEnough(parts) {
                exchange.disconnect()
                break
            }
        }
        let fields = try #require(head?.headerFields)
        return (fields, parser.parts)
    }

    @Test(
        "what is committed here or elsewhere comes at once, each event once",
        arguments: [true, false]
    )
    func live(isTold: Bool) async throws {
        try await GatewayBed.with { bed in
            try await LaneWriter.with(bed, isTold: isTold) { lane in
                try await lane.commit(50)
                let (fields, parts) = try await self.read(
                    bed,
                    "/v1/lanes/\(lane.lane)/events?from=start",
                    then: { for _ in 0..<20 { try await lane.commit(10) } },
                    until: { $0.count { $0.name == "event" } >= 250 }
                )
                #expect(fields[.contentType] == "text/event-stream; charset=utf-8")
                #expect(fields[.cacheControl] == "no-store")
                expectWhole(parts.filter { $0.name == "event" })
                let last = try #require(parts.last?.id)
                try await lane.commit(5)
                let resumed = try await self.read(
                    bed,
                    "/v1/events?from=now",
                    [try #require(HTTPField.Name("last-event-id")): last],
                    until: { $0.count { $0.name == "event" } >= 5 }
                )
                expectWhole(resumed.parts.filter { $0.name == "event" }, from: 251)
            }
        }
    }

    @Test("a run that was cancelled before it began gives its end and nothing else")
    func cancelled() async throws {
        try await GatewayBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let bytes = try Plan(name: "p").canonicalBytes()
            let plan = PlanRow(
                digest: Digest(of: bytes),
                name: "p",
                body: String(decoding: bytes, as: UTF8.self)
            )
            let run = try #require(
                try await bed.store.enqueue(
                    [NewRun(lane: lane, planDigest: plan.digest)],
                    plans: [plan]
                ).first
            )
            _ = try await bed.store.requestCancel(run, reason: "no")
            let (_, parts) = try await self.read(
                bed,
                "/v1/runs/\(run)/events",
                until: { $0.last?.name == "end" }
            )
            #expect(parts.map(\.name) == ["hello", "end"])
            #expect(parts.last?.data["status"] == "cancelled")
        }
    }

    @Test(
        "what cannot be asked for is refused with a problem that says how",
        arguments: [
            ("/v1/events?from=7", 400), ("/v1/events?types=run.nothing", 400),
            ("/v1/events?levels=loud", 400), ("/v1/events?mode=fast", 400),
            ("/v1/events?odd=1", 400), ("/v1/events?lanes=77", 404),
            ("/v1/lanes/77/events", 404), ("/v1/sessions/77/events", 404),
            ("/v1/runs/zzzzzzzz/events", 404), ("/v1/runs/x/events", 404),
        ]
    )
    func refused(path: String, status: Int) async throws {
        try await GatewayBed.with { bed in
            let answer = try await bed.get(path)
            #expect(answer.status == status)
            #expect(answer.code != nil)
            let odd = try await bed.get("/v1/events", [.accept: "image/png"])
            #expect(odd.code == "not_acceptable")
        }
    }

    @Test("pages of a log begin and end where they should, whatever its chunks are like")
    func pages() async throws {
        try await GatewayBed.with { bed in
            try await LaneWriter.with(bed) { lane in
                for count in [1, 700, 3, 1, 900] { try await lane.commit(count) }
                let logs = StoredLogs(store: bed.store)
                #expect(
                    try await logs.bounds([lane.lane]).heads == LanePositions([lane.lane: 1_605])
                )
                var after: Int64 = 0
                while after < 1_605 {
                    let page = try await logs.page(lane: lane.lane, after: after)
                    let numbers = page.lines.map(\.sequence)
                    #expect(numbers == Array((after + 1)...(after + Int64(numbers.count))))
                    #expect(page.lines.reduce(0) { $0 + $1.bytes.count } < 70_000)
                    after = numbers.last ?? .max
                }
                #expect(after == 1_605)
                #expect(try await logs.page(lane: lane.lane, after: 1_605).lines.isEmpty)
                try await bed.text("DELETE FROM run_events WHERE first_seq < 702")
                #expect(
                    try await logs.bounds([lane.lane]).floors == LanePositions([lane.lane: 701])
                )
            }
        }
    }

    @Test(
        "a stream that stands before a dropped day is told that its place is gone, and gets the state of now"
    )
    func dropped() async throws {
        try await GatewayBed.with { bed in
            try await LaneWriter.with(bed, isTold: false) { lane in
                try await lane.commit(5)
                try await lane.commit(5)
                let (_, parts) = try await self.read(
                    bed,
                    "/v1/lanes/\(lane.lane)/events?from=start",
                    until: { $0.count { $0.name == "event" } >= 2 }
                )
                let second = try #require(parts.filter { $0.name == "event" }[1].id)
                // Nobody reads it meanwhile; its first chunk was stored on a day that goes.
                try await bed.text(
                    "SELECT history_make('run_events', (now() AT TIME ZONE 'UTC')::date - 40)"
                )
                try await bed.text(
                    "UPDATE run_events SET stored_on = stored_on - 40 WHERE first_seq = 1"
                )
                let overdue = try await bed.store.overdueHistory(runs: .forever, events: .days(30))
                for part in overdue { try await bed.store.drop(part) }
                #expect(try await bed.store.eventBounds([lane.lane]).map(\.floor) == [5])
                let resumed = try await self.read(
                    bed,
                    "/v1/lanes/\(lane.lane)/events",
                    [try #require(HTTPField.Name("last-event-id")): second],
                    until: { $0.contains { $0.name == "snapshot-end" || $0.name == "event" } }
                )
                let reset = try #require(resumed.parts.first { $0.name == "reset" })
                #expect(reset.data["reason"] == "expired")
                #expect(!resumed.parts.contains { $0.name == "event" })
            }
        }
    }

    @Test("what filters look at is read from a line as it was written")
    func facts() throws {
        for kind in RunEvent.Kind.allCases {
            for stream in ["stdout", "stderr"] {
                let text = #"a "stream":"stderr"}} \ b"#
                let event = RunEvent(
                    kind,
                    at: 1_700_000_000_000,
                    run: RunID(77),
                    step: #"","type":"run.failed","run":"x"#,
                    data: .object(["line": .string(text), "stream": .string(stream)])
                )
                var line: [UInt8] = []
                event.write(sequence: 1_234, to: &line)
                let facts = EventFacts(line.dropLast())
                #expect(EventFacts.kinds[Int(facts.kind)] == kind)
                #expect(facts.run == 77)
                let isErrorOutput = kind == .stepOutput && stream == "stderr"
                let level = EventFacts.levels[Int(facts.level)]
                #expect(level == (isErrorOutput ? .warning : kind.level))
            }
        }
        for text in ["", "{}", #"{"seq":1,"#, #"{"seq":1,"at":"x","type":"run.started"}"#] {
            #expect(EventFacts(Array(text.utf8)[...]).run == 0)
        }
    }
}
