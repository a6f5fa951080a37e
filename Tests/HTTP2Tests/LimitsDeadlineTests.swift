// When a connection has taken too long: time goes in as a value, what is to be done comes out.

import NIOCore
import Testing

@testable import HTTP2

@Suite("Deadlines")
struct LimitsDeadlineTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private static func after(_ seconds: Double) -> NIODeadline {
        Self.start + .nanoseconds(Int64(seconds * 1e9))
    }

    /// A connection whose settings were exchanged at once.
    private static func settled(
        _ limits: ConnectionLimits = ConnectionLimits()
    ) -> HTTP2DeadlineMachine {
        var machine = HTTP2DeadlineMachine(limits, at: Self.start)
        machine.settings(isAck: false)
        machine.settings(isAck: true)
        return machine
    }

    @Test("SETTINGS are to come within 5 s, their acknowledgement within 10 s")
    func settings() {
        var machine = HTTP2DeadlineMachine(ConnectionLimits(), at: Self.start)
        #expect(machine.check(isIdle: true, at: Self.after(4.9)) == nil)
        let late = machine.check(isIdle: true, at: Self.after(5.1))
        #expect(late == .close(.prefaceTimeout, StreamCode.protocolError))
        machine.settings(isAck: false)
        #expect(machine.check(isIdle: true, at: Self.after(9.9)) == nil)
        let unacknowledged = machine.check(isIdle: true, at: Self.after(10.1))
        #expect(unacknowledged == .close(.settingsTimeout, StreamCode.settingsTimeout))
        machine.settings(isAck: true)
        #expect(machine.check(isIdle: true, at: Self.after(10.1)) == nil)
    }

    @Test("a head has 10 s from its first byte, however it drips")
    func head() {
        var machine = Self.settled()
        for second in 1...11 {
            machine.received(isInHead: true, at: Self.after(Double(second)))
        }
        #expect(machine.check(isIdle: false, at: Self.after(11)) == nil)
        let late = machine.check(isIdle: false, at: Self.after(11.1))
        #expect(late == .close(.headerTimeout, StreamCode.calm))
        machine.received(isInHead: false, at: Self.after(11.1))
        #expect(machine.check(isIdle: false, at: Self.after(11.2)) == nil)
    }

    @Test("a connection that nobody needs is retired after 5 min, one in use is not")
    func idle() {
        var limits = ConnectionLimits()
        limits.pingInterval = .seconds(10_000)
        var machine = Self.settled(limits)
        #expect(machine.check(isIdle: true, at: Self.start) == nil)
        #expect(machine.check(isIdle: false, at: Self.after(200)) == nil)
        #expect(machine.check(isIdle: true, at: Self.after(201)) == nil)
        #expect(machine.check(isIdle: true, at: Self.after(500)) == nil)
        #expect(machine.check(isIdle: true, at: Self.after(501.1)) == .retire)
    }

    @Test("a silent peer is asked after 20 s and has 5 s to answer")
    func ping() {
        var machine = Self.settled()
        machine.received(isInHead: false, at: Self.after(10))
        #expect(machine.check(isIdle: false, at: Self.after(29)) == nil)
        #expect(machine.check(isIdle: false, at: Self.after(30.1)) == .ping)
        #expect(machine.check(isIdle: false, at: Self.after(35)) == nil)
        let dead = machine.check(isIdle: false, at: Self.after(35.2))
        #expect(dead == .close(.pingTimeout, StreamCode.none))
        #expect(machine.ponged(at: Self.after(35.3)) == .milliseconds(5_200))
        #expect(machine.ponged(at: Self.after(35.3)) == nil)
    }

    @Test("a PING behind bytes for a slow reader may wait as long as they")
    func pingBehindBytes() {
        var machine = Self.settled()
        machine.sent(at: Self.after(20))
        #expect(machine.check(isIdle: false, at: Self.after(20.1)) == .ping)
        #expect(machine.check(isIdle: false, at: Self.after(79)) == nil)
        let dead = machine.check(isIdle: false, at: Self.after(80.2))
        #expect(dead == .close(.pingTimeout, StreamCode.none))
    }

    @Test("a socket that takes nothing for 60 s is closed")
    func unwritable() {
        var machine = Self.settled()
        machine.writable(false, at: Self.start)
        machine.writable(false, at: Self.after(50))
        #expect(machine.check(isIdle: false, at: Self.after(59)) == nil)
        let stuck = machine.check(isIdle: false, at: Self.after(60.1))
        #expect(stuck == .close(.writeTimeout, StreamCode.none))
        machine.writable(true, at: Self.after(60.1))
        machine.received(isInHead: false, at: Self.after(60.1))
        #expect(machine.check(isIdle: false, at: Self.after(60.2)) == nil)
    }

    @Test("HTTP/1.1: a head has 10 s, an idle connection 5 min, a request 5 min")
    func http1() {
        var machine = HTTP1DeadlineMachine(ConnectionLimits(), at: Self.start)
        #expect(machine.check(at: Self.after(10)) == nil)
        #expect(machine.check(at: Self.after(10.1)) == .headerTimeout)
        machine.headArrived(at: Self.after(10))
        machine.requestEnded()
        #expect(machine.check(at: Self.after(310)) == nil)
        #expect(machine.check(at: Self.after(310.1)) == .requestTimeout)
        machine.answerBegan()
        #expect(machine.check(at: Self.after(10_000)) == nil)
        machine.answered(at: Self.after(10_000))
        #expect(machine.check(at: Self.after(10_300)) == nil)
        #expect(machine.check(at: Self.after(10_300.1)) == .idleTimeout)
        machine.bytesArrived(1, at: Self.after(10_301))
        machine.bytesArrived(1, at: Self.after(10_310))
        #expect(machine.check(at: Self.after(10_311.1)) == .headerTimeout)
    }
}
