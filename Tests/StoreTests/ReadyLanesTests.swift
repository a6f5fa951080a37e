// Decides which lanes a node is told of that have something to take, and what is read for it.

import Postgres
import PulserIR
import TestBed
import Testing

@testable import Store

@Suite("Ready lanes", .timeLimit(.minutes(2)))
struct ReadyLanesTests {
    @Test("lanes with something to take are found, whichever others are passed over")
    func gaps() async throws {
        try await StoreBed.with { bed in
            var lanes: [Int64] = []
            for number in 0..<6 {
                let lane = try await bed.store.ensureLane(session: "default", lane: "L\(number)")
                let run = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    key: number.isMultiple(of: 2) ? "k" : ""
                )
                _ = try await bed.store.enqueue([run], plans: [samplePlan])
                lanes.append(lane)
            }
            let empty = try await bed.store.ensureLane(session: "default", lane: "empty")
            try await Owner.with(bed) { [lanes] owner in
                for passed in [[], [lanes[0]], [lanes[2], lanes[3]], [empty, lanes[5]], lanes] {
                    let found = try await bed.store.readyLanes(of: owner.node, except: passed)
                    #expect(found.map(\.lane).sorted() == lanes.filter { !passed.contains($0) })
                }
            }
        }
    }

    /// Pages that the statement reads of this node's lanes, those of `lanes` passed over.
    private static func pages(
        _ connection: PostgresConnection,
        passing lanes: [Int64]
    ) async throws -> Int {
        let array = "ARRAY[\(lanes.map(String.init).joined(separator: ","))]::bigint[]"
        let rows = try await connection.query(
            "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE ready(1, \(array))"
        )
        // The first node has those of all others.
        let plan = (0..<rows.count).compactMap { rows.columnText($0, 0) }.joined(separator: "\n")
        let pages = try #require(
            plan.firstMatch(of: /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/)
        )
        return [pages.1, pages.2].compactMap { $0.flatMap { Int($0) } }.reduce(0, +)
    }

    @Test("what a lane has taken is not read again where the lane is passed over")
    func taken() async throws {
        try await StoreBed.with { bed in
            var lanes: [Int64] = []
            for name in ["A", "B", "C"] {
                lanes.append(try await bed.store.ensureLane(session: "default", lane: name))
            }
            for lane in [lanes[0], lanes[2]] { _ = try await bed.enqueue(1, lane: lane) }
            _ = try await bed.enqueue(10_000, lane: lanes[1])
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: logger
            )
            let holder = try await PostgresConnection.connect(bed.configuration, logger: logger)
            // For as long as somebody's transaction is open, entries of the index stay.
            try await holder.script(
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM run"
            )
            try await connection.script(
                "UPDATE run SET status = 'running', claim_no = 1 WHERE lane_id = \(lanes[1])"
            )
            try await connection.script(
                "PREPARE ready (bigint, bigint[]) AS \(RunsSQL.readyLanes.sql)"
            )
            // The first reading is dearer than those after it, which is not what this is about.
            _ = try await Self.pages(connection, passing: [])
            let all = try await Self.pages(connection, passing: [])
            let others = try await Self.pages(connection, passing: [lanes[1]])
            #expect(others * 10 < all, "\(others) pages beside a lane, \(all) with it")
            await holder.close()
            await connection.close()
        }
    }
}
