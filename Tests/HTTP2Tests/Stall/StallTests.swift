// Nothing that a server owes is forgotten, however busy the machine and however odd the peer's pace.

import HTTP2
import Synchronization
import TestKit
import Testing

@Suite("Stalls")
struct StallTests {
    /// Each peer waits for every answer before it asks for more: a wake-up that is lost is never made
    /// good by a later one.
    @Test("peers that wait for each answer get it on a busy machine")
    func conversations() async throws {
        let run = FuzzRun(sessions: 2)
        try await withWireServer { server in
            let port = server.port
            try await withBusyThreads(6) {
                var number: UInt64 = 0
                defer { run.ended(number, "stalls: rounds of 12 conversations") }
                while run.goesOn(number) {
                    try await Self.converse(port, seed: run.seed &+ number &* 12)
                    number += 1
                }
            }
            try await onOwnThread { try FloodTests.beHonest(port: port) }
        }
    }

    @Test("resets that are waited for come on a busy machine", arguments: Attack.made.dropLast())
    func resets(_ attack: Attack) async throws {
        var configuration = HTTPServerConfiguration()
        // A slow machine must not make a peer look patient.
        configuration.limits.glitchesPerSecond = 0
        try await withWireServer(configuration) { server in
            let port = server.port
            try await withBusyThreads(2) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            try await onOwnThread { try attack.runSlowly(port: port) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    private static func converse(_ port: Int, seed: UInt64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<12 as Range<UInt64> {
                group.addTask {
                    let seed = seed &+ number
                    do {
                        try await onOwnThread {
                            let conversation = try StallConversation(port: port, seed: seed)
                            for _ in 0..<60 { try conversation.step() }
                        }
                    } catch {
                        throw WireFailure("\(error); again with OPSROOM_SEED=\(seed)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Says that busy threads may rest.
private final class BusyEnd: Sendable {
    let isOver = Atomic(false)
}

/// Runs `body` while so many threads do nothing but compute.
private func withBusyThreads(
    _ count: Int,
    _ body: @Sendable () async throws -> Void
) async throws {
    let end = BusyEnd()
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<count {
            group.addTask {
                try await onOwnThread {
                    var random = SeededGenerator(seed: 1)
                    while !end.isOver.load(ordering: .relaxed) { _ = random.next() }
                }
            }
        }
        defer { end.isOver.store(true, ordering: .relaxed) }
        try await body()
    }
}
