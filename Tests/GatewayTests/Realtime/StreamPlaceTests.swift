// Decides that a reader's place is never a lie: ids, order, lanes that come, sessions that go.

import PulserIR
import StateMachines
import Store
import Synchronization
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(Sanitized.minutes(2))))
struct StreamPlaceTests {
    @Test("who catches up lane by lane is told ids that name exactly what it was given")
    func catchingUp() async throws {
        try await HubBed.with(MemoryLogs(lanes: [1, 2])) { bed in
            let witness = try await bed.open(StreamWish(scope: .session(1), start: .beginning))
            try await witness.parts("it greets") { !$0.isEmpty }
            // More than the ring holds, so that the first lane is read far beyond its beginning.
            let rounds = SlowReaderTests.many / 64
            for _ in 0..<rounds {
                bed.commit(Array(repeating: 1, count: 32) + Array(repeating: 2, count: 32))
            }
            _ = try await witness.events(rounds * 64)
            let late = try await bed.open(StreamWish(scope: .session(1), start: .beginning))
            let events = try await late.events(rounds * 64)
            expectWhole(events)
            var given = LanePositions()
            for event in events {
                given[event.lane] = event.sequence
                let cursor = StreamCursor(event.id ?? "")
                guard cursor?.positions == given else {
                    Issue.record("\(event.id ?? "no id") behind \(given)")
                    return
                }
            }
        }
    }

    @Test("large and small events keep their order in every form", arguments: StreamFormat.allCases)
    func order(format: StreamFormat) async throws {
        try await HubBed.with { bed in
            let stream = try await bed.open(StreamWish(scope: .lanes([1]), format: format))
            try await stream.parts("it greets") { !$0.isEmpty }
            let events = (0..<2_000).map { number -> (lane: Int64, event: RunEvent) in
                let text = String(repeating: "x", count: number % 3 == 0 ? 900 : 3)
                let event = RunEvent(
                    .stepOutput,
                    at: 0,
                    run: RunID(1),
                    step: "s",
                    attempt: 1,
                    data: .object(["line": .string(text), "stream": .string("stdout")])
                )
                return (lane: 1, event: event)
            }
            bed.hub.committed(bed.logs.commit(events))
            expectWhole(try await stream.events(2_000))
        }
    }

    @Test("the stream of a session without lanes hears of its first one")
    func firstLane() async throws {
        try await HubBed.with(MemoryLogs(lanes: [])) { bed in
            let stream = try await bed.open(StreamWish(scope: .session(1)))
            try await stream.parts("it greets") { !$0.isEmpty }
            bed.logs.state.withLock { $0.sessions[1] = [5] }
            for _ in 0..<3 { bed.commit([5]) }
            expectWhole(try await stream.events(3))
        }
    }

    @Test(
        "a lane that joins is no reason to send a fast reader away, nor to leave anything out",
        arguments: [SubscriptionMachine.Mode.close, .drop, .conflate]
    )
    func joining(mode: SubscriptionMachine.Mode) async throws {
        try await HubBed.with { bed in
            let stream = try await bed.open(StreamWish(scope: .session(1), mode: mode))
            try await stream.parts("it greets") { !$0.isEmpty }
            bed.commit([1])
            _ = try await stream.events(1)
            bed.logs.state.withLock { $0.sessions[1] = [1, 2] }
            bed.commit([2, 2])
            bed.commit([1])
            expectWhole(try await stream.events(4))
            #expect(!stream.stream.isOver)
            #expect(stream.parts.allSatisfy { ["hello", "event", "bookmark"].contains($0.name) })
        }
    }

    @Test("a session that is gone does not hide from others that their run has ended")
    func goneSession() async throws {
        let logs = MemoryLogs()
        logs.state.withLock { state in
            for session in 7...20 as ClosedRange<Int64> { state.sessions[session] = [] }
            state.runs[5] = RunSummary(id: RunID(5), lane: 1, status: .queued)
        }
        try await HubBed.with(logs) { bed in
            var others: [HubStream] = []
            for session in 7...20 as ClosedRange<Int64> {
                others.append(try await bed.open(StreamWish(scope: .session(session))))
            }
            let wish = StreamWish(scope: .lanes([]), run: 5, filter: EventFilter(runs: [5]))
            let stream = try await bed.open(wish)
            try await stream.parts("it greets") { !$0.isEmpty }
            logs.state.withLock { state in
                for session in 7...20 as ClosedRange<Int64> { state.sessions[session] = nil }
                state.runs[5]?.status = .cancelled
            }
            try await eventually("the stream ends") { stream.stream.isOver }
            #expect(others.allSatisfy { !$0.stream.isOver })
        }
    }
}
