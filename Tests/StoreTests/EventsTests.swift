// Decides that a lane's log has no gaps and is readable from anywhere, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct EventsTests {
    @Test("a lane's shard is told by its number, as the database tells it")
    func shard() async throws {
        try await StoreBed.with { bed in
            var lanes: [Int64] = []
            for number in 0..<100 {
                lanes.append(try await bed.store.ensureLane(session: "default", lane: "l\(number)"))
            }
            let rows = try await bed.store.loadLanes(lanes)
            #expect(rows.count == 100)
            for row in rows { #expect(LaneShard.of(row.id) == row.shard, "lane \(row.id)") }
            #expect(Set(rows.map(\.shard)).count > 90)
            // As it is for every number that a lane may have within reason.
            #expect(
                LaneShard.of(3_000_000_000) == 3_000_000_000 * 2_654_435_761 % 4_294_967_296
                    / 4_194_304
            )
        }
    }

    @Test("appenders and flushes at once leave a log without gaps, readable from any cursor")
    func gapless() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let log = try await owner.log(lane)
                await withDiscardingTaskGroup { group in
                    for number in 0..<8 {
                        group.addTask {
                            for turn in 0..<100 {
                                log.append(event(RunID(Int64(number * 100 + turn + 1))))
                                if turn % 10 == number { owner.writer.flush(log) }
                                await Task.yield()
                            }
                        }
                    }
                }
                let fence = RunFence(run: RunID(1), lane: lane, shard: log.shard, claimNumber: 0)
                try await owner.writer.submit([], fence: fence, log: log)
                let chunks = try await bed.store.events(lane: lane, from: 1, limit: 10_000)
                let lines = chunks.flatMap(\.lines)
                #expect(lines.map(\.sequence) == Array(1...800))
                for (sequence, line) in lines {
                    let text = String(decoding: line, as: UTF8.self)
                    #expect(text.hasPrefix("{\"seq\":\(sequence),"))
                }
                for cursor in [Int64(1), 2, 399, 400, 799, 800] {
                    let first = try await bed.store.events(lane: lane, from: cursor, limit: 1)
                    let chunk = try #require(first.first)
                    #expect(chunk.firstSequence <= cursor && cursor < chunk.endSequence)
                }
                #expect(try await bed.store.events(lane: lane, from: 801).isEmpty)
                #expect(try await bed.store.loadLanes([lane]).first?.nextSequence == 801)
            }
        }
    }
}
