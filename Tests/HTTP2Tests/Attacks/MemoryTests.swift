// What peers can make a server hold is bounded; measured in a process of its own.

import TestKit
import Testing

// Sanitizers keep freed memory.
@Suite("Memory under attack", .serialized, .enabled(if: !Sanitized.isOn))
struct MemoryTests {
    private static let mebibyte = 1 << 20

    @Test(
        "5,000 streams of readers that do not read cost less than 20 MB",
        arguments: ["/bytes/1000000000", "/hold"]
    )
    func slowRead(_ path: String) async throws {
        try await Self.grows(byMost: 20 * Self.mebibyte) { try Self.slowReaders(of: path, $0) }
    }

    // 256 KiB for each connection, a piece of 2 KiB for each stream, and its task.
    @Test("5,000 streams whose tasks write pieces of 2 KiB cost less than 64 MB")
    func slowReadOfWriters() async throws {
        try await Self.grows(byMost: 64 * Self.mebibyte) { port in
            try Self.slowReaders(of: "/stream/1000000000", port)
        }
    }

    @Test("a small frame that expands to 48 MB costs less than 8 MB")
    func bomb() async throws {
        try await Self.grows(byMost: 8 * Self.mebibyte) { port in
            let peer = try RawPeer(port: port)
            try peer.handshake()
            // One field of 4 KB goes to the table, then 12,000 times one byte stands for it.
            let large = String(repeating: "a", count: 4_000)
            try peer.send(.headers(1, .request().field("x-bomb", large, .indexed)))
            for number in 1..<20 as Range<UInt32> {
                let block =
                    HeaderBlock.request("GET", "/never").bytes
                    + [UInt8](repeating: 0xBE, count: 12_000)
                try peer.send(.headers(2 * number + 1, HeaderBlock(block)))
                try peer.wait(for: "a refusal") {
                    let record = $0.stream(2 * number + 1)
                    return record.reset != nil || record.statuses == ["431"] || $0.goAway != nil
                }
                if peer.goAway != nil { break }
            }
            return [peer]
        }
    }

    @Test("a head in many frames costs less than 8 MB")
    func longHead() async throws {
        try await Self.grows(byMost: 8 * Self.mebibyte) { port in
            try (0..<20).map { _ in
                let peer = try RawPeer(port: port)
                try peer.handshake()
                try peer.send(.headers(1, .request("GET", "/never"), endHeaders: false))
                let field = HeaderBlock([("x-a", String(repeating: "a", count: 16_000))])
                _ = try peer.flood(200) { _ in
                    RawFrame.continuation(1, field.bytes, endHeaders: false).bytes
                }
                return peer
            }
        }
    }

    @Test("bodies that no handler takes are held up to the connection's window")
    func unreadBodies() async throws {
        try await Self.grows(byMost: 40 * Self.mebibyte) { port in
            try (0..<20).map { _ in
                let peer = try RawPeer(port: port)
                try peer.handshake()
                var left = 65_535 + peer.connectionCredit
                let window = Int(peer.settings[Setting.initialWindowSize] ?? 65_535)
                var stream: UInt32 = 1
                while left > 16_384, stream < 200 {
                    try peer.send(.headers(stream, .request("POST", "/wait"), end: false))
                    for _ in 0..<window / 16_384 where left > 16_384 {
                        try peer.send(.data(stream, [UInt8](repeating: 1, count: 16_384)))
                        left -= 16_384
                    }
                    stream += 2
                }
                try peer.expectAlive()
                return peer
            }
        }
    }

    @Test("an idle connection costs less than 24 KB")
    func idle() async throws {
        try await Self.grows(byMost: 500 * 24 * 1_024) { port in
            try (0..<500).map { _ in
                let peer = try RawPeer(port: port)
                try peer.handshake()
                return peer
            }
        }
    }

    @Test("all floods together leave less than 16 MB")
    func floods() async throws {
        try await Self.grows(byMost: 16 * Self.mebibyte) { port in
            for attack in Attack.all {
                // What ends each flood is the subject of other tests.
                try? attack.run(port: port, isReading: false)
            }
            return []
        }
    }

    private static func slowReaders(of path: String, _ port: Int) throws -> [RawPeer] {
        try (0..<50).map { _ in
            let peer = try RawPeer(port: port, receiveBytes: 4_096)
            try peer.handshake(.setting(Setting.initialWindowSize, 0))
            for number in 0..<100 as Range<UInt32> {
                try peer.send(.headers(2 * number + 1, .request("GET", path)))
            }
            try peer.wait(for: "every head") { $0.tally[RawFrame.Kind.headers] == 100 }
            return peer
        }
    }

    /// Has peers do what they do, measures while they are connected, and proves that an honest
    /// client is served meanwhile and afterwards.
    private static func grows(
        byMost most: Int,
        _ attack: @escaping @Sendable (Int) throws -> [RawPeer]
    ) async throws {
        try await onOwnThread {
            let bed = try BedProcess()
            // The first requests make what a process makes once.
            for _ in 0..<20 { try FloodTests.beHonest(port: bed.port) }
            let before = bed.ownBytes
            let peers = try attack(bed.port)
            try FloodTests.beHonest(port: bed.port)
            let growth = bed.ownBytes - before
            for peer in peers { peer.socket.close() }
            try FloodTests.beHonest(port: bed.port)
            guard growth <= most else {
                throw WireFailure("memory grew by \(growth / 1_024) KiB, \(most / 1_024) allowed")
            }
        }
    }
}
