// The client's queue, case by case and in thousands of random histories.

import NIOCore
import TestKit
import Testing

@testable import HTTP2

@Suite("Client queue")
struct ClientQueueTests {
    private typealias Machine = ClientQueueMachine
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private static let refused = HTTP2Error(.refused, "refused", streamCode: 7)
    private static let lost = HTTP2Error(.connectionLost, "lost")
    private static let noServer = HTTP2Error(.connectFailed, "nobody there")

    /// A machine that runs, with a ready connection for `streams` streams.
    private static func ready(
        streams: Int,
        _ change: (inout Machine.Settings) -> Void = { _ in }
    ) -> Machine {
        var settings = Machine.Settings()
        change(&settings)
        var machine = Machine(settings, at: Self.start)
        _ = machine.submit(0, isIdempotent: false, at: Self.start)
        _ = machine.start(at: Self.start)
        _ = machine.connectionReady(1, streamsMax: 1, at: Self.start)
        _ = machine.streamEnded(0, nil, canRepeat: false, at: Self.start, jitter: 0)
        _ = machine.connectionReady(1, streamsMax: streams, at: Self.start)
        return machine
    }

    @Test("requests wait for run(), then for the peer's SETTINGS")
    func beginning() {
        var machine = Machine(Machine.Settings(), at: Self.start)
        #expect(machine.submit(1, isIdempotent: false, at: Self.start) == [])
        #expect(machine.start(at: Self.start) == [.connect(1)])
        #expect(
            machine.connectionReady(1, streamsMax: 10, at: Self.start) == [.start(1, on: 1)]
        )
    }

    @Test("no more streams than the peer allows, whatever waits")
    func streamsMax() {
        var machine = Self.ready(streams: 2)
        #expect(machine.submit(1, isIdempotent: false, at: Self.start) == [.start(1, on: 1)])
        #expect(machine.submit(2, isIdempotent: false, at: Self.start) == [.start(2, on: 1)])
        #expect(machine.submit(3, isIdempotent: false, at: Self.start) == [])
        // The peer changes its mind.
        #expect(machine.connectionReady(1, streamsMax: 3, at: Self.start) == [.start(3, on: 1)])
        #expect(machine.connectionReady(1, streamsMax: 1, at: Self.start) == [])
        #expect(machine.submit(4, isIdempotent: false, at: Self.start) == [])
        for id in 1...2 {
            let next = machine.streamEnded(
                id,
                nil,
                canRepeat: false,
                at: Self.start,
                jitter: 0
            )
            #expect(next == [])
        }
        let last = machine.streamEnded(3, nil, canRepeat: false, at: Self.start, jitter: 0)
        #expect(last == [.start(4, on: 1)])
    }

    @Test("another connection is made when the others are full, up to the maximum")
    func scaling() {
        var machine = Self.ready(streams: 1) { $0.connectionsMax = 2 }
        #expect(machine.submit(1, isIdempotent: false, at: Self.start) == [.start(1, on: 1)])
        #expect(machine.submit(2, isIdempotent: false, at: Self.start) == [.connect(2)])
        #expect(machine.submit(3, isIdempotent: false, at: Self.start) == [])
        #expect(machine.connectionReady(2, streamsMax: 1, at: Self.start) == [.start(2, on: 2)])
        #expect(machine.submit(4, isIdempotent: false, at: Self.start) == [])
    }

    @Test("one request too many is refused, and those that were abandoned make room")
    func queueMax() {
        var machine = Self.ready(streams: 0) { $0.queueMax = 2 }
        #expect(machine.submit(1, isIdempotent: false, at: Self.start) == [])
        #expect(machine.submit(2, isIdempotent: false, at: Self.start) == [])
        let refusal = machine.submit(3, isIdempotent: false, at: Self.start)
        guard case .fail(3, let error)? = refusal.first else {
            Issue.record("a third request was taken")
            return
        }
        #expect(error.code == .overloaded)
        let late = HTTP2Error(.timedOut, "late")
        #expect(machine.abandon(1, late, at: Self.start) == [.fail(1, late)])
        #expect(machine.submit(4, isIdempotent: false, at: Self.start) == [])
        for id in 5..<5_000 {
            _ = machine.abandon(id - 1, late, at: Self.start)
            _ = machine.submit(id, isIdempotent: false, at: Self.start)
        }
        #expect(machine.waiting.count < 100)
    }

    @Test(
        "what is sent again: only what cannot have been acted on, or may be acted on twice",
        arguments: [
            (HTTP2Error(.refused, "", streamCode: 7), false, true),
            (HTTP2Error(.goingAway, ""), false, true),
            (HTTP2Error(.connectionLost, ""), false, false),
            (HTTP2Error(.connectionLost, ""), true, true),
            (HTTP2Error(.streamReset, "", streamCode: 2), false, false),
            (HTTP2Error(.streamReset, "", streamCode: 2), true, true),
            (HTTP2Error(.streamReset, "", streamCode: 8), true, false),
            (HTTP2Error(.streamReset, "", streamCode: 11), true, false),
            (HTTP2Error(.timedOut, ""), true, false),
            (HTTP2Error(.protocolViolation, ""), true, false),
            (HTTP2Error(.cancelled, ""), true, false),
        ] as [(HTTP2Error, Bool, Bool)]
    )
    func repeating(_ error: HTTP2Error, _ isIdempotent: Bool, _ isRepeated: Bool) {
        for canRepeat in [true, false] {
            var machine = Self.ready(streams: 1)
            _ = machine.submit(1, isIdempotent: isIdempotent, at: Self.start)
            let actions = machine.streamEnded(
                1,
                error,
                canRepeat: canRepeat,
                at: Self.start,
                jitter: 0.5
            )
            #expect(actions.contains(.fail(1, error)) == !(isRepeated && canRepeat))
        }
    }

    @Test("attempts are limited and their pauses grow")
    func attempts() {
        var machine = Self.ready(streams: 1)
        var now = Self.start
        #expect(machine.submit(1, isIdempotent: false, at: now) == [.start(1, on: 1)])
        for pause in [TimeAmount.milliseconds(75), .milliseconds(150)] {
            let actions = machine.streamEnded(
                1,
                Self.refused,
                canRepeat: true,
                at: now,
                jitter: 0.5
            )
            #expect(actions == [.wake(now + pause)])
            #expect(machine.wake(at: now + pause - .nanoseconds(1)) == [.wake(now + pause)])
            now = now + pause
            #expect(machine.wake(at: now) == [.start(1, on: 1)])
        }
        let actions = machine.streamEnded(1, Self.refused, canRepeat: true, at: now, jitter: 0.5)
        #expect(actions == [.fail(1, Self.refused)])
    }

    @Test("after GOAWAY a new connection takes what the old one did not")
    func goaway() {
        var machine = Self.ready(streams: 10)
        _ = machine.submit(1, isIdempotent: false, at: Self.start)
        _ = machine.submit(2, isIdempotent: false, at: Self.start)
        #expect(machine.connectionLeaving(1, at: Self.start) == [])
        let gone = HTTP2Error(.goingAway, "going")
        let actions = machine.streamEnded(2, gone, canRepeat: true, at: Self.start, jitter: 0)
        #expect(actions == [.connect(2)])
        #expect(machine.connectionReady(2, streamsMax: 9, at: Self.start) == [.start(2, on: 2)])
        // What the old connection still does may end there; then it is closed.
        let end = machine.streamEnded(1, nil, canRepeat: false, at: Self.start, jitter: 0)
        #expect(end == [.close(1)])
        #expect(machine.connectionClosed(1, at: Self.start, jitter: 0) == [])
    }

    @Test("without a server, requests fail after as many attempts as allowed, with growing pauses")
    func noServer() {
        var machine = Machine(Machine.Settings(), at: Self.start)
        _ = machine.submit(1, isIdempotent: false, at: Self.start)
        #expect(machine.start(at: Self.start) == [.connect(1)])
        var now = Self.start
        for attempt in 1...2 {
            let pause = TimeAmount.milliseconds(50 * Int64(attempt))
            let actions = machine.connectFailed(attempt, Self.noServer, at: now, jitter: 0)
            #expect(actions == [.wake(now + pause)])
            now = now + pause
            #expect(machine.wake(at: now) == [.connect(attempt + 1)])
        }
        let actions = machine.connectFailed(3, Self.noServer, at: now, jitter: 0)
        #expect(actions == [.fail(1, Self.noServer)])
        // A wrong certificate is not tried again.
        let wrong = HTTP2Error(.certificate, "wrong")
        _ = machine.submit(2, isIdempotent: false, at: now)
        now = now + .seconds(10)
        #expect(machine.wake(at: now) == [.connect(4)])
        #expect(machine.connectFailed(4, wrong, at: now, jitter: 0) == [.fail(2, wrong)])
    }

    @Test("a caller that goes away has its stream reset, and its place is free when that is done")
    func abandoning() {
        var machine = Self.ready(streams: 1)
        let late = HTTP2Error(.timedOut, "late")
        _ = machine.submit(1, isIdempotent: true, at: Self.start)
        _ = machine.submit(2, isIdempotent: false, at: Self.start)
        #expect(machine.abandon(1, late, at: Self.start) == [.cancel(1, on: 1), .fail(1, late)])
        #expect(machine.abandon(1, late, at: Self.start) == [])
        let end = machine.streamEnded(1, Self.lost, canRepeat: true, at: Self.start, jitter: 0)
        #expect(end == [.start(2, on: 1)])
    }

    @Test("the end: what waits fails, what is on its way may end, then nothing is left")
    func stopping() {
        var machine = Self.ready(streams: 1)
        _ = machine.submit(1, isIdempotent: false, at: Self.start)
        _ = machine.submit(2, isIdempotent: false, at: Self.start)
        let gone = HTTP2Error(.cancelled, "the client was ended")
        #expect(machine.stop(at: Self.start) == [.fail(2, gone)])
        #expect(machine.submit(3, isIdempotent: false, at: Self.start) == [.fail(3, gone)])
        let end = machine.streamEnded(1, nil, canRepeat: false, at: Self.start, jitter: 0)
        #expect(end == [.close(1)])
        #expect(machine.connectionClosed(1, at: Self.start, jitter: 0) == [.ended])
    }

    @Test("in random histories every request ends once, within limits, and the end comes")
    func histories() {
        for seed in UInt64(1)...2_000 {
            var history = ClientQueueHistory(seed: seed)
            history.run()
            #expect(history.violations == [], "seed \(seed)")
            guard history.violations.isEmpty else { return }
        }
    }
}
