// How frames look on the wire: server-sent events, lines of JSON, or length-prefixed binary.

import NIOCore
import PulserIR

/// The form of a stream.
enum StreamFormat: String, Sendable, Hashable, CaseIterable {
    case serverSentEvents = "text/event-stream"
    case lines = "application/x-ndjson"
    case binary = "application/x-opsroom-frames"

    /// The content type of an answer.
    var contentType: String {
        self == .serverSentEvents ? "text/event-stream; charset=utf-8" : self.rawValue
    }

    /// What an `Accept` field asks for; without one, or for anything, server-sent events.
    ///
    /// - Returns: `nil` when it accepts none of the forms.
    init?(accept: String?) {
        let ranges = (accept ?? "").split(separator: ",").compactMap { range in
            let parts = range.lowercased().split(separator: ";").map {
                $0.filter { $0 != " " && $0 != "\t" }
            }
            return parts.dropFirst().contains("q=0") ? nil : parts.first
        }
        if ranges.isEmpty {
            self = .serverSentEvents
            return
        }
        for range in ranges {
            if let format = Self(rawValue: range) {
                self = format
                return
            }
        }
        guard ranges.contains("*/*") || ranges.contains("text/*") else { return nil }
        self = .serverSentEvents
    }

    /// Appends an event of a lane's log: its JSON without a line end, and the id that server-sent
    /// events carry.
    func write(event json: ByteBuffer, id: ByteBuffer?, to buffer: inout ByteBuffer) {
        switch self {
        case .serverSentEvents:
            if let id {
                buffer.writeStaticString("id: ")
                buffer.writeImmutableBuffer(id)
                buffer.writeStaticString("\n")
            }
            buffer.writeStaticString("data: ")
            buffer.writeImmutableBuffer(json)
            buffer.writeStaticString("\n\n")
        case .lines:
            buffer.writeImmutableBuffer(json)
            buffer.writeStaticString("\n")
        case .binary:
            buffer.writeInteger(UInt32(json.readableBytes + 1))
            buffer.writeInteger(StreamFrame.eventCode)
            buffer.writeImmutableBuffer(json)
        }
    }

    /// Appends a frame that is not an event; `id` is where a reader goes on that is cut off behind it.
    func write(_ frame: StreamFrame, id: String? = nil, to buffer: inout ByteBuffer) {
        switch self {
        case .serverSentEvents:
            guard frame.name != "heartbeat" else {
                buffer.writeStaticString(":\n\n")
                return
            }
            if let id { buffer.writeString("id: \(id)\n") }
            if case .hello = frame { buffer.writeStaticString("retry: 1000\n") }
            if case .bye(_, let retry) = frame { buffer.writeString("retry: \(retry)\n") }
            buffer.writeString("event: \(frame.name)\ndata: \(frame.members.canonicalText)\n\n")
        case .lines:
            guard case .object(var members) = frame.members else { return }
            members["frame"] = .string(frame.name)
            buffer.writeString("\(JSONValue.object(members).canonicalText)\n")
        case .binary:
            let text = frame.members.canonicalText
            buffer.writeInteger(UInt32(text.utf8.count + 1))
            buffer.writeInteger(frame.code)
            buffer.writeString(text)
        }
    }
}

/// What is said between events.
enum StreamFrame: Sendable {
    /// The beginning. Cursors of where it begins, of the newest and of the oldest events stored.
    case hello(epoch: String, from: String, head: String, floor: String, isRecovered: Bool)
    /// What the reader knows is void; the state follows.
    case reset(reason: String)
    /// One run of the present state, or one lane.
    case snapshot(JSONValue)
    /// The state is complete; events go on behind the cursor.
    case snapshotEnd(cursor: String)
    /// Events of a lane are left out: `count` of those from `from` to `to`.
    case gap(lane: Int64, from: Int64, to: Int64, count: Int64, reason: String)
    /// All up to here was looked at.
    case bookmark(cursor: String)
    /// The stream lives.
    case heartbeat
    /// The run has ended; nothing follows.
    case end(status: String)
    /// The node goes away: come again after a while with the cursor.
    case bye(cursor: String, retryMilliseconds: Int64)

    /// The code of an event in the binary form; the others count on from it.
    static let eventCode: UInt8 = 1

    /// Its name in texts.
    var name: String {
        switch self {
        case .hello: "hello"
        case .reset: "reset"
        case .snapshot: "snapshot"
        case .snapshotEnd: "snapshot-end"
        case .gap: "gap"
        case .bookmark: "bookmark"
        case .heartbeat: "heartbeat"
        case .end: "end"
        case .bye: "bye"
        }
    }

    /// Its code in the binary form.
    var code: UInt8 {
        switch self {
        case .hello: 2
        case .reset: 3
        case .snapshot: 4
        case .snapshotEnd: 5
        case .gap: 6
        case .bookmark: 7
        case .heartbeat: 8
        case .end: 9
        case .bye: 10
        }
    }

    /// What it says.
    var members: JSONValue {
        switch self {
        case .hello(let epoch, let from, let head, let floor, let isRecovered):
            .object([
                "epoch": .string(epoch), "from": .string(from), "head": .string(head),
                "floor": .string(floor), "recovered": .bool(isRecovered),
            ])
        case .reset(let reason): .object(["reason": .string(reason)])
        case .snapshot(let state): state
        case .snapshotEnd(let cursor), .bookmark(let cursor):
            .object(["cursor": .string(cursor)])
        case .gap(let lane, let from, let to, let count, let reason):
            .object([
                "lane": .integer(lane), "from": .integer(from), "to": .integer(to),
                "count": .integer(count), "reason": .string(reason),
            ])
        case .heartbeat: .object([:])
        case .end(let status): .object(["status": .string(status)])
        case .bye(let cursor, let milliseconds):
            .object(["cursor": .string(cursor), "retry_ms": .integer(milliseconds)])
        }
    }
}
