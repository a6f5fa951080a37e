// The limits of a peer as machines: time goes in as a value, a verdict comes out.

import HTTPTypes
import NIOCore
import Testing

@testable import HTTP2

@Suite("Limits")
struct LimitsTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private static func after(_ seconds: Double) -> NIODeadline {
        Self.start + .nanoseconds(Int64(seconds * 1e9))
    }

    private static func frame(
        _ type: UInt8,
        length: Int = 0,
        flags: UInt8 = 0
    ) -> FrameScanner.Header {
        FrameScanner.Header(length: length, type: type, flags: flags, streamID: 1)
    }

    @Test("a bucket gives its burst, then its rate")
    func bucket() {
        var bucket = TokenBucket(capacity: 3, perSecond: 2)
        let burst = (0..<4).map { _ in bucket.take(at: Self.start) }
        #expect(burst == [true, true, true, false])
        let later = (0..<3).map { _ in bucket.take(at: Self.after(1)) }
        #expect(later == [true, true, false])
        let full = (0..<4).map { _ in bucket.take(at: Self.after(100)) }
        #expect(full == [true, true, true, false])
    }

    @Test("200 glitches are forgiven, and 10 more every second")
    func glitches() {
        var conduct = ConductMachine(ConnectionLimits())
        for _ in 0..<200 { #expect(conduct.glitched(at: Self.start) == nil) }
        #expect(conduct.glitched(at: Self.start) == .glitches)
        for _ in 0..<10 { #expect(conduct.glitched(at: Self.after(1)) == nil) }
        #expect(conduct.glitched(at: Self.after(1)) == .glitches)
    }

    @Test(
        "PING, SETTINGS, PRIORITY and unknown frames are bounded",
        arguments: [FrameType.ping, FrameType.settings, FrameType.priority, 0x10, 0xbe]
    )
    func controlFrames(type: UInt8) {
        var conduct = ConductMachine(ConnectionLimits())
        for _ in 0..<200 {
            #expect(conduct.received(Self.frame(type), at: Self.start) == nil)
        }
        #expect(conduct.received(Self.frame(type), at: Self.start) == .controlFrames)
        #expect(conduct.received(Self.frame(type), at: Self.after(30)) == nil)
    }

    @Test("requests explain some control frames")
    func requestsExplainPriorities() {
        var conduct = ConductMachine(ConnectionLimits())
        for _ in 0..<1_000 {
            let headers = Self.frame(FrameType.headers, length: 50, flags: 0x5)
            #expect(conduct.received(headers, at: Self.start) == nil)
            #expect(conduct.received(Self.frame(0x10, length: 20), at: Self.start) == nil)
        }
    }

    @Test("a request explains eight heads and resets of its server; two hundred more are forgiven")
    func answers() {
        for type in [FrameType.headers, FrameType.reset] {
            var conduct = ConductMachine(ConnectionLimits(), isServer: false)
            for _ in 0..<3 { conduct.sentRequest() }
            var count = 0
            while conduct.received(Self.frame(type), at: Self.start) == nil, count < 10_000 {
                count += 1
            }
            #expect(count == 3 * 8 + 200)
        }
    }

    @Test("ten empty DATA frames in a row are enough")
    func emptyData() {
        var conduct = ConductMachine(ConnectionLimits())
        for _ in 0..<10 {
            #expect(conduct.received(Self.frame(FrameType.data), at: Self.start) == nil)
        }
        let useful = Self.frame(FrameType.data, length: 10)
        #expect(conduct.received(useful, at: Self.start) == nil)
        for _ in 0..<10 {
            #expect(conduct.received(Self.frame(FrameType.data), at: Self.start) == nil)
        }
        #expect(conduct.received(Self.frame(FrameType.data), at: Self.start) == .emptyData)
    }

    @Test("an empty DATA frame that ends its stream is no offence")
    func emptyEnds() {
        var conduct = ConductMachine(ConnectionLimits())
        for _ in 0..<100 {
            let end = Self.frame(FrameType.data, flags: 0x1)
            #expect(conduct.received(end, at: Self.start) == nil)
        }
    }

    @Test("window updates are free for a reader of what we send, and bounded for others")
    func windowUpdates() {
        var conduct = ConductMachine(ConnectionLimits())
        let update = Self.frame(FrameType.windowUpdate, length: 4)
        for _ in 0..<10_000 {
            conduct.sentData(16_384)
            // One for every kilobyte, on the stream and on the connection.
            for _ in 0..<32 { #expect(conduct.received(update, at: Self.start) == nil) }
        }
        var count = 0
        while conduct.received(update, at: Self.start) == nil, count < 100_000 { count += 1 }
        #expect(count == 2_000 - 32)
    }

    @Test("bytes that carry nothing may not outweigh those that do by eight to one")
    func overhead() {
        var conduct = ConductMachine(ConnectionLimits())
        let padded = Self.frame(FrameType.data, length: 256, flags: 0x8)
        var count = 0
        while conduct.received(padded, at: Self.start) == nil, count < 100_000 { count += 1 }
        #expect(count == 8 * 1_048_576 / 265)
        var honest = ConductMachine(ConnectionLimits())
        for _ in 0..<100_000 {
            let full = Self.frame(FrameType.data, length: 16_384)
            #expect(honest.received(full, at: Self.start) == nil)
        }
    }

    @Test("frames are found in whatever pieces they come, also those nobody knows")
    func scanning() {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let frames: [UInt8] =
            [0, 0, 0, 4, 0, 0, 0, 0, 0]
            + [0, 0, 3, 0xee, 7, 0, 0, 1, 2, 9, 9, 9]
            + [0, 0, 2, 1, 0, 0x80, 0, 0, 3, 8, 8]
            + [0, 0, 1, 9, 4, 0, 0, 0, 3, 7]
        for size in [1, 2, 5, 9, 10, 100] {
            var scanner = FrameScanner(isServer: true)
            var seen: [FrameScanner.Header] = []
            let bytes = preface + frames
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                piece.withUnsafeBytes { scanner.scan($0) { seen.append($0) } }
            }
            #expect(
                seen == [
                    FrameScanner.Header(length: 0, type: 4, flags: 0, streamID: 0),
                    FrameScanner.Header(length: 3, type: 0xee, flags: 7, streamID: 258),
                    FrameScanner.Header(length: 2, type: 1, flags: 0, streamID: 3),
                    FrameScanner.Header(length: 1, type: 9, flags: 4, streamID: 3),
                ]
            )
            #expect(!scanner.isInHead)
        }
    }

    @Test("a head is open from its HEADERS to the end of its last CONTINUATION")
    func openHead() {
        var scanner = FrameScanner(isServer: false)
        func feed(_ bytes: [UInt8]) { bytes.withUnsafeBytes { scanner.scan($0) { _ in } } }
        feed([0, 0, 2, 1, 0, 0, 0, 0, 1])
        #expect(scanner.isInHead)
        feed([8, 8])
        #expect(scanner.isInHead)
        feed([0, 0, 1, 9, 4, 0, 0, 0, 1])
        #expect(scanner.isInHead)
        feed([8])
        #expect(!scanner.isInHead)
    }

    @Test("connections are counted, all and per address, and how fast they come")
    func admission() {
        var configuration = HTTPServerConfiguration()
        configuration.connectionsMax = 4
        configuration.connectionsPerAddressMax = 2
        configuration.acceptBurst = 5
        configuration.acceptsPerSecond = 1
        var machine = AdmissionMachine(configuration)
        #expect(machine.admit("a", at: Self.start) == nil)
        #expect(machine.admit("a", at: Self.start) == nil)
        #expect(machine.admit("a", at: Self.start) == .connectionsPerAddress)
        #expect(machine.admit("b", at: Self.start) == nil)
        #expect(machine.admit("c", at: Self.start) == nil)
        #expect(machine.admit("d", at: Self.start) == .connections)
        machine.left("a")
        #expect(machine.admit("a", at: Self.start) == nil)
        machine.left("a")
        #expect(machine.admit("a", at: Self.start) == .acceptRate)
        #expect(machine.admit("a", at: Self.after(1)) == nil)
        #expect(machine.count == 4)
    }

    @Test("a body may come slowly, but not slower than the limit while it is waited for")
    func bodyRate() {
        var limits = ConnectionLimits()
        limits.bodyBytesPerSecondMin = 100
        limits.headerTimeout = .seconds(10)
        var rate = BodyRateMachine(limits)
        rate.awaited(true, at: Self.start)
        rate.arrived(1_000)
        #expect(rate.isTooSlow(at: Self.after(9.9)) == false)
        #expect(rate.isTooSlow(at: Self.after(10)) == false)
        rate.arrived(999)
        #expect(rate.isTooSlow(at: Self.after(20)) == true)
        rate.awaited(false, at: Self.after(20))
        #expect(rate.isTooSlow(at: Self.after(100)) == false)
    }

    @Test("a head is bounded in bytes and in fields")
    func headerList() {
        let names = FieldNames()
        func add(_ block: inout FieldBlock, _ name: String, _ value: String) -> FieldBlock.Verdict {
            Array(name.utf8).withUnsafeBufferPointer { name in
                Array(value.utf8).withUnsafeBufferPointer { value in
                    block.add(name, value, names: names, listBytesMax: 1_000, countMax: 10)
                }
            }
        }
        var block = FieldBlock()
        #expect(add(&block, ":path", "/x") == .fine)
        #expect(add(&block, "a", String(repeating: "b", count: 900)) == .fine)
        #expect(block.listBytes == 7 + 32 + 901 + 32)
        #expect(add(&block, "a", "b") == .tooLarge)
        #expect(block.isTooLarge)
        var many = FieldBlock()
        for _ in 0..<10 { #expect(add(&many, "a", "b") == .fine) }
        #expect(add(&many, "a", "b") == .tooLarge)
        #expect(many.fields.count == 10)
    }
}
