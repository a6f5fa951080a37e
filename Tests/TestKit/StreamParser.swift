// How tests read an event stream: the frames of its three forms, wherever the network cut them.

import Glibc
public import PulserIR

/// One frame of a stream as its reader sees it.
public struct StreamPart: Sendable, Hashable {
    /// `event` for events of a log, else the frame's name.
    public var name: String
    /// The id of server-sent events.
    public var id: String?
    /// Its JSON.
    public var text: [UInt8]

    /// Its JSON, parsed; null when it is none.
    public var data: JSONValue { (try? JSONValue(parsing: self.text)) ?? .null }
    /// The cursor that it tells.
    public var cursor: String? { self.data["cursor"]?.stringValue }

    /// `{"lane":7,"seq":12,…`, read without parsing: tests look at very many.
    public var lane: Int64 { self.number(after: 8) }
    /// The event's number in its lane.
    public var sequence: Int64 {
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

/// Reads what a stream gives, piece by piece.
public struct StreamParser: Sendable {
    /// The forms of a stream, by what `Accept` calls them.
    public enum Form: String, Sendable, CaseIterable {
        case serverSentEvents = "text/event-stream"
        case lines = "application/x-ndjson"
        case binary = "application/x-opsroom-frames"
    }

    private static let names = [
        "", "event", "hello", "reset", "snapshot", "snapshot-end", "gap", "bookmark", "heartbeat",
        "end", "bye",
    ]

    /// What is read.
    public let form: Form
    /// The frames that are complete.
    public private(set) var parts: [StreamPart] = []
    /// How many of them are events of logs.
    public private(set) var eventCount = 0
    /// The bytes of all that was fed.
    public private(set) var byteCount = 0
    private var rest: [UInt8] = []
    private var name = "event"
    private var id: String?
    private var data: [UInt8] = []

    /// Reads this form.
    public init(_ form: Form) { self.form = form }

    /// Reads a whole stream.
    public static func read(_ bytes: [UInt8], _ form: Form) -> [StreamPart] {
        var parser = StreamParser(form)
        parser.feed(bytes)
        return parser.parts
    }

    /// Takes a piece.
    public mutating func feed(_ bytes: some Collection<UInt8>) {
        self.byteCount += bytes.count
        let all = self.rest + bytes
        var left = all[...]
        if self.form == .binary {
            self.readFrames(&left)
        } else {
            while let end = Self.newline(all, from: left.startIndex) {
                self.read(left[..<end])
                left = left[(end + 1)...]
            }
        }
        self.rest = Array(left)
    }

    /// Not `firstIndex`: unoptimised code takes long for it, and tests read millions of bytes.
    private static func newline(_ bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { buffer in
            guard start < buffer.count, let base = buffer.baseAddress,
                let found = memchr(base + start, 10, buffer.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// Gives the frames that are complete, once.
    public mutating func take() -> [StreamPart] {
        defer { self.parts.removeAll() }
        return self.parts
    }

    private mutating func add(_ part: StreamPart) {
        self.parts.append(part)
        if part.name == "event" { self.eventCount += 1 }
    }

    private mutating func read(_ line: ArraySlice<UInt8>) {
        if self.form == .lines {
            // Most are, and they are not parsed.
            if line.starts(with: #"{"lane":"#.utf8) {
                return self.add(StreamPart(name: "event", text: Array(line)))
            }
            let value = (try? JSONValue(parsing: Array(line))) ?? .null
            return self.add(
                StreamPart(name: value["frame"]?.stringValue ?? "no frame", text: Array(line))
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
