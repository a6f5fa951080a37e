// Who is let in, and what becomes of peers that send what no node of ours sends.

import HTTP2
import HTTPTypes
import NIOCore
import NIOPosix
import PulserIR
import Synchronization
import TestKit
import TestPeers
import Testing

@testable import Cluster

/// A peer that writes what it likes over a stream of its own.
private final class RawNode: Sendable {
    /// Gives bytes when it has some.
    private final class Body: PulledBody {
        var waiting = ByteBuffer()
        var stream: (any BodyStream)?
        func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
            let count = min(bytesMax, self.waiting.readableBytes)
            guard count > 0, let piece = self.waiting.readSlice(length: count) else { return .wait }
            return .chunk(piece)
        }
        func closed(_ error: HTTP2Error?) { self.stream = nil }
    }

    /// Keeps what came.
    private final class Receiver: StreamReceiver {
        private let node: RawNode
        private var parser = FrameParser(bytesMax: 1_000_000)
        init(_ node: RawNode) { self.node = node }
        func received(_ head: HTTPResponse) {}
        func received(_ bytes: inout ByteBuffer) {
            self.parser.append(bytes)
            while let frame = try? self.parser.next() {
                self.node.state.withLock { $0.frames.append(frame) }
            }
        }
        func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
            self.node.state.withLock { $0.isEnded = true }
        }
    }

    private struct State {
        var frames: [FrameParser.Frame] = []
        var isEnded = false
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let body: NIOLoopBoundBox<Body>

    init(_ client: HTTP2Client, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        let body = NIOLoopBoundBox.makeBoxSendingValue(Body(), eventLoop: eventLoop)
        self.body = body
        client.open(
            HTTPRequest(
                method: .post,
                scheme: nil,
                authority: nil,
                path: "/cluster/v1/control"
            ),
            pulling: { stream in
                body.value.stream = stream
                return body.value
            },
            receiver: { _ in Receiver(self) }
        )
    }

    var isEnded: Bool { self.state.withLock { $0.isEnded } }

    /// Sends a message.
    func send(_ tag: UInt8, _ id: UInt32, _ bytes: [UInt8]) {
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(bytes.count + 5))
        frame.writeInteger(tag)
        frame.writeInteger(id)
        frame.writeBytes(bytes)
        self.send(frame)
    }

    /// Sends bytes.
    func send(_ bytes: ByteBuffer) {
        self.eventLoop.execute {
            self.body.value.waiting.writeImmutableBuffer(bytes)
            self.body.value.stream?.resume()
        }
    }

    func greet(_ catalog: ActorCatalog, cluster: String = "test", node: Int64 = 99) {
        var wire = WireWriter()
        Hello(
            cluster: cluster,
            node: NodeEpoch(node),
            build: "raw",
            traffic: .control,
            catalog: catalog
        ).write(to: &wire)
        self.send(Envelope.Tag.hello.rawValue, 0, wire.bytes)
    }

    /// Whether a message of a kind came with at least this number.
    func has(_ tag: Envelope.Tag, from id: UInt32) -> Bool {
        self.state.withLock { state in
            state.frames.contains { $0.tag == tag.rawValue && $0.id >= id }
        }
    }

    /// What came first with this number and kind.
    func answer(_ tag: Envelope.Tag, _ id: UInt32) async throws -> Envelope {
        var bytes: [UInt8] = []
        try await eventually("a message \(tag) comes") {
            let frame = self.state.withLock { state in
                state.frames.first { $0.tag == tag.rawValue && $0.id == id }
            }
            bytes = frame?.bytes ?? []
            return frame != nil
        }
        return try Envelope(tag, bytes, BinaryLimits())
    }
}

@Suite("Hostile peers", .timeLimit(.minutes(3)))
struct HostileTests {
    /// Runs a node and a peer that writes by hand.
    private func withPeer(
        _ body: @Sendable (TestNode, RawNode, ActorCatalog) async throws -> Void
    ) async throws {
        let catalog = try await ActorCatalog([Counter.self, Stranger.self])
        try await ClusterBed.with(nodes: 1) { nodes in
            let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
            let client = HTTP2Client(
                HTTP2ClientConfiguration(host: "127.0.0.1", port: nodes[0].address.port),
                group: eventLoop,
                logger: ClusterBed.quiet
            )
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await client.run() }
                try await body(nodes[0], RawNode(client, on: eventLoop), catalog)
                tasks.cancelAll()
            }
        }
    }

    private func call(
        _ method: String,
        kind: ActorKind = Counter.kind,
        arguments: [UInt8],
        count: Int
    ) -> [UInt8] {
        var head = CallHead(
            address: ActorAddress(kind: kind, key: .number(1), place: .node(NodeEpoch(1))),
            method: StableHash.of32(method),
            remaining: .seconds(10)
        )
        head.argumentsCount = count
        var wire = WireWriter()
        head.write(to: &wire)
        return wire.bytes + arguments
    }

    private func failure(_ peer: RawNode, _ id: UInt32) async throws -> ClusterError? {
        guard case .failure(let failure) = try await peer.answer(.failure, id) else { return nil }
        return failure.error
    }

    @Test("another type's method never reaches an actor, and wrong arguments are told as such")
    func wrongTargets() async throws {
        try await self.withPeer { node, peer, catalog in
            let gate = Gate()
            let actor = node.host(1, gate)
            peer.greet(catalog)
            _ = try await peer.answer(.hello, 0)
            let call = Envelope.Tag.call.rawValue
            peer.send(call, 1, self.call("strange", arguments: [], count: 0))
            #expect(try await self.failure(peer, 1)?.code == .unimplemented)
            peer.send(call, 2, self.call("hidden", arguments: [], count: 0))
            #expect(try await self.failure(peer, 2)?.code == .unimplemented)
            peer.send(call, 3, self.call("add", kind: Stranger.kind, arguments: [], count: 0))
            #expect(try await self.failure(peer, 3)?.code == .unimplemented)
            // Too few, of another type, not values at all.
            peer.send(call, 4, self.call("add", arguments: [], count: 0))
            #expect(try await self.failure(peer, 4)?.code == .malformed)
            peer.send(call, 5, self.call("add", arguments: try CodecTests.bytes("five"), count: 1))
            #expect(try await self.failure(peer, 5)?.code == .malformed)
            peer.send(call, 6, self.call("add", arguments: [0xFF, 0xFF], count: 1))
            #expect(try await self.failure(peer, 6)?.code == .malformed)
            // The same number twice at once would mix up answers.
            let pass = self.call("pass", arguments: [], count: 0)
            peer.send(call, 7, pass)
            try await eventually("the first is executed") { await gate.arrivals == 1 }
            peer.send(call, 7, pass)
            #expect(try await self.failure(peer, 7)?.code == .overloaded)
            #expect(try await actor.value() == 0)
            await gate.open()
        }
    }

    @Test("calls before the greeting, and messages that are none, end the link")
    func nonsense() async throws {
        try await self.withPeer { node, peer, _ in
            let call = self.call("value", arguments: [], count: 0)
            peer.send(Envelope.Tag.call.rawValue, 1, call)
            try await eventually("the link ends") { peer.isEnded }
        }
        try await self.withPeer { node, peer, catalog in
            peer.greet(catalog)
            _ = try await peer.answer(.hello, 0)
            peer.send(ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF]))
            try await eventually("the link ends") { peer.isEnded }
        }
        try await self.withPeer { node, peer, catalog in
            peer.greet(catalog)
            _ = try await peer.answer(.hello, 0)
            peer.send(Envelope.Tag.call.rawValue, 1, [1, 2, 3])
            try await eventually("the link ends") { peer.isEnded }
        }
    }

    @Test("random messages of a greeted peer do no harm", arguments: [UInt64(1), 2, 3])
    func random(seed: UInt64) async throws {
        try await self.withPeer { node, peer, catalog in
            let actor = node.host()
            peer.greet(catalog)
            _ = try await peer.answer(.hello, 0)
            var random = SeededGenerator(seed: seed)
            let sample = self.call("add", arguments: [1], count: 1)
            for id in UInt32(1)...2_000 {
                var bytes = sample
                // Behind kind and method, so that it mostly gets far.
                let place = Int.random(in: 9..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: .min ... .max, using: &random)
                // A head that cannot be read ends the link: that is for the other tests.
                guard (try? Envelope(.call, bytes, BinaryLimits())) != nil else { continue }
                peer.send(Envelope.Tag.call.rawValue, id, bytes)
            }
            // A full mailbox refuses some.
            var id: UInt32 = 9_999
            try await eventually("the actor answers as before") {
                id += 1
                peer.send(Envelope.Tag.call.rawValue, id, sample)
                return peer.has(.reply, from: 10_000)
            }
            _ = actor
        }
    }

    @Test("a node of another cluster, and this node itself, are turned away with a sentence")
    func strangers() async throws {
        try await self.withPeer { node, peer, catalog in
            peer.greet(catalog, cluster: "elsewhere")
            let answer = try await peer.answer(.refused, 0)
            let sentence = "node 99 belongs to the cluster 'elsewhere', not to 'test'"
            #expect(answer == .refused(sentence))
            try await eventually("the link ends") { peer.isEnded }
        }
        try await self.withPeer { node, peer, catalog in
            peer.greet(catalog, node: 1)
            let answer = try await peer.answer(.refused, 0)
            #expect(answer == .refused("node 1 has called itself"))
        }
    }

    @Test("builds whose protocols do not meet do not talk")
    func protocols() async throws {
        let catalog = try await ActorCatalog([])
        func hello(_ protocols: ClosedRange<UInt64>, _ node: Int64) -> Hello {
            var hello = Hello(
                cluster: "c",
                node: NodeEpoch(node),
                build: "b",
                traffic: .control,
                catalog: catalog
            )
            hello.protocols = protocols
            return hello
        }
        #expect(hello(1...2, 1).objection(to: hello(2...3, 2), expected: nil) == nil)
        let objection = hello(1...1, 1).objection(to: hello(2...3, 2), expected: nil)
        #expect(objection?.contains("bring the older build up to date") == true)
    }

    @Test("with certificates nodes call each other; without a node's name nobody does")
    func certificates() async throws {
        let files = try TestCertificates()
        try files.write(files.authority.issue(["localhost", "one.nodes.test"]), "node")
        try files.write(files.authority.issue(["localhost", "somebody.test"]), "stranger")
        func tls(_ name: String) -> ClusterTLS {
            var server = ServerTLS(
                certificatePath: files.path("node.pem"),
                keyPath: files.path("node.key")
            )
            server.clientAuthorityPath = files.authorityPath
            var client = files.client
            client.certificatePath = files.path("\(name).pem")
            client.keyPath = files.path("\(name).key")
            return ClusterTLS(
                server: server,
                client: client,
                nodes: NodeNames(["*.nodes.test"])
            )
        }
        let node = tls("node")
        let stranger = tls("stranger")
        let asNode: @Sendable (inout ClusterConfiguration) -> Void = { $0.tls = node }
        let asStranger: @Sendable (inout ClusterConfiguration) -> Void = { $0.tls = stranger }
        try await ClusterBed.with(configure: asNode) { nodes in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            let sum = try await counter.add(2)
            #expect(sum == 2)
            _ = actor
        }
        try await ClusterBed.with(configure: asStranger) { nodes in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            do {
                _ = try await counter.add(2)
                Issue.record("a stranger was let in")
            } catch let error as ClusterError {
                #expect(error.code == .refused)
                #expect(error.message.contains("its certificate carries no node's name"))
            }
            _ = actor
        }
    }

    @Test("in the clear nodes listen on loopback only")
    func clear() async throws {
        var configuration = ClusterConfiguration(node: NodeEpoch(1), cluster: "test")
        configuration.host = "0.0.0.0"
        let open = configuration
        #expect(throws: ClusterError.self) { try open.validate() }
        configuration.host = "127.0.0.1"
        try configuration.validate()
        configuration.timeout = .zero
        let never = configuration
        #expect { try never.validate() } throws: { "\($0)".contains("'timeout'") }
    }
}
