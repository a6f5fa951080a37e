// Decides how tests read a stream over sockets that are cut off and taken up again, and what they hold it to.

import PulserIR
import StateMachines
public import TestKit

/// A reader of one stream over any number of connections. It fails at the first event that is lost, repeated
/// or out of order. Confined to one thread at a time.
public struct SocketReader: Sendable {
    /// How its requests travel.
    public let wire: EventSocket.Wire
    /// The form that it reads.
    public let form: StreamParser.Form
    private let port: Int
    private let path: String
    private let fields: [(String, String)]
    private let skipsRepeated: Bool
    /// By lane the lines it was given, as they are stored.
    public private(set) var lines: [Int64: [UInt8]] = [:]
    /// By lane the last event.
    public private(set) var positions: [Int64: Int64] = [:]
    /// Its connections so far.
    public private(set) var connections = 0
    /// Whether its connection was answered.
    public private(set) var isGreeted = false
    /// Where it goes on.
    private var cursor: String?
    private var parser: StreamParser

    /// A reader from the first event on.
    ///
    /// - Parameters:
    ///   - port: The server's port on loopback.
    ///   - path: The stream, without a query.
    ///   - wire: How requests travel.
    ///   - form: The form that is asked for.
    ///   - token: Who asks; `nil` where everybody may.
    ///   - skipsRepeated: Whether it passes over events that it has had. Streams of very many lanes do not
    ///     tell their place with every event, and readers of these have to.
    public init(
        port: Int,
        path: String,
        wire: EventSocket.Wire,
        form: StreamParser.Form,
        token: String? = nil,
        skipsRepeated: Bool = false
    ) {
        self.port = port
        self.path = path
        self.wire = wire
        self.form = form
        self.parser = StreamParser(form)
        self.skipsRepeated = skipsRepeated
        self.fields =
            [("accept", form.rawValue)] + (token.map { [("authorization", "Bearer \($0)")] } ?? [])
    }

    /// How many events it has had.
    public var eventCount: Int64 { self.positions.values.reduce(0, +) }

    /// Connects behind the last event that it had.
    ///
    /// - Parameters:
    ///   - isCursorInPath: Whether the cursor is sent as `from`, not in a field as browsers do.
    ///   - receiveBytes: The size of the socket's buffer; `nil` leaves it to the system.
    /// - Returns: The connection, to be read with ``read(_:bytes:until:)``.
    /// - Throws: ``EventSocketFailure`` when nobody listens.
    public mutating func connect(
        isCursorInPath: Bool = false,
        receiveBytes: Int32? = nil
    ) throws -> EventSocket {
        var fields = self.fields
        var path = self.path + "?from=start"
        if let cursor {
            if isCursorInPath {
                path = self.path + "?from=" + cursor
            } else {
                fields.append(("last-event-id", cursor))
            }
        }
        let socket = try EventSocket(
            port: self.port,
            wire: self.wire,
            path: path,
            fields: fields,
            receiveBytes: receiveBytes
        )
        self.connections += 1
        self.isGreeted = false
        self.parser = StreamParser(self.form)
        return socket
    }

    /// Reads until it has what it wants, or so many bytes since it connected; what came beyond is dropped, as with a
    /// process that is killed at that byte.
    ///
    /// - Parameters:
    ///   - socket: The connection.
    ///   - bytes: How many.
    ///   - limit: For how long. Only a failure takes so long: heartbeats come for ever.
    ///   - isEnough: Whether it has what it wants.
    /// - Returns: Whether the stream goes on; not when it or its connection has ended.
    /// - Throws: ``EventSocketFailure`` when something is lost, repeated, out of order, other than events, or late.
    public mutating func read(
        _ socket: EventSocket,
        bytes: Int = .max,
        within limit: Duration = .seconds(120),
        until isEnough: (SocketReader) -> Bool = { _ in false }
    ) throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while self.parser.byteCount < bytes, !isEnough(self) {
            guard ContinuousClock.now < deadline else {
                throw self.failure("within \(limit) it had no more than \(self.positions)")
            }
            let piece = try socket.read()
            self.parser.feed(piece.prefix(bytes - self.parser.byteCount))
            for part in self.parser.take() { try self.take(part) }
            if socket.isEnded { return false }
        }
        return true
    }

    private mutating func take(_ part: StreamPart) throws {
        switch part.name {
        case "event":
            let last = self.positions[part.lane] ?? 0
            if self.skipsRepeated, part.sequence <= last {
                self.cursor = part.id ?? self.cursor
                return
            }
            guard part.sequence == last + 1 else {
                throw self.failure("\(part.sequence) of lane \(part.lane) follows \(last)")
            }
            self.positions[part.lane] = part.sequence
            let rest = part.text[(part.text.firstIndex(of: UInt8(ascii: ",")) ?? 0)...]
            self.lines[part.lane, default: []] += [UInt8(ascii: "{")] + rest.dropFirst() + [10]
            if self.form == .serverSentEvents {
                self.cursor = part.id ?? self.cursor
            } else if let epoch = self.cursor.flatMap({ StreamCursor($0)?.epoch }) {
                // Readers of server-sent events are told ids; others count.
                let places = LanePositions(self.positions)
                self.cursor = StreamCursor(epoch: epoch, positions: places).text
            }
        case "hello":
            self.isGreeted = true
            guard part.data["recovered"] == true else { throw self.failure("it is not recovered") }
            guard self.cursor == nil else { return }
            self.cursor = part.id ?? part.data["from"]?.stringValue
        case "id", "bookmark": self.cursor = part.id ?? self.cursor
        case "heartbeat", "bye": break
        default: throw self.failure("a frame says \(part.name)")
        }
    }

    private func failure(_ text: String) -> EventSocketFailure {
        EventSocketFailure(
            description: "\(self.wire.rawValue), \(self.form), connection \(self.connections), "
                + "behind \(self.cursor ?? "nothing"): \(text)"
        )
    }
}
