// Envelopes come back as they were, in whatever pieces; no bytes bring the reader down.

import NIOCore
import PulserIR
import TestKit
import Testing

@testable import Cluster

@Suite("Envelopes")
struct WireTests {
    private static let limits = BinaryLimits()

    private static func head(_ random: inout SeededGenerator) -> CallHead {
        var head = CallHead(
            address: ActorAddress(
                kind: ActorKind(number: UInt32.random(in: .min ... .max, using: &random)),
                key: random.chance(50)
                    ? .name("läne") : .number(Int64.random(in: .min ... .max, using: &random)),
                place: random.chance(50) ? .shard(1_023) : .node(NodeEpoch(-4))
            ),
            method: UInt32.random(in: .min ... .max, using: &random),
            remaining: .milliseconds(Int64.random(in: 1...100_000, using: &random))
        )
        if case .shard = head.address.place { head.generation = 12 }
        head.viewVersion = 99
        if random.chance(50) { head.operation = OperationID() }
        if random.chance(50) { head.trace = TraceContext(high: 1, low: 2, span: 3, flags: 1) }
        head.chain = (0..<Int.random(in: 0...3, using: &random)).map { UInt64($0) }
        return head
    }

    @Test("the head of a call comes back as it was", arguments: UInt64(1)...100)
    func heads(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let head = Self.head(&random)
        var wire = WireWriter()
        head.write(to: &wire)
        let envelope = try Envelope(.call, wire.bytes, Self.limits)
        #expect(envelope == .call(head, argumentsAt: wire.bytes.count))
    }

    @Test("greetings, errors and redirects come back as they were")
    func others() async throws {
        var hello = Hello(
            cluster: "c",
            node: NodeEpoch(3),
            build: "b",
            traffic: .bulk,
            catalog: try await ActorCatalog([Counter.self])
        )
        hello.protocols = 1...3
        var wire = WireWriter()
        hello.write(to: &wire)
        #expect(try Envelope(.hello, wire.bytes, Self.limits) == .hello(hello))

        let failure = Failure(
            ClusterError(.thrown, "what", typeName: "T"),
            payload: [1, 2, 3]
        )
        wire = WireWriter()
        failure.write(to: &wire)
        #expect(try Envelope(.failure, wire.bytes, Self.limits) == .failure(failure))

        for owner in [NodeEpoch(5), nil] {
            let redirect = Redirect(reason: .moved, owner: owner, generation: -1)
            wire = WireWriter()
            redirect.write(to: &wire)
            #expect(try Envelope(.redirect, wire.bytes, Self.limits) == .redirect(redirect))
        }
    }

    @Test("an error's sentence is cut at a whole character")
    func cut() {
        let long = String(repeating: "é", count: 3_000)
        #expect(long.cut(toBytes: 2_047).utf8.count == 2_046)
        #expect("short".cut(toBytes: 5) == "short")
    }

    @Test("messages come out whole however their bytes are cut", arguments: UInt64(1)...20)
    func pieces(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var outbox = Outbox(bytesMax: 1_000_000)
        _ = outbox.open()
        var sent: [[UInt8]] = []
        for id in UInt32(1)...50 {
            let count = Int.random(in: 0...300, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            sent.append(bytes)
            let half = bytes.count / 2
            _ = outbox.add(.call, id, Array(bytes[..<half]), bytes[half...])
        }
        let taken = outbox.take()
        var all = try #require(taken)
        #expect(outbox.take() == nil)
        var parser = FrameParser(bytesMax: 1_000)
        var received: [[UInt8]] = []
        while all.readableBytes > 0 {
            let count = min(all.readableBytes, Int.random(in: 1...90, using: &random))
            let piece = all.readSlice(length: count)
            parser.append(try #require(piece))
            while let frame = try parser.next() {
                #expect(frame.tag == 3 && frame.id == UInt32(received.count + 1))
                received.append(frame.bytes)
            }
        }
        #expect(received == sent)
    }

    @Test("a message longer than allowed is refused before it has come")
    func tooLong() {
        var parser = FrameParser(bytesMax: 1_000)
        parser.append(ByteBuffer(bytes: [0, 0, 4, 0]))
        #expect(throws: ClusterError.self) { try parser.next() }
        var short = FrameParser(bytesMax: 1_000)
        short.append(ByteBuffer(bytes: [0, 0, 0, 4, 3, 0, 0, 0, 0]))
        #expect(throws: ClusterError.self) { try short.next() }
    }

    @Test("random and mutated envelopes are refused or taken", arguments: UInt64(1)...40)
    func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let tags: [Envelope.Tag] = [
            .hello, .refused, .call, .reply, .failure, .redirect, .cancel, .goodbye,
        ]
        var taken = 0
        for _ in 0..<500 {
            var wire = WireWriter()
            Self.head(&random).write(to: &wire)
            var bytes = wire.bytes
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                    in: .min ... .max,
                    using: &random
                )
            }
            if random.chance(20) { bytes.removeLast(Int.random(in: 0...5, using: &random)) }
            if (try? Envelope(random.pick(tags), bytes, Self.limits)) != nil { taken += 1 }
        }
        #expect(taken > 0 && taken < 500, "seed \(seed)")
    }

    @Test("what was not taken by the transport was certainly not sent")
    func offsets() {
        var outbox = Outbox(bytesMax: 100)
        let isUnknownWoken = outbox.add(.call, 1, [1])
        #expect(!isUnknownWoken, "nobody is known yet")
        #expect(outbox.take() == nil)
        let isWoken = outbox.open()
        #expect(isWoken)
        #expect(outbox.take()?.readableBytes == 10)
        let start = outbox.addedBytes
        #expect(start == outbox.takenBytes)
        let isWokenAgain = outbox.add(.call, 2, [1])
        #expect(!isWokenAgain, "the transport asks by itself for what comes behind")
        #expect(outbox.take() != nil)
        #expect(outbox.takenBytes > start)
        #expect(outbox.take() == nil)
        let isWaiterWoken = outbox.add(.call, 3, [UInt8](repeating: 0, count: 200))
        #expect(isWaiterWoken, "it waits: it is woken")
        #expect(outbox.isFull)
    }

    @Test("a field 'traceparent' comes back as it was; what is not one is not taken")
    func traces() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
        #expect(TraceContext(traceparent: text)?.traceparent == text)
        for bad in [
            "", "00-\(String(repeating: "0", count: 32))-00f067aa0ba902b7-01", text + "-02",
            "ff" + text.dropFirst(2), text.replacing("a", with: "A"), String(text.dropLast()),
        ] {
            #expect(TraceContext(traceparent: bad) == nil, "\(bad)")
        }
    }
}
