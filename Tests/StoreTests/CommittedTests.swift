// Decides what is told of a commit, on the node and by notice, against a real server.

import PulserIR
import Store
import Synchronization
import Testing

/// What a writer's hook was told.
private final class Told: Sendable {
    private let chunks = Mutex<[CommittedChunk]>([])

    var all: [CommittedChunk] { self.chunks.withLock { $0 } }

    func add(_ chunks: [CommittedChunk]) { self.chunks.withLock { $0 += chunks } }
}

@Suite(.timeLimit(.minutes(2)))
struct CommittedTests {
    private static func with(
        _ bed: StoreBed,
        _ owner: Owner,
        _ body: @Sendable (WriterActor, Told) async throws -> Void
    ) async throws {
        let told = Told()
        let writer = WriterActor(store: bed.store, node: owner.node) { told.add($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            defer { group.cancelAll() }
            try await body(writer, told)
        }
    }

    @Test("whoever waits for a commit hears of it after its chunks were told, as they are stored")
    func told() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let log = try await owner.log(lane)
                let fence = RunFence(run: RunID(1), lane: lane, shard: log.shard, claimNumber: 0)
                try await Self.with(bed, owner) { writer, told in
                    for turn in 1...50 {
                        for _ in 0..<turn { log.append(event(fence.run)) }
                        try await writer.submit([], fence: fence, log: log)
                        #expect(told.all.last?.endSequence == log.nextSequence)
                    }
                    let stored = try await bed.store.events(lane: lane, from: 1, limit: 1_000)
                    #expect(told.all.allSatisfy { $0.lane == lane })
                    #expect(told.all.map(\.firstSequence) == stored.map(\.firstSequence))
                    #expect(told.all.map(\.count) == stored.map(\.count))
                    #expect(told.all.map(\.bytes) == stored.map(\.bytes))
                }
            }
        }
    }

    @Test("what the database refused is not told")
    func refused() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                var shard = try await owner.shard(of: lane)
                shard.generation -= 1
                let old = LaneLog(lane: lane, shard: shard, nextSequence: 1)
                let fence = RunFence(run: RunID(1), lane: lane, shard: shard, claimNumber: 0)
                try await Self.with(bed, owner) { writer, told in
                    old.append(event(fence.run))
                    let refusal = await code {
                        try await writer.submit([], fence: fence, log: old)
                    }
                    #expect(refusal == .stale)
                    #expect(told.all.isEmpty)
                }
            }
        }
    }

    @Test("notices name every lane that grew with its end, however many there are")
    func notices() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let shard = try #require(owner.shards.values.first)
                // Long numbers: a thousand such pairs are more than one notice can carry.
                let first: Int64 = 1_000_000_000_000_000_000
                let logs = (0..<1_000).map {
                    LaneLog(lane: first + $0, shard: shard, nextSequence: first)
                }
                let wanted = Dictionary(
                    uniqueKeysWithValues: logs.map { ($0.lane, $0.nextSequence + 3) }
                )
                let (notices, heard) = AsyncStream<Notice>.makeStream()
                let listener = Listener(
                    configuration: bed.configuration,
                    channels: [.events],
                    logger: logger
                )
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await listener.run { heard.yield($0) } }
                    defer { group.cancelAll() }
                    var ends: [Int64: Int64] = [:]
                    for await notice in notices {
                        #expect(Set(notice.ids) == Set(notice.ends.keys))
                        ends.merge(notice.ends) { max($0, $1) }
                        if ends == wanted { break }
                        guard notice.ids.isEmpty else { continue }
                        // It listens.
                        for log in logs {
                            for _ in 0..<3 { log.append(event(RunID(1))) }
                            owner.writer.flush(log)
                        }
                    }
                    #expect(ends == wanted)
                }
            }
        }
    }
}
