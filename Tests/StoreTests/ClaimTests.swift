// Decides which runs a claim takes, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClaimTests {
    @Test("a claim takes due runs by priority and age, as many as there is room")
    func order() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let late = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    priority: 9,
                    delayMilliseconds: 3_600_000
                )
                _ = try await bed.store.enqueue([late], plans: [samplePlan])
                let low = try await bed.enqueue(3, lane: lane)
                let high = try await bed.enqueue(1, lane: lane, priority: 5)
                let want = try await owner.want(lane, room: 3)
                let first = try await owner.writer.claim([want])
                #expect(first.map(\.fence.run) == high + low.prefix(2))
                let second = try await owner.writer.claim([want])
                #expect(second.map(\.fence.run) == [low[2]])
                #expect(try await owner.writer.claim([want]).isEmpty)
                #expect(first.allSatisfy { $0.fence.claimNumber == 1 && !$0.hasJournal })
            }
        }
    }

    @Test("claimers at once never get one run twice")
    func together() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let ids = try await bed.enqueue(300, lane: lane)
                let want = try await owner.want(lane, room: 7)
                let other = WriterActor(store: bed.store, node: owner.node)
                let taken = try await withThrowingTaskGroup(of: [RunID].self) { group in
                    // SAFETY: the group cancels and awaits it when the claimers are done.
                    group.addTask {
                        try? await other.run()
                        return []
                    }
                    for number in 0..<8 {
                        let writer = number % 2 == 0 ? owner.writer : other
                        group.addTask {
                            var mine: [RunID] = []
                            while true {
                                let claimed = try await writer.claim([want])
                                if claimed.isEmpty { return mine }
                                mine += claimed.map(\.fence.run)
                            }
                        }
                    }
                    var taken: [RunID] = []
                    for _ in 0..<8 { taken += try await group.next() ?? [] }
                    group.cancelAll()
                    return taken
                }
                #expect(Set(taken).count == taken.count)
                // A claimer that only met locked runs stopped early; what is left is still queued.
                let left = try await bed.number(
                    "SELECT count(*) FROM run_any WHERE status = 'queued'"
                )
                #expect(taken.count + left == ids.count)
            }
        }
    }

    @Test("a node whose shard moved claims nothing")
    func stale() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                _ = try await bed.enqueue(1, lane: lane)
                let want = try await owner.want(lane, room: 1)
                try await bed.store.release(owner.node, [want.shard])
                #expect(try await owner.writer.claim([want]).isEmpty)
                let taken = try await bed.store.takeShards(1, for: owner.node)
                let next = OwnedShard(
                    shard: want.shard.shard,
                    generation: want.shard.generation + 2
                )
                #expect(taken == [next])
                #expect(try await owner.writer.claim([want]).isEmpty)
            }
        }
    }

    @Test("a run under way is adopted with a higher claim, and its former owner is refused")
    func adopt() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let id = try await bed.enqueue(1, lane: lane)[0]
                let log = try await owner.log(lane)
                let first = try await owner.claimOne(lane)
                let wants = [try await owner.want(lane, room: 0)]
                let second = try #require(try await owner.writer.adopt([id], lanes: wants).first)
                #expect(second.fence.claimNumber == 2)
                // Both claims in one batch: the older neither hides nor passes for the newer.
                async let newer: Void = owner.writer.submit(
                    [.journal(record("a")), .transition(transition(.succeeded))],
                    fence: second.fence,
                    log: log
                )
                async let older = code {
                    try await owner.writer.submit(
                        [.journal(record("a", 1, .failed)), .transition(transition(.failed))],
                        fence: first.fence,
                        log: log
                    )
                }
                try await newer
                #expect(await older == .stale)
                #expect(try await bed.store.run(id).status == .succeeded)
                #expect(try await bed.store.journal(id).map(\.record.state) == [.succeeded])
            }
        }
    }

    @Test("lanes that take over at once each get their own runs, none of another's")
    func adoptTogether() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                var runs: [Int64: RunID] = [:]
                for number in 0..<8 {
                    let lane = try await bed.store.ensureLane(
                        session: "default",
                        lane: "l\(number)"
                    )
                    runs[lane] = try await bed.enqueue(1, lane: lane)[0]
                    _ = try await owner.claimOne(lane)
                }
                let adopted = try await withThrowingTaskGroup(of: (Int64, [RunID]).self) { group in
                    for (lane, run) in runs {
                        group.addTask {
                            let want = try await owner.want(lane, room: 0)
                            let claimed = try await owner.writer.adopt([run], lanes: [want])
                            #expect(claimed.allSatisfy { $0.fence.claimNumber == 2 })
                            return (lane, claimed.map(\.fence.run))
                        }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                #expect(adopted == runs.mapValues { [$0] })
            }
        }
    }
}
