// Decides how much may wait for the database: a lane's share, a node's, and what one commit takes of it.

import PulserIR
import TestKit
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
struct BudgetTests {
    private static let shard = OwnedShard(shard: 1, generation: 1)

    private static func logs(_ count: Int64, _ budget: LogBudget) -> [LaneLog] {
        (1...count).map { lane in
            LaneLog(lane: lane, shard: Self.shard, nextSequence: 1, budget: budget)
        }
    }

    /// Appends an event of about so many bytes.
    private static func print(_ bytes: Int, to log: LaneLog) {
        log.append(
            RunEvent(
                .stepOutput,
                at: 0,
                run: RunID(1),
                data: .object(["line": .string(String(repeating: "x", count: bytes))])
            )
        )
    }

    private static func submission(_ log: LaneLog, artifact bytes: Int = 0) -> Submission {
        let fence = RunFence(
            run: RunID(log.lane),
            lane: log.lane,
            shard: log.shard,
            claimNumber: 1
        )
        var writes: [RunWrite] = []
        if bytes > 0 {
            writes.append(
                .artifact(
                    ArtifactRow(
                        step: "s",
                        name: "f",
                        digest: Digest(of: []),
                        size: Int64(bytes),
                        mediaType: "text/plain",
                        content: [UInt8](repeating: 0, count: bytes)
                    )
                )
            )
        }
        return Submission(fence: fence, writes: writes, log: log, seal: nil, waiter: nil)
    }

    @Test("a lane pauses at its own limit, and at its share once all together are at theirs")
    func shares() {
        let budget = LogBudget()
        let logs = Self.logs(40, budget)
        Self.print(LaneLog.waitingBytesMax - 1_000, to: logs[0])
        #expect(!logs[0].isFull)
        Self.print(1_000, to: logs[0])
        #expect(logs[0].isFull)
        for log in logs[1..<34] { Self.print(1_000_000, to: log) }
        #expect(budget.bytes > LogBudget.bytesMax)
        #expect(logs[5].isFull)
        // One that prints little is not hindered by the others.
        Self.print(100, to: logs[35])
        #expect(!logs[35].isFull)
        Self.print(LogBudget.laneShareBytes, to: logs[35])
        #expect(logs[35].isFull)
    }

    @Test("bytes count until they are stored or given up, however that comes about")
    func released() throws {
        let budget = LogBudget()
        var logs = Self.logs(4, budget)
        for log in logs { Self.print(5_000, to: log) }
        let all = budget.bytes
        #expect(all > 20_000)
        var chunks = try logs[0..<2].map { try #require($0.take()) }
        #expect(budget.bytes == all, "on their way")
        chunks.removeLast()
        #expect(budget.bytes == all / 4 * 3, "one is stored")
        logs[2].lose()
        #expect(budget.bytes == all / 4 * 2)
        Self.print(5_000, to: logs[2])
        #expect(budget.bytes == all / 4 * 2, "nothing of a lost log waits")
        logs.removeLast()
        #expect(budget.bytes == all / 4)
        chunks = []
        #expect(budget.bytes == 0)
    }

    @Test("what is too much for one commit is parted by lanes, each with all that belongs to it")
    func parted() throws {
        let logs = Self.logs(10, LogBudget())
        var chunks: [WritePart.Chunk] = []
        var submissions: [Submission] = []
        for log in logs {
            Self.print(1_000_000, to: log)
            chunks.append((log, try #require(log.take())))
            submissions.append(Self.submission(log))
        }
        // The last has a file that is larger than a commit should be.
        submissions.append(Self.submission(logs[9], artifact: 2 * WritePart.bytesMax))
        let parts = WritePart.parts(of: submissions, chunks)
        #expect(
            parts.map { $0.chunks.map(\.log.lane) } == [[1, 2, 3, 4], [5, 6, 7, 8], [9], [10]]
        )
        for part in parts {
            #expect(Set(part.submissions.map(\.log.lane)) == Set(part.chunks.map(\.log.lane)))
        }
        #expect(parts.last?.submissions.count == 2)
        let few = WritePart.parts(of: Array(submissions.prefix(3)), Array(chunks.prefix(3)))
        #expect(few.count == 1 && few[0].submissions.count == 3)
        #expect(WritePart.parts(of: [], []).count == 1)
    }

    @Test("lanes that print more than a commit takes are stored whole, and nothing is left waiting")
    func stored() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                var logs: [LaneLog] = []
                for number in 0..<12 {
                    let lane = try await bed.store.ensureLane(
                        session: "default",
                        lane: "l\(number)"
                    )
                    logs.append(try await owner.log(lane))
                }
                for log in logs { for _ in 0..<90 { Self.print(10_000, to: log) } }
                #expect(owner.writer.budget.bytes > 2 * WritePart.bytesMax)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for log in logs {
                        let fence = RunFence(
                            run: RunID(1),
                            lane: log.lane,
                            shard: log.shard,
                            claimNumber: 0
                        )
                        group.addTask {
                            try await owner.writer.submit([], fence: fence, log: log)
                        }
                    }
                    try await group.waitForAll()
                }
                for log in logs {
                    let stored = try await bed.store.events(lane: log.lane, from: 1, limit: 1_000)
                    #expect(stored.map(\.count).reduce(0, +) == 90)
                }
                // The writer lets a commit go right after its waiters heard of it.
                try await eventually("nothing waits") { owner.writer.budget.bytes == 0 }
            }
        }
    }
}
