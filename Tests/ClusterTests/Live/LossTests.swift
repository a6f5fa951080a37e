// Connections that end while calls are open: nothing is done twice, nobody waits for ever.

import PulserIR
import TestKit
import TestPeers
import Testing

@testable import Cluster

@Suite("Lost connections", .timeLimit(.minutes(3)))
struct LossTests {
    /// Runs two nodes, the second of which is reached through a proxy.
    private func withProxy(
        _ body: @Sendable ([TestNode], CutProxy) async throws -> Void
    ) async throws {
        try await ClusterBed.with { nodes in
            let proxy = CutProxy(to: nodes[1].address.port)
            let port = try await proxy.start()
            nodes[0].directory.set(
                nodes[1].epoch,
                NodeAddress(host: "127.0.0.1", port: port)
            )
            let result: Result<Void, any Error>
            do { result = .success(try await body(nodes, proxy)) } catch {
                result = .failure(error)
            }
            try await proxy.stop()
            try result.get()
        }
    }

    @Test(
        "a call that is open when the connection ends has an unknown outcome, and is not repeated"
    )
    func unknown() async throws {
        try await self.withProxy { nodes, proxy in
            let gate = Gate()
            let actor = nodes[1].host(1, gate)
            let counter = try nodes[0].counter(of: nodes[1])
            // SAFETY: awaited below.
            let call = Task { await code { try await counter.pass() } }
            try await eventually("it is executed") { await gate.arrivals == 1 }
            proxy.cut()
            #expect(await call.value == .unknownOutcome)
            proxy.heal()
            await gate.open()
            // The next call makes a new connection by itself.
            #expect(try await counter.add(1) == 1)
            #expect(await gate.arrivals == 1)
            #expect(proxy.connections > 1)
            _ = actor
        }
    }

    @Test("a call that may be repeated is, over a new connection")
    func repeated() async throws {
        try await self.withProxy { nodes, proxy in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            #expect(try await counter.add(4) == 4)
            // Its answer is lost on the way.
            proxy.mute()
            // SAFETY: awaited below.
            let call = Task { try await counter.value() }
            try await eventually("the connection is used") {
                nodes[1].system.health(of: nodes[0].epoch)?.silence != nil
            }
            proxy.cut()
            proxy.heal()
            #expect(try await call.value == 4)
            _ = actor
        }
    }

    @Test("a named operation is executed once although its answer is lost")
    func exactlyOnce() async throws {
        try await self.withProxy { nodes, proxy in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            #expect(try await counter.add(1) == 1)
            proxy.mute()
            var options = CallOptions()
            options.operation = OperationID()
            let named = options
            // SAFETY: awaited below.
            let call = Task {
                try await withCallOptions(named) { try await counter.add(10) }
            }
            try await eventually("it was executed") { try await actor.value() == 11 }
            proxy.cut()
            proxy.heal()
            #expect(try await call.value == 11)
            // Asked for again, by name: the same answer, without executing it.
            #expect(try await withCallOptions(named) { try await counter.add(10) } == 11)
            // The owner itself is answered from memory too.
            let local = try nodes[1].counter(of: nodes[1])
            #expect(try await withCallOptions(named) { try await local.add(10) } == 11)
            #expect(try await actor.log() == [1, 10])
        }
    }

    @Test("an answer that comes too late for one attempt is waited for by the next")
    func late() async throws {
        try await ClusterBed.with { nodes in
            let gate = Gate()
            let actor = nodes[1].host(1, gate)
            let counter = try nodes[0].counter(of: nodes[1])
            // Connected: making the connection is not to take the time of an attempt.
            #expect(try await counter.value() == 0)
            var options = CallOptions()
            options.operation = OperationID()
            // An attempt takes a third of it: the second begins while the first is executed.
            options.timeout = .seconds(12)
            let named = options
            // SAFETY: awaited below.
            let call = Task {
                await withCallOptions(named) { await code { try await counter.pass() } }
            }
            try await eventually("it is executed") { await gate.arrivals == 1 }
            try await eventually("the second attempt has come") {
                nodes[1].system.waitingOperations > 0
            }
            await gate.open()
            #expect(await call.value == nil)
            #expect(await gate.arrivals == 1)
            _ = actor
        }
    }

    @Test("a connection that is to be replaced ends its calls first, and the next call has another")
    func replaced() async throws {
        try await self.withProxy { nodes, proxy in
            let gate = Gate()
            let actor = nodes[1].host(1, gate)
            let counter = try nodes[0].counter(of: nodes[1])
            // SAFETY: awaited below.
            let open = Task { try await counter.pass() }
            try await eventually("it is executed") { await gate.arrivals == 1 }
            let key = LinkPool.Key(node: nodes[0].epoch, traffic: .control)
            let link = try #require(nodes[1].system.node?.pool.existing(key))
            // As at the renewal of a certificate.
            link.retire()
            // Refused by the mailbox's order only: it waits behind the one that is executed.
            // SAFETY: awaited below.
            let next = Task { try await counter.add(1) }
            await gate.open()
            try await open.value
            #expect(try await next.value == 1)
            await link.untilEnded()
            #expect(try await counter.add(1) == 2)
            #expect(proxy.connections == 2)
            _ = actor
        }
    }

    @Test("while nobody listens calls fail as not sent, and go through again afterwards")
    func refused() async throws {
        try await self.withProxy { nodes, proxy in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            proxy.cut()
            #expect(await code { try await counter.add(1) } == .unreachable)
            proxy.heal()
            try await eventually("the node is reached again") {
                await code { try await counter.add(1) } == nil
            }
            #expect(try await actor.log() == [1])
        }
    }

    @Test("another life of a node is not taken for the one that was meant")
    func otherLife() async throws {
        try await ClusterBed.with(nodes: 3) { nodes in
            let actor = nodes[1].host()
            nodes[0].directory.set(nodes[1].epoch, nodes[2].address)
            let counter = try nodes[0].counter(of: nodes[1])
            do {
                _ = try await counter.add(1)
                Issue.record("another node answered")
            } catch let error as ClusterError {
                #expect(error.code == .refused)
                #expect(error.message.contains("node 3 listens where node 2 was expected"))
            }
            _ = actor
        }
    }

    @Test("a node that ends fails its open calls at once")
    func ended() async throws {
        let (calls, continuation) = AsyncStream<Task<ClusterError.Code?, Never>>.makeStream()
        try await ClusterBed.with { nodes in
            let gate = Gate()
            let actor = nodes[1].host(1, gate)
            let counter = try nodes[0].counter(of: nodes[1])
            // SAFETY: awaited below.
            let call = Task { await code { try await counter.pass() } }
            try await eventually("it is executed") { await gate.arrivals == 1 }
            continuation.yield(call)
            continuation.finish()
            withExtendedLifetime(actor) {}
        }
        for await call in calls {
            let end = await call.value
            #expect(end == .unknownOutcome || end == .ended)
        }
    }
}
