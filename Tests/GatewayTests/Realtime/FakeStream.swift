// Decides how a subscriber's body is pulled in tests: by a transport whose window the test opens and shuts.

import HTTP2
import HTTPTypes
import NIOCore
import NIOPosix
import PulserIR
import Synchronization

@testable import Gateway

/// One frame of a stream as its reader sees it.
struct StreamPart: Sendable, Hashable {
    /// `event` for events of a log, else the frame's name.
    var name: String
    /// The id of server-sent events.
    var id: String?
    /// Its JSON.
    var text: [UInt8]

    var data: JSONValue { (try? JSONValue(parsing: self.text)) ?? .null }
    var cursor: String? { self.data["cursor"]?.stringValue }

    /// `{"lane":7,"seq":12,…`, read without parsing: tests look at very many.
    var lane: Int64 { self.number(after: 8) }
    var sequence: Int64 {
        guard let comma = self.text.firstIndex(of: UInt8(ascii: ",")) else { return 0 }
        return self.number(after: comma + 7)
    }

    private func number(after start: Int) -> Int64 {
        var number: Int64 = 0
        for byte in self.text.dropFirst(start) {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return number
    }
}

extension JSONValue {
    var integerValue: Int64? {
        if case .integer(let number) = self { return number }
        return nil
    }
}

/// Pulls a body like a connection does: up to a frame at a time, while the window is open.
//
// SAFETY: everything but `init` and what is behind the lock happens on the event loop.
final class FakeStream: BodyStream, @unchecked Sendable {
    static let frameBytes = 16_384

    let eventLoop: any EventLoop
    var windowBytes: Int
    private var body: (any PulledBody)?
    private var isPumpScheduled = false
    private var out = ByteBuffer()
    private let taken: Mutex<StreamParser>
    private let over = Mutex(false)

    init(_ eventLoop: any EventLoop, format: StreamFormat, window: Int = .max) {
        self.eventLoop = eventLoop
        self.taken = Mutex(StreamParser(format: format))
        self.windowBytes = window
    }

    func begin(_ make: @escaping @Sendable (any BodyStream) -> any PulledBody) {
        self.eventLoop.execute {
            self.body = make(self)
            self.pump()
        }
    }

    func resume() {
        guard !self.isPumpScheduled else { return }
        self.isPumpScheduled = true
        self.eventLoop.execute {
            self.isPumpScheduled = false
            self.pump()
        }
    }

    /// Opens the window by so many bytes.
    func open(_ bytes: Int) {
        self.eventLoop.execute {
            self.windowBytes = bytes == .max ? .max : self.windowBytes + bytes
            self.pump()
        }
    }

    /// The node says that the connection is going away.
    func drain() { self.eventLoop.execute { (self.body as? Subscriber)?.draining() } }

    /// The peer is gone from one moment to the next; returns when the body knows.
    func cut() async {
        try? await self.eventLoop.submit { self.end(HTTP2Error(.connectionLost, "cut")) }.get()
    }

    /// Everything received up to now that is complete.
    var parts: [StreamPart] { self.taken.withLock { $0.parts } }
    /// How many events of logs that is.
    var eventCount: Int { self.taken.withLock { $0.eventCount } }
    /// The bytes of all that was received.
    var byteCount: Int { self.taken.withLock { $0.byteCount } }
    /// Whether the body has ended by itself.
    var isOver: Bool { self.over.withLock { $0 } }

    private func end(_ error: HTTP2Error?) {
        let body = self.body
        self.body = nil
        body?.closed(error)
    }

    private func pump() {
        while let body = self.body, self.windowBytes > 0 {
            self.out.clear()
            switch body.pull(upTo: min(Self.frameBytes, self.windowBytes), into: &self.out) {
            case .appended: self.take(self.out)
            case .chunk(let piece): self.take(piece)
            case .wait: return
            case .end:
                self.over.withLock { $0 = true }
                self.end(nil)
            case .abort: self.end(HTTP2Error(.streamReset, "aborted"))
            }
        }
    }

    private func take(_ bytes: ByteBuffer) {
        if self.windowBytes != .max { self.windowBytes -= bytes.readableBytes }
        self.taken.withLock { $0.feed(bytes.readableBytesView) }
    }
}

/// Reads what a stream gives, piece by piece.
struct StreamParser: Sendable {
    private static let names = [
        "", "event", "hello", "reset", "snapshot", "snapshot-end", "gap", "bookmark", "heartbeat",
        "end", "bye",
    ]

    let format: StreamFormat
    private(set) var parts: [StreamPart] = []
    private(set) var eventCount = 0
    private(set) var byteCount = 0
    private var rest: [UInt8] = []
    private var name = "event"
    private var id: String?
    private var data: [UInt8] = []

    init(format: StreamFormat) { self.format = format }

    static func read(_ bytes: [UInt8], _ format: StreamFormat) -> [StreamPart] {
        var parser = StreamParser(format: format)
        parser.feed(bytes)
        return parser.parts
    }

    mutating func feed(_ bytes: some Collection<UInt8>) {
        self.byteCount += bytes.count
        self.rest += bytes
        var left = self.rest[...]
        if self.format == .binary {
            self.readFrames(&left)
        } else {
            while let end = left.firstIndex(of: UInt8(ascii: "\n")) {
                self.read(left[left.startIndex..<end])
                left = left[(end + 1)...]
            }
        }
        self.rest = Array(left)
    }

    private mutating func add(_ part: StreamPart) {
        self.parts.append(part)
        if part.name == "event" { self.eventCount += 1 }
    }

    private mutating func read(_ line: ArraySlice<UInt8>) {
        if self.format == .lines {
            let value = (try? JSONValue(parsing: Array(line))) ?? .null
            return self.add(
                StreamPart(name: value["frame"]?.stringValue ?? "event", text: Array(line))
            )
        }
        // Only blocks that their empty line ended count, as in a browser.
        if line.isEmpty {
            if !self.data.isEmpty {
                self.add(StreamPart(name: self.name, id: self.id, text: self.data))
            } else if let id = self.id {
                self.add(StreamPart(name: "id", id: id, text: []))
            }
            self.name = "event"
            self.id = nil
            self.data = []
        } else if line.starts(with: "data: ".utf8) {
            self.data = Array(line.dropFirst(6))
        } else if line.starts(with: "event: ".utf8) {
            self.name = String(decoding: line.dropFirst(7), as: UTF8.self)
        } else if line.starts(with: "id: ".utf8) {
            self.id = String(decoding: line.dropFirst(4), as: UTF8.self)
        }
    }

    private mutating func readFrames(_ left: inout ArraySlice<UInt8>) {
        while left.count >= 5 {
            let length = left.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard left.count >= 4 + length else { break }
            let frame = left.dropFirst(4).prefix(length)
            let name = Self.names[Int(frame.first ?? 0)]
            self.add(StreamPart(name: name, text: Array(frame.dropFirst())))
            left = left.dropFirst(4 + length)
        }
    }
}
