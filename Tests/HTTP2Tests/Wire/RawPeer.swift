// A peer that sends any bytes and keeps a record of every frame it gets.

import NIOCore
import NIOHPACK

/// What came on one stream.
struct StreamRecord: Sendable {
    /// Field sections in order: informational ones, the answer's, trailers.
    var sections: [[(name: String, value: String)]] = []
    var body: [UInt8] = []
    var isEnded = false
    var reset: ErrorCode?
    /// What the peer's WINDOW_UPDATE frames add up to.
    var credit = 0
    /// Bytes of DATA payload sent by ``RawPeer/sendBody(_:_:end:padding:)``.
    var sent = 0
    /// The first byte of the last field block.
    var firstByte: UInt8?

    var statuses: [String] {
        self.sections.compactMap { $0.first { $0.name == ":status" }?.value }
    }
}

/// One end of an HTTP/2 connection, on a blocking socket. Confined to one thread.
///
/// Its HPACK decoder is swift-nio-http2's, its frames are its own: nothing is shared with nghttp2.
final class RawPeer {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    let socket: RawSocket
    /// What the peer's SETTINGS frames said.
    private(set) var settings: [UInt16: UInt32] = [:]
    /// What came, by stream.
    private(set) var streams: [UInt32: StreamRecord] = [:]
    /// Frames that came, by type.
    private(set) var tally: [UInt8: Int] = [:]
    /// Acknowledged SETTINGS and PING frames.
    private(set) var settingsAcks = 0
    private(set) var pingAcks: [[UInt8]] = []
    /// WINDOW_UPDATE frames for the connection, added up.
    private(set) var connectionCredit = 0
    /// Bytes of DATA payload sent by ``sendBody(_:_:end:padding:)``.
    private(set) var bodyBytesSent = 0
    /// The last GOAWAY.
    private(set) var goAway: RawFrame?

    private var log: [String] = []
    private var buffer: [UInt8] = []
    private var decoder = HPACKDecoder(
        allocator: ByteBufferAllocator(),
        maxDynamicTableSize: HPACKDecoder.maxDynamicTableSize,
        maxHeaderListSize: 1 << 20
    )
    private var block: (frame: RawFrame, bytes: [UInt8])?

    init(_ socket: RawSocket) { self.socket = socket }

    /// Connects to a server of this machine.
    convenience init(port: Int, receiveBytes: Int32? = nil) throws {
        self.init(try RawSocket(port: port, receiveBytes: receiveBytes))
    }

    // MARK: Sending

    func send(bytes: [UInt8]) throws { try self.socket.write(bytes) }

    func send(_ frames: RawFrame...) throws {
        try self.socket.write(frames.flatMap(\.bytes))
    }

    /// Sends the client's preface; waits for the server's SETTINGS, acknowledges them, and waits
    /// for the acknowledgement of ours.
    func handshake(_ settings: RawFrame = .settings()) throws {
        try self.socket.write(Self.preface + settings.bytes)
        try self.wait(for: "SETTINGS") { $0.tally[RawFrame.Kind.settings] != nil }
        try self.send(.settingsAck)
        try self.wait(for: "the SETTINGS to be acknowledged") { $0.settingsAcks > 0 }
    }

    /// Sends DATA as soon as both windows have room for it.
    func sendBody(
        _ id: UInt32,
        _ bytes: [UInt8],
        end: Bool = false,
        padding: Int? = nil
    ) throws {
        let frame = RawFrame.data(id, bytes, end: end, padding: padding)
        let size = frame.payload.count
        let window = Int(self.settings[Setting.initialWindowSize] ?? 65_535)
        try self.wait(for: "room for \(size) bytes on stream \(id)") { peer in
            if peer.goAway != nil || peer.stream(id).reset != nil {
                throw peer.failure("stream \(id) ended instead of having room")
            }
            return window + peer.stream(id).credit - peer.stream(id).sent >= size
                && 65_535 + peer.connectionCredit - peer.bodyBytesSent >= size
        }
        self.streams[id, default: .init()].sent += size
        self.bodyBytesSent += size
        try self.send(frame)
    }

    /// Takes a client's preface and greets it.
    func handshakeAsServer(_ settings: RawFrame = .settings()) throws {
        let start = try self.bytes(Self.preface.count)
        guard start == Self.preface else { throw WireFailure("no preface came") }
        try self.send(settings, .settingsAck)
        try self.wait(for: "SETTINGS") { $0.tally[RawFrame.Kind.settings] != nil }
    }

    // MARK: Receiving

    /// The record of a stream.
    func stream(_ id: UInt32) -> StreamRecord { self.streams[id] ?? StreamRecord() }

    /// Reads until `condition` holds.
    func wait(for what: String, until condition: (RawPeer) throws -> Bool) throws {
        while try !condition(self) {
            guard try self.nextFrame() != nil else {
                throw self.failure("the connection closed instead of \(what)")
            }
        }
    }

    /// The next frame, recorded.
    ///
    /// - Returns: `nil` when the peer has closed the connection.
    @discardableResult func nextFrame() throws -> RawFrame? {
        let deadline = ContinuousClock.now + RawSocket.patience
        while true {
            if let frame = try self.takeFrame() { return frame }
            guard let bytes = try self.socket.read(until: deadline) else {
                throw self.failure("nothing came")
            }
            if bytes.isEmpty { return nil }
            self.buffer += bytes
        }
    }

    /// Records what has come already, without waiting.
    func drain() throws {
        while let bytes = self.socket.readNow() { self.buffer += bytes }
        while try self.takeFrame() != nil {}
    }

    /// Bytes that are not a frame.
    func bytes(_ count: Int) throws -> [UInt8] {
        let deadline = ContinuousClock.now + RawSocket.patience
        while self.buffer.count < count {
            guard let bytes = try self.socket.read(until: deadline), !bytes.isEmpty else {
                throw self.failure("\(count) bytes did not come")
            }
            self.buffer += bytes
        }
        defer { self.buffer.removeFirst(count) }
        return Array(self.buffer.prefix(count))
    }

    /// A failure that tells what came.
    func failure(_ text: String) -> WireFailure {
        WireFailure(text + "; came: " + self.log.suffix(24).joined(separator: ", "))
    }

    private func takeFrame() throws -> RawFrame? {
        guard self.buffer.count >= 9 else { return nil }
        let head = RawFrame(type: 0, payload: Array(self.buffer.prefix(9)))
        let length = Int(head.number(at: 0, bytes: 3))
        guard self.buffer.count >= 9 + length else { return nil }
        let frame = RawFrame(
            type: self.buffer[3],
            flags: self.buffer[4],
            stream: head.number(at: 5),
            payload: Array(self.buffer[9..<9 + length])
        )
        self.buffer.removeFirst(9 + length)
        try self.record(frame)
        return frame
    }

    private func record(_ frame: RawFrame) throws {
        self.tally[frame.type, default: 0] += 1
        self.log.append(frame.description)
        if self.log.count > 64 { self.log.removeFirst(32) }
        switch frame.type {
        case RawFrame.Kind.data:
            self.streams[frame.stream, default: .init()].body += frame.content
            if frame.endsStream { self.streams[frame.stream]?.isEnded = true }
        case RawFrame.Kind.headers, RawFrame.Kind.continuation: try self.recordFields(frame)
        case RawFrame.Kind.rstStream:
            self.streams[frame.stream, default: .init()].reset = ErrorCode(frame.number(at: 0))
        case RawFrame.Kind.settings: self.recordSettings(frame)
        case RawFrame.Kind.ping:
            if frame.flags & RawFrame.Flag.ack != 0 { self.pingAcks.append(frame.payload) }
        case RawFrame.Kind.goAway: self.goAway = frame
        case RawFrame.Kind.windowUpdate:
            let credit = Int(frame.number(at: 0))
            if frame.stream == 0 {
                self.connectionCredit += credit
            } else {
                self.streams[frame.stream, default: .init()].credit += credit
            }
        default: break
        }
    }

    private func recordSettings(_ frame: RawFrame) {
        if frame.flags & RawFrame.Flag.ack != 0 { self.settingsAcks += 1 }
        for offset in stride(from: 0, to: frame.payload.count, by: 6) {
            let id = UInt16(frame.number(at: offset, bytes: 2))
            self.settings[id] = frame.number(at: offset + 2)
        }
    }

    private func recordFields(_ frame: RawFrame) throws {
        var (first, bytes) = self.block ?? (frame, [])
        bytes += frame.content
        guard frame.endsHeaders else {
            self.block = (first, bytes)
            return
        }
        self.block = nil
        first.flags |= RawFrame.Flag.endHeaders
        var buffer = ByteBuffer(bytes: bytes)
        let fields = try self.decoder.decodeHeaders(from: &buffer)
        let section = fields.map { (name: $0.name, value: $0.value) }
        self.streams[first.stream, default: .init()].sections.append(section)
        self.streams[first.stream]?.firstByte = bytes.first
        if first.endsStream { self.streams[first.stream]?.isEnded = true }
    }
}
