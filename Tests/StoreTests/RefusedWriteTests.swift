// Decides what the log says of writes under a claim that is not the run's any more.

import Postgres
import PulserIR
import Store
import TestBed
import TestKit
import Testing

@Suite("Refused writes", .timeLimit(.minutes(2)))
struct RefusedWriteTests {
    /// The kinds of a lane's events, in their order.
    private static func kinds(_ run: Claimed) async throws -> [String] {
        let chunks = try await run.bed.store.events(lane: run.lane, from: 1, limit: 10_000)
        let lines = chunks.flatMap(\.lines)
        #expect(lines.map(\.sequence) == Array(1...Int64(max(1, lines.count))))
        return try lines.map { try JSONValue(parsing: Array($0.line))["type"]?.stringValue ?? "" }
    }

    /// Has what `body` submits wait for its shard, be cut off there by the server and sent again; before it
    /// goes on, the run is claimed anew.
    private static func claimedAnew(
        _ run: Claimed,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await run.bed.cuttingOff(
            run.fence.shard,
            "UPDATE run SET claim_no = claim_no + 1",
            body
        )
    }

    @Test("of what is stored together only the refused is told as refused")
    func together() async throws {
        try await Claimed.with { run in
            _ = try await run.bed.enqueue(1, lane: run.lane)
            let other = try await run.owner.claimOne(run.lane)
            try await run.bed.text(
                "UPDATE run SET claim_no = claim_no + 1 WHERE id = \(run.fence.run.number)"
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for turn in 1...200 {
                    group.addTask {
                        try await run.owner.writer.submit(
                            [.journal(record("a", turn)), .event(event(other.fence.run))],
                            fence: other.fence,
                            log: run.log
                        )
                    }
                    guard turn % 50 == 0 else { continue }
                    group.addTask {
                        let writes: [RunWrite] = [
                            .journal(record("a", turn)), .event(event(run.fence.run)),
                        ]
                        #expect(await code { try await run.submit(writes) } == .stale)
                    }
                }
                try await group.waitForAll()
            }
            let kinds = try await Self.kinds(run)
            #expect(kinds.count == 204 && kinds.count { $0 == "write.refused" } == 4)
            #expect(try await run.rows("step_journal") == 200)
            #expect(!run.log.isLost)
        }
    }

    @Test("what was kept while the database did not take it is refused as well")
    func kept() async throws {
        try await Claimed.with { run in
            try await Self.claimedAnew(run) {
                #expect(await code { try await run.submit(run.all) } == .stale)
            }
            #expect(try await Self.kinds(run) == ["write.refused"])
            #expect(try await run.bed.store.run(run.fence.run).status == .claimed)
            #expect(!run.log.isLost)
        }
    }

    @Test(
        "what was stored before its acknowledgement was lost stays told, whoever has the run since"
    )
    func acknowledged() async throws {
        try await Claimed.with { run in
            let writes: [RunWrite] = [
                .journal(record("a")), .transition(transition(.running)),
                .event(event(run.fence.run)),
            ]
            try await run.submit(writes)
            let before = try await Self.kinds(run)
            // Who sends it again has the same log.
            let twin = LaneLog(lane: run.lane, shard: run.fence.shard, nextSequence: 1)
            try await Self.claimedAnew(run) {
                let refusal = await code {
                    try await run.owner.writer.submit(writes, fence: run.fence, log: twin)
                }
                #expect(refusal == .stale)
            }
            #expect(try await Self.kinds(run) == before && before.count == 1)
            #expect(!twin.isLost)
        }
    }
}
