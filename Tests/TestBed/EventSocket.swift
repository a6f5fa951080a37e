// Decides how a test follows a stream over a socket of its own, which it can cut off at any byte or leave unread.

import Glibc

/// What went wrong with a socket.
public struct EventSocketFailure: Error, CustomStringConvertible {
    /// What it was.
    public let description: String

    /// Says what it was.
    public init(description: String) { self.description = description }
}

/// One request and its answer's body over TCP on loopback, read at the test's pace: what is not read stays
/// on the way, as with a process that sleeps. Blocks; confined to one thread.
public final class EventSocket {
    /// How the request travels.
    public enum Wire: String, Sendable, CaseIterable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
    }

    private let descriptor: Int32
    private let wire: Wire
    private var input: [UInt8] = []
    private var status = 0
    private var body: [UInt8] = []
    /// Whether the answer has come to its end, or the connection to its.
    public private(set) var isEnded = false
    /// Whether the answer ended as it should, not just the connection.
    public private(set) var isComplete = false

    /// Connects and asks for a path.
    ///
    /// - Parameters:
    ///   - port: The port on loopback.
    ///   - wire: How.
    ///   - path: What is asked for.
    ///   - fields: Names in lower case, and values.
    ///   - receiveBytes: The size of the socket's buffer; `nil` leaves it to the system.
    /// - Throws: ``EventSocketFailure`` when nobody listens.
    public init(
        port: Int,
        wire: Wire,
        path: String,
        fields: [(String, String)] = [],
        receiveBytes: Int32? = nil
    ) throws {
        self.wire = wire
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBytes {
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            throw EventSocketFailure(
                description: "no connection to port \(port): \(String(cString: strerror(errno)))"
            )
        }
        switch wire {
        case .http1:
            let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
            self.write(Array("GET \(path) HTTP/1.1\r\nhost: localhost\r\n\(lines)\r\n".utf8))
        case .http2:
            var block: [UInt8] = []
            let pseudo = [
                (":method", "GET"), (":scheme", "http"), (":authority", "localhost"),
                (":path", path),
            ]
            for (name, value) in pseudo + fields {
                // A literal that is not indexed, RFC 7541 section 6.2.2, without Huffman coding.
                block += [0] + Self.text(name) + Self.text(value)
            }
            self.write(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
            self.send(type: 4)
            self.send(type: 1, flags: 0x5, stream: 1, block)
        }
    }

    deinit { close(self.descriptor) }

    /// Has the end of this object reset the connection instead of closing it in order.
    public func resetAtEnd() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            self.descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &now,
            socklen_t(MemoryLayout<linger>.size)
        )
    }

    /// The next bytes of the body; none once it has ended.
    ///
    /// - Parameter seconds: How long they are waited for. Only a failure waits so long: the server says
    ///   something every 15 s.
    /// - Returns: What came, at least one byte while the body goes on.
    /// - Throws: ``EventSocketFailure`` when nothing comes in time, or the answer is not 200.
    public func read(within seconds: Int32 = 30) throws -> [UInt8] {
        while self.body.isEmpty, !self.isEnded {
            try self.receive(seconds)
            switch self.wire {
            case .http1: try self.readChunks()
            case .http2: try self.readFrames()
            }
        }
        defer { self.body = [] }
        return self.body
    }

    private func receive(_ seconds: Int32) throws {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        var ready = poll(&entry, 1, seconds * 1_000)
        while ready < 0, errno == EINTR { ready = poll(&entry, 1, seconds * 1_000) }
        guard ready > 0 else {
            throw EventSocketFailure(description: "nothing came within \(seconds) s")
        }
        var bytes = [UInt8](repeating: 0, count: 32_768)
        let count = recv(self.descriptor, &bytes, bytes.count, 0)
        if count > 0 { self.input += bytes.prefix(count) } else { self.isEnded = true }
    }

    private func write(_ bytes: [UInt8]) {
        // Small, and on a connection that takes it; a server that has gone is seen by reading.
        _ = Glibc.send(self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    // MARK: HTTP/1.1

    private func readChunks() throws {
        if self.status == 0 {
            guard let end = Self.find([13, 10, 13, 10], in: self.input[...]) else { return }
            let head = String(decoding: self.input[..<end], as: UTF8.self)
            self.input.removeFirst(end + 4)
            self.status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
            guard self.status == 200, head.lowercased().contains("transfer-encoding: chunked")
            else { throw EventSocketFailure(description: "the answer is \(head)") }
        }
        var left = self.input[...]
        while let end = Self.find([13, 10], in: left) {
            let digits = String(decoding: left[left.startIndex..<end], as: UTF8.self)
            guard let size = Int(digits, radix: 16) else {
                throw EventSocketFailure(description: "'\(digits)' is no size of a chunk")
            }
            guard left.endIndex - end >= size + 4 else { break }
            self.body += left[(end + 2)..<(end + 2 + size)]
            left = left[(end + 4 + size)...]
            if size == 0 {
                self.isComplete = true
                self.isEnded = true
            }
        }
        self.input = Array(left)
    }

    private static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - pattern.count)).first {
            bytes[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }

    // MARK: HTTP/2

    private func readFrames() throws {
        var left = self.input[...]
        var taken: UInt32 = 0
        while left.count >= 9 {
            let head = Array(left.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard left.count >= 9 + length else { break }
            let payload = left.dropFirst(9).prefix(length)
            left = left.dropFirst(9 + length)
            try self.take(type: head[3], flags: head[4], payload)
            if head[3] == 0 { taken += UInt32(length) }
        }
        self.input = Array(left)
        guard taken > 0 else { return }
        for stream in [UInt32(0), 1] {
            let increment = withUnsafeBytes(of: taken.bigEndian) { Array($0) }
            self.send(type: 8, stream: stream, increment)
        }
    }

    private func take(type: UInt8, flags: UInt8, _ payload: ArraySlice<UInt8>) throws {
        switch type {
        case 0:
            // The server does not pad.
            self.body += payload
        case 1:
            // The first field is the status, and 200 has an index of its own: RFC 7541 appendix A.
            if self.status == 0 { self.status = payload.first == 0x88 ? 200 : -1 }
            guard self.status == 200 else {
                throw EventSocketFailure(description: "the answer is not 200")
            }
        case 3, 7: self.isEnded = true
        case 4 where flags & 1 == 0: self.send(type: 4, flags: 1)
        case 6 where flags & 1 == 0: self.send(type: 6, flags: 1, Array(payload))
        default: break
        }
        if type < 2, flags & 1 == 1 {
            self.isComplete = true
            self.isEnded = true
        }
    }

    private func send(
        type: UInt8,
        flags: UInt8 = 0,
        stream: UInt32 = 0,
        _ payload: [UInt8] = []
    ) {
        let length = payload.count
        let head = [
            UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags,
        ]
        self.write(head + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload)
    }

    /// A length in seven bits and its text, RFC 7541 section 5.
    private static func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var head: [UInt8] = [127]
        var rest = bytes.count - 127
        while rest >= 128 {
            head.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        return head + [UInt8(rest)] + bytes
    }
}
