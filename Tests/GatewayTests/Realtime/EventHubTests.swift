// Decides what a stream gives: each event once, in lane order, with an id that leads back to its place.

import HTTPTypes
import NIOCore
import NIOPosix
import PulserIR
import StateMachines
import Store
import Synchronization
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(Sanitized.minutes(2))))
struct EventHubTests {
    @Test(
        "a stream greets, then gives every event with its lane, in each form",
        arguments: StreamFormat.allCases
    )
    func forms(format: StreamFormat) async throws {
        try await HubBed.with { bed in
            bed.commit([1, 1])
            let stream = try await bed.open(StreamWish(scope: .lanes([1]), format: format))
            try await stream.parts("it greets") { !$0.isEmpty }
            for _ in 0..<5 { bed.commit([1]) }
            let events = try await stream.events(5)
            expectWhole(events, from: 3)
            #expect(events.allSatisfy { $0.lane == 1 && $0.data["type"] == "step.output" })
            let hello = try #require(stream.parts.first)
            #expect(hello.name == "hello")
            #expect(hello.data["recovered"] == true)
            #expect(hello.data["from"] == "00000001:1.2")
            if format == .serverSentEvents {
                #expect(events.map(\.id) == (3...7).map { "00000001:1.\($0)" })
                #expect(hello.id == "00000001:1.2")
            }
        }
    }

    @Test("a stream begins where it is asked to: at the start, behind a cursor, with what is next")
    func starts() async throws {
        try await HubBed.with { bed in
            for _ in 0..<1_000 { bed.commit([1]) }
            let all = try await bed.open(StreamWish(scope: .lanes([1]), start: .beginning))
            expectWhole(try await all.events(1_000))
            let cursor = try #require(StreamCursor("00000001:1.rr"))
            let rest = try await bed.open(StreamWish(scope: .lanes([1]), start: .cursor(cursor)))
            #expect(try await rest.events(1).first?.sequence == 1_000)
            let next = try await bed.open()
            try await next.parts("it greets") { !$0.isEmpty }
            bed.commit([1])
            for stream in [all, rest, next] {
                try await stream.parts("the next comes") { $0.last?.sequence == 1_001 }
                expectWhole(stream.events, from: stream.events[0].sequence)
            }
            #expect(next.events.count == 1)
        }
    }

    @Test("the id of any event of several lanes leads back behind exactly that event")
    func resumeAnywhere() async throws {
        try await HubBed.with(MemoryLogs(lanes: [3, 4, 9])) { bed in
            let wish = StreamWish(scope: .session(1))
            let first = try await bed.open(wish)
            try await first.parts("it greets") { !$0.isEmpty }
            for lane in [3, 9, 3, 4, 4, 9, 3, 3] as [Int64] { bed.commit([lane]) }
            let events = try await first.events(8)
            for (index, event) in events.enumerated() {
                let cursor = try #require(StreamCursor(event.id ?? ""))
                var resumed = wish
                resumed.start = .cursor(cursor)
                let again = try await bed.open(resumed)
                let rest = try await again.events(events.count - index - 1)
                #expect(
                    Set(rest.map(\.data)) == Set(events[(index + 1)...].map(\.data)),
                    "behind \(cursor.text)"
                )
            }
        }
    }

    @Test(
        "what another node or another installation cannot know resets: reason, state, then events"
    )
    func reset() async throws {
        let logs = MemoryLogs()
        logs.state.withLock { state in
            for run in 1...120 as ClosedRange<Int64> {
                let status: RunStatus = run == 5 ? .failed : .running
                state.runs[run] = RunSummary(id: RunID(run), lane: 1, status: status)
            }
        }
        try await HubBed.with(logs) { bed in
            for _ in 0..<10 { bed.commit([1]) }
            logs.state.withLock { $0.floors[1] = 4 }
            let cases = [
                ("99999999:1.3", "epoch"), ("00000001:1.b", "ahead"), ("00000001:1.3", "expired"),
            ]
            for (text, reason) in cases {
                let cursor = try #require(StreamCursor(text))
                let stream = try await bed.open(
                    StreamWish(scope: .lanes([1]), start: .cursor(cursor))
                )
                let parts = try await stream.parts("the state is complete") {
                    $0.last?.name == "snapshot-end"
                }
                #expect(parts[0].data["recovered"] == false)
                #expect(parts[0].id == nil)
                #expect(parts[1].data["reason"] == .string(reason))
                #expect(parts.count { $0.name == "snapshot" } == 119)
                #expect(parts.last?.cursor == "00000001:1.a")
            }
            let stream = try await bed.open(StreamWish(scope: .lanes([1]), start: .beginning))
            expectWhole(try await stream.events(6), from: 5)
        }
    }

    @Test("commits this node did not make are read once their notice, or none at all, comes")
    func remote() async throws {
        try await HubBed.with { bed in
            let stream = try await bed.open()
            try await stream.parts("it greets") { !$0.isEmpty }
            // Nobody tells the hub of these two.
            bed.logs.commit([(1, HubBed.event()), (1, HubBed.event())])
            // The next commit shows that something is missing.
            bed.commit([1])
            expectWhole(try await stream.events(3))
            bed.logs.commit([(1, HubBed.event())])
            // No notice comes either: the hub looks by itself.
            expectWhole(try await stream.events(4))
        }
    }

    @Test(
        "a lane that somebody follows by itself first is new to who follows everything or its session"
    )
    func laneOfItsOwn() async throws {
        try await HubBed.with { bed in
            let all = try await bed.open(StreamWish(scope: .everything))
            let session = try await bed.open(StreamWish(scope: .session(1)))
            bed.logs.state.withLock { state in
                state.sessions[1]?.append(2)
                state.lines[2] = []
                // Otherwise the look that comes every few seconds would find it.
                state.hidesLanes = true
            }
            let own = try await bed.open(StreamWish(scope: .lanes([2])))
            bed.commit([2])
            for stream in [own, all, session] {
                let events = try await stream.events(1)
                #expect(events.map(\.lane) == [2])
            }
        }
    }

    @Test("a lane made later joins the session's stream from its first event")
    func newLane() async throws {
        try await HubBed.with { bed in
            let stream = try await bed.open(StreamWish(scope: .session(1)))
            let other = try await bed.open(StreamWish(scope: .everything))
            try await stream.parts("it greets") { !$0.isEmpty }
            bed.commit([1])
            bed.logs.state.withLock { state in
                state.sessions[1] = [1, 2]
                state.sessions[7] = [8]
            }
            bed.logs.commit([(2, HubBed.event()), (2, HubBed.event())])
            for lane in [2, 1, 8, 2] as [Int64] { bed.commit([lane]) }
            let events = try await stream.events(6)
            expectWhole(events)
            #expect(events.count { $0.lane == 2 } == 4)
            expectWhole(try await other.events(7))
            #expect(stream.events.count == 6)
        }
    }

    @Test("a lane that joins with many events is read once, not once for each who follows it")
    func longNewLane() async throws {
        try await HubBed.with { bed in
            var streams: [HubStream] = []
            for _ in 0..<16 {
                streams.append(try await bed.open(StreamWish(scope: .session(1))))
            }
            for stream in streams { try await stream.parts("it greets") { !$0.isEmpty } }
            bed.logs.state.withLock { $0.sessions[1] = [1, 2] }
            for _ in 0..<4_000 { bed.logs.commit([(2, HubBed.event())]) }
            bed.commit([2])
            for stream in streams { expectWhole(try await stream.events(4_001)) }
            // Pages have 400 events.
            let pages = bed.logs.state.withLock(\.pages)
            #expect(pages < 40, "\(pages) pages were read")
        }
    }

    @Test("a run's stream gives its events and ends with its status, wherever it is opened")
    func runEnds() async throws {
        let logs = MemoryLogs()
        let run = RunID(5)
        logs.state.withLock {
            $0.runs[5] = RunSummary(id: run, lane: 1, status: .queued)
        }
        try await HubBed.with(logs) { bed in
            let wish = StreamWish(
                scope: .lanes([]),
                run: 5,
                filter: EventFilter(runs: [5])
            )
            let early = try await bed.open(wish)
            try await early.parts("it greets") { !$0.isEmpty }
            bed.commit([1])
            bed.hub.committed(logs.commit([(1, HubBed.event(.runStarted, run: 5))]))
            bed.commit([1])
            logs.state.withLock { state in
                state.runs[5]?.status = .failed
                state.runs[5]?.firstSequence = 2
                state.runs[5]?.lastSequence = 4
            }
            bed.hub.committed(logs.commit([(1, HubBed.event(.runFailed, run: 5))]))
            let late = try await bed.open(wish)
            for stream in [early, late] {
                try await eventually("the stream ends") { stream.stream.isOver }
                #expect(stream.events.map(\.sequence) == [2, 4])
                #expect(stream.parts.last?.name == "end")
                #expect(stream.parts.last?.data["status"] == "failed")
            }
        }
    }

    @Test("a run's stream ends with its last event also where the filter wants another kind")
    func endsFiltered() async throws {
        let logs = MemoryLogs()
        // The database tells of no end in this test: only the event does.
        logs.state.withLock { $0.runs[5] = RunSummary(id: RunID(5), lane: 1, status: .queued) }
        try await HubBed.with(logs) { bed in
            var filter = EventFilter(runs: [5])
            filter.kinds = try EventFilter.kinds(["step.*"]).get()
            var wish = StreamWish(scope: .lanes([]), run: 5, filter: filter)
            let live = try await bed.open(wish)
            try await live.parts("it greets") { !$0.isEmpty }
            bed.hub.committed(logs.commit([(1, HubBed.event(.stepOutput, run: 5))]))
            bed.hub.committed(logs.commit([(1, HubBed.event(.runFailed, run: 5))]))
            // As the commit of its first event says it.
            logs.state.withLock { $0.runs[5]?.firstSequence = 1 }
            wish.start = .beginning
            let stored = try await bed.open(wish)
            for stream in [live, stored] {
                try await eventually("the stream ends") { stream.stream.isOver }
                #expect(stream.events.map(\.sequence) == [1])
                #expect(stream.parts.last?.data["status"] == "failed")
            }
        }
    }

    @Test("a run that ended without an event ends its streams all the same")
    func endsSilently() async throws {
        let logs = MemoryLogs()
        logs.state.withLock {
            $0.runs[5] = RunSummary(id: RunID(5), lane: 1, status: .queued)
        }
        try await HubBed.with(logs) { bed in
            let wish = StreamWish(scope: .lanes([]), run: 5, filter: EventFilter(runs: [5]))
            let stream = try await bed.open(wish)
            try await stream.parts("it greets") { !$0.isEmpty }
            logs.state.withLock { $0.runs[5]?.status = .cancelled }
            try await eventually("the stream ends") { stream.stream.isOver }
            #expect(stream.parts.last?.data["status"] == "cancelled")
        }
    }

    @Test("a filtered stream tells how far it is by bookmarks, and a bookmark resumes")
    func bookmarks() async throws {
        try await HubBed.with { bed in
            var filter = EventFilter()
            filter.kinds = try EventFilter.kinds(["run.*"]).get()
            let stream = try await bed.open(StreamWish(scope: .lanes([1]), filter: filter))
            try await stream.parts("it greets") { !$0.isEmpty }
            for _ in 0..<2_500 { bed.commit([1]) }
            let parts = try await stream.parts("the last bookmark comes") {
                $0.last?.cursor == "00000001:1.1xg"
            }
            #expect(parts.allSatisfy { $0.name == "hello" || $0.name == "bookmark" })
            let cursor = try #require(StreamCursor(stream.cursor ?? ""))
            let again = try await bed.open(
                StreamWish(scope: .lanes([1]), filter: filter, start: .cursor(cursor))
            )
            bed.hub.committed(bed.logs.commit([(1, HubBed.event(.runStarted))]))
            #expect(try await again.events(1).map(\.sequence) == [2_501])
            #expect(try await stream.events(1).map(\.sequence) == [2_501])
        }
    }

    @Test(
        "seats are bounded per token, tenant and node; a refused one costs nobody his, and a freed one counts"
    )
    func caps() async throws {
        var caps = StreamCaps()
        caps.perTokenMax = 2
        caps.perTenantMax = 3
        caps.totalMax = 4
        try await HubBed.with(caps: caps) { bed in
            func open(_ token: String, _ tenant: String) async throws -> HubStream {
                try await bed.open(
                    StreamWish(scope: .lanes([1]), token: token, tenant: tenant)
                )
            }
            func expectFull(_ token: String, _ tenant: String) async {
                let problem = await #expect(throws: Problem.self) {
                    _ = try await open(token, tenant)
                }
                #expect(problem?.code == .overloaded)
                #expect(problem?.fields[.retryAfter] != nil)
            }
            let one = try await open("a", "x")
            var others = [try await open("a", "x")]
            await expectFull("a", "x")
            others.append(try await open("b", "x"))
            await expectFull("c", "x")
            others.append(try await open("d", "y"))
            await expectFull("e", "z")
            for stream in [one] + others {
                try await stream.parts("it greets") { !$0.isEmpty }
            }
            await one.stream.cut()
            try await eventually("the seat is free") { bed.hub.seats.count == 3 }
            _ = try await open("a", "x")
            #expect(others.allSatisfy { !$0.stream.isOver })
        }
    }

    @Test("a node that goes away says where to go on, and lets nobody in any more")
    func drain() async throws {
        try await HubBed.with { bed in
            let stream = try await bed.open()
            let single = try await bed.open()
            bed.commit([1])
            _ = try await stream.events(1)
            _ = try await single.events(1)
            single.stream.drain()
            try await eventually("the drained one ends") { single.stream.isOver }
            #expect(!stream.stream.isOver)
            await bed.hub.drain()
            try await eventually("the other ends") { stream.stream.isOver }
            for part in [stream.parts.last, single.parts.last] {
                #expect(part?.name == "bye")
                #expect(part?.cursor == "00000001:1.1")
                #expect((500...5_000).contains(part?.data["retry_ms"]?.integerValue ?? 0))
            }
            let problem = await #expect(throws: Problem.self) { _ = try await bed.open() }
            #expect(problem?.code == .draining)
        }
    }
}
