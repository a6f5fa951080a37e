// Decides nothing; tells how fast one connection is.

import Logging
import Postgres
import TestBed
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ThroughputTests {
    @Test("one connection's speed is told")
    func speed() async throws {
        let one = PostgresStatement("speed.one", [], "SELECT 1")
        try await withFreshConnection { connection, _ in
            _ = try await connection.execute(one)
            let sequential = try await Self.perSecond(5_000, each: 1) {
                _ = try await connection.execute(one)
            }
            let batch = [PostgresRequest](repeating: PostgresRequest(one), count: 100)
            let pipelined = try await Self.perSecond(500, each: 100) {
                _ = try await connection.pipeline(batch)
            }
            print("sequential \(sequential)/s, batches of 100 \(pipelined)/s")
        }
    }

    private static func perSecond(
        _ times: Int,
        each: Int,
        _ body: () async throws -> Void
    ) async throws -> Int {
        let began = ContinuousClock.now
        for _ in 0..<times { try await body() }
        let elapsed = (ContinuousClock.now - began) / .seconds(1)
        return Int(Double(times * each) / elapsed)
    }
}
