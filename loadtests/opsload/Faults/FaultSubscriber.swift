// One subscriber of everything: goes on with its cursor at any node, and keeps what it gets.

import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import Synchronization

/// Follows `/v1/events` from the first event on, over one node after the other.
final class FaultSubscriber: Sendable {
    private struct State {
        var audit = LaneAudit()
        var logs: [Int64: [UInt8]] = [:]
        var epoch: String?
        var reader: NIOLoopBound<FaultStream>?
        /// Counts its streams: what an older one still says is of no interest.
        var streams = 0
        var isOn = true
        var random: SeededNumbers
        var oddities: [String: Int] = [:]
    }

    let name: String
    private let door: ClusterDoor
    private let form: StreamForm
    private let state: Mutex<State>

    init(name: String, door: ClusterDoor, form: StreamForm, seed: UInt64) {
        self.name = name
        self.door = door
        self.form = form
        self.state = Mutex(State(random: SeededNumbers(seed: seed)))
    }

    /// What it had, for the audit.
    var evidence: FaultEvidence.Stream {
        self.state.withLock {
            FaultEvidence.Stream(name: self.name, audit: $0.audit, logs: $0.logs)
        }
    }
    /// Streams it opened.
    var streams: Int { self.state.withLock(\.streams) }
    /// What must not happen and did, beside what the audit finds.
    var oddities: [String: Int] { self.state.withLock(\.oddities) }

    /// Whether it has all events up to these.
    func isComplete(_ ends: [Int64: Int64]) -> Bool {
        self.state.withLock { $0.audit.isComplete(ends) }
    }

    /// Follows until cancelled; every few seconds it leaves its node for another one.
    func run() async {
        self.open()
        while !Task.isCancelled {
            let pause = self.state.withLock { Int.random(in: 2_000...7_000, using: &$0.random) }
            try? await Task.sleep(for: .milliseconds(pause))
            if Task.isCancelled { break }
            self.hop()
        }
        self.state.withLock { $0.isOn = false }
        self.cut()
    }

    /// Opens a stream at some node, behind the last event that it had.
    fileprivate func open() {
        let (index, number, cursor) = self.state.withLock { state in
            state.streams += 1
            let cursor = state.epoch.map { state.audit.cursor(epoch: $0) }
            let index = Int.random(in: self.door.targets.indices, using: &state.random)
            return (index, state.streams, cursor)
        }
        let path = "/v1/events?mode=park&from=\(cursor ?? "start")"
        let request = self.door.targets[index].request(.get, path, [.accept: self.form.accept])
        self.door.clients[index].open(
            request,
            receiver: { stream in
                let reader = FaultStream(self, stream, number, FrameCutter(self.form))
                let bound = NIOLoopBound(reader, eventLoop: stream.eventLoop)
                self.state.withLock { $0.reader = bound }
                return reader
            }
        )
    }

    /// Leaves the stream; it comes back somewhere else at once, whatever the old node does.
    private func hop() {
        self.cut()
        self.open()
    }

    private func cut() {
        guard let reader = self.state.withLock(\.reader) else { return }
        reader.eventLoop.execute { reader.value.cancel() }
    }

    /// A stream ended by itself: another one is opened a little later.
    fileprivate func ended(_ number: Int, on loop: any EventLoop) {
        loop.scheduleTask(in: .milliseconds(200)) {
            let isLast = self.state.withLock { $0.isOn && $0.streams == number }
            if isLast { self.open() }
        }
    }

    fileprivate func note(_ oddity: String) {
        self.state.withLock { $0.oddities[oddity, default: 0] += 1 }
    }

    /// Takes what came of a stream.
    fileprivate func take(
        _ number: Int,
        _ frames: inout FrameCutter,
        _ bytes: UnsafeRawBufferPointer
    ) throws(LoadError) {
        let result: Result<Void, LoadError> = self.state.withLock { state in
            guard state.streams == number else { return .success(()) }
            do throws(LoadError) {
                try frames.take(bytes) { frame in
                    switch frame {
                    case .event(let json): Self.take(json, &state)
                    case .other(let name, let json): Self.take(name, json, &state)
                    }
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private static func take(_ json: UnsafeRawBufferPointer, _ state: inout State) {
        var day = EventHead.Day()
        guard let head = EventHead(json, day: &day),
            let comma = json.firstIndex(of: UInt8(ascii: ","))
        else {
            state.oddities["an event could not be read", default: 0] += 1
            return
        }
        state.audit.take(lane: head.lane, sequence: head.sequence)
        // As it is stored: without its lane.
        state.logs[head.lane, default: []].append(UInt8(ascii: "{"))
        state.logs[head.lane, default: []].append(contentsOf: json[(comma + 1)...])
        state.logs[head.lane, default: []].append(10)
    }

    private static func take(
        _ name: String,
        _ json: UnsafeRawBufferPointer,
        _ state: inout State
    ) {
        switch name {
        case "hello":
            let hello = try? JSONValue(parsing: json)
            if hello?["recovered"]?.boolValue == false {
                state.oddities["a stream went on with something lost", default: 0] += 1
            }
            guard state.epoch == nil, let from = hello?["from"]?.stringValue,
                let cursor = LaneAudit.positions(cursor: from)
            else { return }
            state.epoch = cursor.epoch
        case "reset", "gap": state.oddities["a frame '\(name)'", default: 0] += 1
        default: break
        }
    }
}

/// The receiving end of one stream, on its event loop.
private final class FaultStream: StreamReceiver {
    private let subscriber: FaultSubscriber
    private let stream: any ClientStream
    private let number: Int
    private var cutter: FrameCutter
    private var status = 0
    private var isOver = false

    init(
        _ subscriber: FaultSubscriber,
        _ stream: any ClientStream,
        _ number: Int,
        _ cutter: FrameCutter
    ) {
        self.subscriber = subscriber
        self.stream = stream
        self.number = number
        self.cutter = cutter
    }

    func received(_ head: HTTPResponse) {
        self.status = head.status.code
        // A node that has no database, or leaves, may say so; it may not call the cursor wrong.
        if (400..<500).contains(self.status), self.status != 429 {
            self.subscriber.note("a stream is answered \(self.status)")
        }
    }

    func received(_ bytes: inout ByteBuffer) {
        defer { bytes.moveReaderIndex(forwardBy: bytes.readableBytes) }
        guard self.status == 200, !self.isOver else { return }
        do {
            try bytes.withUnsafeReadableBytes {
                try self.subscriber.take(self.number, &self.cutter, $0)
            }
        } catch {
            self.subscriber.note("\(error)")
            self.cancel()
        }
    }

    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.isOver = true
        self.subscriber.ended(self.number, on: self.stream.eventLoop)
    }

    func cancel() {
        if !self.isOver { self.stream.cancel() }
    }
}
