// One subscriber: follows a session over one stream after the other, and audits what it gets.

import Glibc
import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import Synchronization

/// A subscriber. What its reader does on an event loop is under its lock.
final class Subscriber: Sendable {
    /// What the load wants of it.
    struct Wish: Sendable {
        /// Takes nothing for so long after each piece; 0 is as fast as it can.
        var pauseMilliseconds = 0
        /// Whether its streams are to go on.
        var isOn = true
    }

    private struct State {
        var audit = LaneAudit()
        var epoch: String?
        /// What paths call its session.
        var sessionID = ""
        var wish = Wish()
        var reader: NIOLoopBound<StreamReader>?
        var isGreeted = false
    }

    let session: String
    /// Whether it is one of those that are slow in the mixed phase.
    let isSlow: Bool
    private let target: Target
    private let client: HTTP2Client
    private let form: StreamForm
    let ledger: Ledger
    private let state = Mutex(State())

    init(
        session: String,
        isSlow: Bool,
        target: Target,
        client: HTTP2Client,
        form: StreamForm,
        ledger: Ledger
    ) {
        self.session = session
        self.isSlow = isSlow
        self.target = target
        self.client = client
        self.form = form
        self.ledger = ledger
    }

    /// Whether the server has greeted it.
    var isGreeted: Bool { self.state.withLock(\.isGreeted) }
    var audit: LaneAudit { self.state.withLock(\.audit) }
    var wish: Wish {
        get { self.state.withLock(\.wish) }
        set { self.state.withLock { $0.wish = newValue } }
    }

    /// Opens its first stream.
    func open(sessionID: String) {
        self.state.withLock { $0.sessionID = sessionID }
        self.open()
    }

    /// Opens a stream; where it has been before it goes on.
    func open() {
        let (cursor, session) = self.state.withLock { state in
            (state.epoch.map { state.audit.cursor(epoch: $0) }, state.sessionID)
        }
        var path = "/v1/sessions/\(session)/events?mode=park"
        if let cursor { path += "&from=\(cursor)" }
        let request = self.target.request(.get, path, [.accept: self.form.accept])
        self.client.open(
            request,
            receiver: { stream in
                let reader = StreamReader(self, stream, FrameCutter(self.form))
                let bound = NIOLoopBound(reader, eventLoop: stream.eventLoop)
                self.state.withLock { $0.reader = bound }
                return reader
            }
        )
    }

    /// Cuts its stream off in the middle of whatever it is doing; it comes back at once.
    func cut() { self.onReader { $0.cut() } }

    /// Ends its stream for good.
    func close() {
        self.state.withLock { $0.wish.isOn = false }
        self.onReader { $0.cut() }
    }

    /// Reads on, however long it wanted to wait.
    func hurry() {
        self.state.withLock { $0.wish.pauseMilliseconds = 0 }
        self.onReader { $0.readOn() }
    }

    private func onReader(_ body: @escaping @Sendable (StreamReader) -> Void) {
        guard let reader = self.state.withLock(\.reader) else { return }
        reader.eventLoop.execute { body(reader.value) }
    }

    /// Takes what came of an open stream.
    func take(_ frames: inout FrameCutter, _ bytes: UnsafeRawBufferPointer) throws(LoadError) {
        let now = Self.wallMilliseconds
        var latencies: [Int64] = []
        var others: [(name: String, json: JSONValue?)] = []
        var isOdd = false
        var day = EventHead.Day()
        let result: Result<Void, LoadError> = self.state.withLock { state in
            do throws(LoadError) {
                try frames.take(bytes) { frame in
                    switch frame {
                    case .event(let json):
                        guard let head = EventHead(json, day: &day) else {
                            isOdd = true
                            return
                        }
                        state.audit.take(lane: head.lane, sequence: head.sequence)
                        latencies.append(now - head.atMilliseconds)
                    case .other(let name, let json):
                        let value = try? JSONValue(parsing: json)
                        // Events behind it in this very piece count from here.
                        if name == "hello" { Self.greet(&state, value) }
                        others.append((name, value))
                    }
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        if isOdd { self.ledger.fault("an event could not be read") }
        if !latencies.isEmpty { self.ledger.record(latencies, isSlow: self.isSlow) }
        for other in others { self.note(other.name, other.json) }
        try result.get()
    }

    private static func greet(_ state: inout State, _ hello: JSONValue?) {
        state.isGreeted = true
        guard state.epoch == nil, let from = hello?["from"]?.stringValue,
            let cursor = LaneAudit.positions(cursor: from)
        else { return }
        state.epoch = cursor.epoch
        state.audit = LaneAudit(cursor.1)
    }

    private func note(_ name: String, _ json: JSONValue?) {
        switch name {
        case "hello":
            if json?["recovered"]?.boolValue == false {
                self.ledger.fault("a stream went on with something lost")
            }
        case "reset": self.ledger.fault("reset: \(json?["reason"]?.stringValue ?? "")")
        case "gap": self.ledger.fault("a gap although slow readers are parked")
        case "end", "bye", "bookmark", "heartbeat", "snapshot", "snapshot-end":
            self.ledger.count(name)
        default: self.ledger.fault("a frame '\(name)' that nobody knows")
        }
    }

    private static var wallMilliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }
}
