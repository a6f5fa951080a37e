// One peer that asks for something, waits for all of it, and asks again: what it asks is drawn from a seed.

import TestKit

/// A connection whose windows, pace and requests are drawn. Confined to one thread.
final class StallConversation {
    private let peer: RawPeer
    private var random: SeededGenerator
    private var next: UInt32 = 1
    /// What the server may have on its way on one stream.
    private let window: Int
    /// Bytes that are read before the window is opened again.
    private let patience: Int
    private var unread: [UInt32: Int] = [:]
    private var unreadOfAll = 0
    private var resetsLeft = 100

    init(port: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        self.window = random.pick([1, 100, 20_000, 65_535, 1 << 20, 0x7FFF_FFFF])
        self.patience = max(1, min(self.window, 65_535) / random.pick([2, 8, 1_000]))
        let receiveBytes: Int32? = random.chance(40) ? 4_096 : nil
        self.random = random
        self.peer = try RawPeer(port: port, receiveBytes: receiveBytes)
        try self.peer.handshake(.setting(Setting.initialWindowSize, UInt32(self.window)))
    }

    /// One or several requests, until each is answered wholly.
    func step() throws {
        var bytes: [UInt8] = []
        var asked: [UInt32: Int?] = [:]
        for _ in 0..<Int.random(in: 1...4, using: &self.random) {
            let id = self.next
            self.next += 2
            if self.resetsLeft > 0, self.random.chance(30) {
                self.resetsLeft -= 1
                bytes += self.provocation(id)
                asked[id] = .some(nil)
            } else {
                let (frames, count) = self.request(id)
                bytes += frames
                asked[id] = count
            }
        }
        let ping = RawFrame.ping(self.next)
        if self.random.chance(50) { bytes += ping.bytes }
        try self.send(bytes)
        for (id, count) in asked.sorted(by: { $0.key < $1.key }) {
            try self.await(id, bodyBytes: count)
        }
    }

    /// Sends in pieces, as a network might.
    private func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count =
                self.random.chance(60)
                ? rest.count : Int.random(in: 1...rest.count, using: &self.random)
            try self.peer.send(bytes: Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
    }

    private func request(_ id: UInt32) -> (bytes: [UInt8], bodyBytes: Int) {
        let most = min(300_000, 40 * self.window)
        let count = self.random.pick([0, 1, 100, 9_000, 40_000, 300_000].filter { $0 <= most })
        switch Int.random(in: 0..<5, using: &self.random) {
        case 0: return (RawFrame.headers(id, .request("GET", "/bytes/\(count)")).bytes, count)
        case 1: return (RawFrame.headers(id, .request("GET", "/body/\(count)")).bytes, count)
        case 2: return (RawFrame.headers(id, .request("GET", "/stream/\(count)")).bytes, count)
        case 3: return (RawFrame.headers(id, .request("GET", "/trailers")).bytes, 3)
        default:
            let text = [UInt8](repeating: 1, count: min(count, 40))
            let head = RawFrame.headers(id, .request("POST", "/echo"), end: false)
            return (head.bytes + RawFrame.data(id, text, end: true).bytes, text.count)
        }
    }

    /// Has the server reset a stream: at once, or when it has begun to answer.
    private func provocation(_ id: UInt32) -> [UInt8] {
        switch Int.random(in: 0..<3, using: &self.random) {
        case 0:
            let head = RawFrame.headers(id, .request("GET", "/wait"))
            return head.bytes + RawFrame.windowUpdate(id, by: 0x7FFF_FFFF).bytes
        case 1:
            return RawFrame.headers(id, .request("GET", "/never", [("connection", "x")])).bytes
        default:
            let head = HeaderBlock.request("POST", "/wait", [("content-length", "1")])
            return RawFrame.headers(id, head, end: false).bytes
                + RawFrame.data(id, [1, 2], end: true).bytes
        }
    }

    /// Reads until the stream has its answer, or its reset for a body of `nil`.
    private func await(_ id: UInt32, bodyBytes: Int?) throws {
        while !self.peer.stream(id).isEnded, self.peer.stream(id).reset == nil {
            guard let frame = try self.peer.nextFrame() else {
                throw self.peer.failure("the connection closed instead of an answer on \(id)")
            }
            if frame.type == RawFrame.Kind.data { try self.took(frame) }
        }
        let record = self.peer.stream(id)
        guard let bodyBytes else {
            guard record.reset != nil else { throw self.peer.failure("\(id) was not reset") }
            return
        }
        guard record.reset == nil, record.body.count == bodyBytes else {
            throw self.peer.failure(
                "\(bodyBytes) bytes were due on \(id), \(record.body.count) came"
            )
        }
    }

    /// Opens the windows again, at its own pace.
    private func took(_ frame: RawFrame) throws {
        let count = frame.payload.count
        self.unreadOfAll += count
        if self.unreadOfAll >= 16_384 {
            try self.peer.send(.windowUpdate(0, by: UInt32(self.unreadOfAll)))
            self.unreadOfAll = 0
        }
        guard !frame.endsStream else { return }
        let unread = self.unread[frame.stream, default: 0] + count
        self.unread[frame.stream] = unread
        guard unread >= self.patience else { return }
        self.unread[frame.stream] = 0
        try self.peer.send(.windowUpdate(frame.stream, by: UInt32(unread)))
    }
}
