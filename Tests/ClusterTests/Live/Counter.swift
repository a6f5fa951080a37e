// The actors that tests call.

import Distributed
import Synchronization

@testable import Cluster

/// What an actor may tell its callers.
struct CounterError: Error, Codable, Hashable {
    var reason: String
}

/// What an actor does not tell its callers.
struct SecretError: Error {
    var detail = "a detail"
}

/// Something that happens in a test once, and that others wait for.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// How many have come here.
    private(set) var arrivals = 0

    func open() {
        self.isOpen = true
        for waiter in self.waiters { waiter.resume() }
        self.waiters = []
    }

    func pass() async {
        self.arrivals += 1
        guard !self.isOpen else { return }
        await withCheckedContinuation { self.waiters.append($0) }
    }
}

/// Counts, waits and fails on demand.
distributed actor Counter: ClusterActor {
    typealias ActorSystem = ClusterSystem

    struct Note: Codable, Sendable, Hashable {
        var text: String
        var numbers: [Int]
    }

    static let kind = ActorKind("test.counter")
    static let mailboxMax = 64
    static let errors: [any (Error & Codable & Sendable).Type] = [CounterError.self]
    static let methods: [ClusterMethod<Counter>] = [
        ClusterMethod("add") { _ = try await $0.add(0) },
        ClusterMethod("value", isIdempotent: true) { _ = try await $0.value() },
        ClusterMethod("note") { _ = try await $0.note(Note(text: "", numbers: [])) },
        ClusterMethod("log") { _ = try await $0.log() },
        ClusterMethod("pass") { try await $0.pass() },
        ClusterMethod("untilCancelled") { _ = try await $0.untilCancelled() },
        ClusterMethod("fail") { try await $0.fail(openly: true) },
        ClusterMethod("through") { _ = try await $0.through(other: $0, 0) },
        ClusterMethod("context") { _ = try await $0.context() },
        ClusterMethod("large") { _ = try await $0.large(bytes: 0) },
    ]

    let gate: Gate
    private var sum = 0
    private var numbers: [Int] = []
    /// How often a call was cancelled while it was executed.
    let cancellations: Counted

    init(gate: Gate, cancellations: Counted = Counted(), actorSystem: ClusterSystem) {
        self.gate = gate
        self.cancellations = cancellations
        self.actorSystem = actorSystem
    }

    distributed func add(_ number: Int) -> Int {
        self.sum += number
        self.numbers.append(number)
        return self.sum
    }

    distributed func value() -> Int { self.sum }

    distributed func note(_ note: Note) -> Note {
        Note(text: note.text.uppercased(), numbers: note.numbers.reversed())
    }

    distributed func log() -> [Int] { self.numbers }

    /// Returns when the gate is open.
    distributed func pass() async { await self.gate.pass() }

    /// Returns when it is cancelled.
    distributed func untilCancelled() async -> Bool {
        await self.gate.pass()
        await Signal().wait()
        self.cancellations.increment()
        return Task.isCancelled
    }

    distributed func fail(openly: Bool) throws {
        if openly { throw CounterError(reason: "as asked") }
        throw SecretError()
    }

    /// Calls another actor, which may call back.
    distributed func through(other: Counter, _ number: Int) async throws -> Int {
        try await other.add(number)
    }

    distributed func context() -> [String] {
        let context = CallContext.current
        return [
            context?.trace?.traceparent ?? "",
            (context?.remaining ?? .zero) > .zero ? "time left" : "no time",
        ]
    }

    distributed func large(bytes: Int) -> [UInt8] { [UInt8](repeating: 7, count: bytes) }

    /// Not listed: nobody can call it from elsewhere.
    distributed func hidden() -> Int { 1 }
}

/// A number that several threads count up.
final class Counted: Sendable {
    private let state = Mutex(0)
    var count: Int { self.state.withLock { $0 } }
    func increment() { self.state.withLock { $0 += 1 } }
}

/// Never comes; ends when its waiter is cancelled.
struct Signal {
    func wait() async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }
}

/// An actor with methods of other types, whose numbers a hostile peer may send to a counter.
distributed actor Stranger: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("test.stranger")
    static let methods: [ClusterMethod<Stranger>] = [
        ClusterMethod("strange") { _ = try await $0.strange("", 0) }
    ]

    distributed func strange(_ text: String, _ number: Double) -> String { "\(text)\(number)" }
}
