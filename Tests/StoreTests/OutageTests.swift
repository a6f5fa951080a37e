// Decides that nothing is lost or doubled when the database goes away under a writer.

import ControlRoom
import Postgres
import PulserIR
import Store
import TestBed
import Testing

@Suite(.timeLimit(.minutes(3)))
struct OutageTests {
    @Test("writes that a restart of the server interrupts are all stored, once and in order")
    func restart() async throws {
        let directory = try DataDirectory.open(TestPostgres.temporaryDirectory(), purpose: "tests")
        let server = try await TestPostgres.start(in: directory)
        let configuration = PostgresConfiguration(conninfo: server.conninfo)
        try await StoreBed.with(configuration) { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                _ = try await bed.enqueue(1, lane: lane)
                let run = try await owner.claimOne(lane)
                let log = try await owner.log(lane)
                let (marks, mark) = AsyncStream<Void>.makeStream()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<10 {
                        group.addTask {
                            for turn in 0..<60 {
                                if turn == 20 { mark.yield() }
                                try await owner.writer.submit(
                                    [
                                        .journal(record("w\(worker)", turn + 1)),
                                        .event(event(run.fence.run)),
                                    ],
                                    fence: run.fence,
                                    log: log
                                )
                            }
                        }
                    }
                    // In the middle of the work the server stops, and comes back.
                    for await _ in marks { break }
                    await server.stop()
                    _ = try await TestPostgres.start(in: directory)
                    try await group.waitForAll()
                }
                #expect(!log.isLost)
                let journal = try await bed.store.journal(run.fence.run)
                #expect(Set(journal.map { "\($0.record.step)/\($0.record.attempt)" }).count == 600)
                #expect(journal.count == 600)
                let chunks = try await bed.store.events(lane: lane, from: 1, limit: 10_000)
                #expect(chunks.flatMap(\.lines).map(\.sequence) == Array(1...600))
            }
        }
    }
}
