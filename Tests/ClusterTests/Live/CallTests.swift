// Calls between nodes: both ways, in order, with errors, deadlines, cancellation.

import PulserIR
import TestKit
import Testing

@testable import Cluster

@Suite("Calls between nodes", .timeLimit(.minutes(3)))
struct CallTests {
    @Test("calls go both ways over one connection, with values of every shape")
    func bothWays() async throws {
        try await ClusterBed.with { nodes in
            let first = nodes[0].host()
            let second = nodes[1].host()
            let there = try nodes[0].counter(of: nodes[1])
            let back = try nodes[1].counter(of: nodes[0])
            #expect(try await there.add(5) == 5)
            #expect(try await back.add(7) == 7)
            let note = Counter.Note(text: "hällo", numbers: [1, 2, 3])
            let answer = try await back.note(note)
            #expect(answer == Counter.Note(text: "HÄLLO", numbers: [3, 2, 1]))
            // What the actors themselves know.
            #expect(try await first.value() == 7)
            #expect(try await second.value() == 5)
            #expect(nodes[0].system.health(of: nodes[1].epoch)?.silence != nil)
        }
    }

    @Test("calls of one sender reach an actor in the order in which they were made")
    func order() async throws {
        try await ClusterBed.with { nodes in
            let gate = Gate()
            let actor = nodes[1].host(1, gate)
            let remote = try nodes[0].counter(of: nodes[1])
            let local = try nodes[1].counter(of: nodes[1])
            for reference in [remote, local] {
                // One after the other begins; none waits for the one before.
                async let blocked: Void = reference.pass()
                try await eventually("the mailbox is busy") { await gate.arrivals > 0 }
                await withTaskGroup(of: Void.self) { tasks in
                    for number in 0..<50 {
                        tasks.addImmediateTask { _ = try? await reference.add(number) }
                    }
                    await gate.open()
                }
                try await blocked
            }
            #expect(try await actor.log() == Array(0..<50) + Array(0..<50))
        }
    }

    @Test("an actor's error comes as it is where its type allows it, else as type and words")
    func errors() async throws {
        try await ClusterBed.with { nodes in
            let actor = nodes[1].host()
            for caller in nodes {
                let counter = try caller.counter(of: nodes[1])
                await #expect(throws: CounterError(reason: "as asked")) {
                    try await counter.fail(openly: true)
                }
            }
            let remote = try nodes[0].counter(of: nodes[1])
            do {
                try await remote.fail(openly: false)
                Issue.record("no error came")
            } catch let error as ClusterError {
                #expect(error.code == .thrown)
                #expect(error.typeName == "ClusterTests.SecretError")
                #expect(error.message.contains("a detail"))
            }
            _ = actor
        }
    }

    @Test("a method that no declaration lists cannot be called, nor an actor that is not there")
    func unknown() async throws {
        try await ClusterBed.with { nodes in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            #expect(await code { try await counter.hidden() } == .configuration)
            let nobody = try nodes[0].counter(99, of: nodes[1])
            #expect(await code { try await nobody.value() } == .noActor)
            let dead = try nodes[0].system.reference(
                to: Counter.self,
                .number(1),
                at: .node(NodeEpoch(77))
            )
            #expect(await code { try await dead.value() } == .unreachable)
            _ = actor
        }
    }

    @Test("a reference sent as an argument can be called where it arrives")
    func references() async throws {
        try await ClusterBed.with(nodes: 3) { nodes in
            let actors = nodes.map { $0.host() }
            let second = try nodes[0].counter(of: nodes[1])
            let third = try nodes[0].counter(of: nodes[2])
            #expect(try await second.through(other: third, 4) == 4)
            #expect(try await actors[2].value() == 4)
        }
    }

    @Test("a call that would wait for itself is refused, over nodes too")
    func cycles() async throws {
        try await ClusterBed.with { nodes in
            let actors = nodes.map { $0.host() }
            let own = try nodes[0].counter(of: nodes[0])
            let other = try nodes[0].counter(of: nodes[1])
            for caller in [own, other] {
                do {
                    _ = try await caller.through(other: caller, 1)
                    Issue.record("an actor waited for itself")
                } catch let error as ClusterError {
                    // On another node the error of the inner call is the outer method's.
                    #expect(error.code == .cycle || error.typeName == "Cluster.ClusterError")
                    #expect(error.message.contains("waits for the call"))
                }
            }
            #expect(try await other.add(1) == 1)
            _ = actors
        }
    }

    @Test("a call ends at its deadline, and what it began is cancelled")
    func deadlines() async throws {
        try await ClusterBed.with { nodes in
            for caller in nodes {
                let gate = Gate()
                await gate.open()
                let cancellations = Counted()
                let actor = nodes[1].system.host(.number(1)) {
                    Counter(gate: gate, cancellations: cancellations, actorSystem: $0)
                }
                let counter = try caller.counter(of: nodes[1])
                var options = CallOptions()
                options.timeout = .milliseconds(300)
                // On a busy machine a call may end before it is executed: then it began nothing.
                repeat {
                    let end = await withCallOptions(options) {
                        await code { try await counter.untilCancelled() }
                    }
                    #expect(end == .timedOut)
                } while await gate.arrivals == 0
                try await eventually("the callee is cancelled") { cancellations.count > 0 }
                // The calls behind it have a task that is not cancelled.
                #expect(try await counter.add(1) == 1)
                _ = actor
            }
        }
    }

    @Test("a cancelled caller cancels what it began, and takes back what waits")
    func cancellation() async throws {
        try await ClusterBed.with { nodes in
            for caller in nodes {
                let gate = Gate()
                await gate.open()
                let cancellations = Counted()
                let actor = nodes[1].system.host(.number(1)) {
                    Counter(gate: gate, cancellations: cancellations, actorSystem: $0)
                }
                let counter = try caller.counter(of: nodes[1])
                // SAFETY: awaited below.
                let began = Task { await code { try await counter.untilCancelled() } }
                try await eventually("the first is executed") { await gate.arrivals == 1 }
                let waiting = Task { await code { try await counter.add(100) } }
                // SAFETY: awaited below.
                let behind = Task { try await counter.value() }
                waiting.cancel()
                #expect(await waiting.value == .cancelled)
                began.cancel()
                #expect(await began.value == .cancelled)
                try await eventually("the callee is cancelled") { cancellations.count == 1 }
                #expect(try await behind.value == 0)
                _ = actor
            }
        }
    }

    @Test("a full mailbox refuses at once and goes on")
    func overload() async throws {
        try await ClusterBed.with { nodes in
            let gate = Gate()
            let actor = nodes[1].host(1, gate)
            let counter = try nodes[0].counter(of: nodes[1])
            async let blocked: Void = counter.pass()
            try await eventually("the actor is busy") { await gate.arrivals == 1 }
            let codes = await withTaskGroup(of: ClusterError.Code?.self) { tasks in
                for _ in 0..<(Counter.mailboxMax + 20) {
                    tasks.addTask { await code { try await counter.add(1) } }
                }
                var codes: [ClusterError.Code?] = []
                // Refusals come while the actor is still busy.
                while codes.count < 20, let next = await tasks.next() { codes.append(next) }
                await gate.open()
                for await next in tasks { codes.append(next) }
                return codes
            }
            #expect(codes.filter { $0 == .overloaded }.count == 20)
            #expect(codes.filter { $0 == nil }.count == Counter.mailboxMax)
            try await blocked
            #expect(try await actor.value() == Counter.mailboxMax)
        }
    }

    @Test("arguments and results that are too large are refused with a sentence")
    func large() async throws {
        let small: @Sendable (inout ClusterConfiguration) -> Void = { $0.limits.bytesMax = 10_000 }
        try await ClusterBed.with(configure: small) { nodes in
            let actor = nodes[1].host()
            let counter = try nodes[0].counter(of: nodes[1])
            #expect(try await counter.large(bytes: 9_000).count == 9_000)
            do {
                _ = try await counter.large(bytes: 20_000)
                Issue.record("a large result came")
            } catch let error as ClusterError {
                #expect(error.code == .notEncodable)
                #expect(error.message.contains("larger than 10000 bytes"))
            }
            let text = String(repeating: "x", count: 20_000)
            let note = Counter.Note(text: text, numbers: [])
            #expect(await code { try await counter.note(note) } == .notEncodable)
            #expect(try await counter.add(1) == 1)
            _ = actor
        }
    }

    @Test("trace and remaining time go along, and on to the next actor")
    func context() async throws {
        try await ClusterBed.with { nodes in
            let actors = nodes.map { $0.host() }
            let text = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
            var options = CallOptions()
            options.trace = TraceContext(traceparent: text)
            for caller in nodes {
                let counter = try caller.counter(of: nodes[1])
                let context = try await withCallOptions(options) { try await counter.context() }
                #expect(context == [text, "time left"])
            }
            _ = actors
        }
    }

    @Test("a probe goes through an actor, and tells what the other node knows")
    func probes() async throws {
        try await ClusterBed.with { nodes in
            nodes[1].directory.raise(to: 42)
            let version = try await nodes[0].system.probe(nodes[1].epoch, timeout: .seconds(10))
            #expect(version == 42)
            let health = nodes[0].system.health(of: nodes[1].epoch)
            #expect(health?.roundTrip != nil && health?.silence != nil)
            // The one that knows less hears of it by the next call.
            _ = try await nodes[1].system.probe(nodes[0].epoch, timeout: .seconds(10))
            #expect(nodes[0].directory.heardVersion == 42)
        }
    }
}
