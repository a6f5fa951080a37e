// Decides how runs are enqueued, found, cancelled and queued again, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RunsTests {
    @Test("runs get rising ids in the order they were given")
    func order() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let runs = (0..<200).map {
                NewRun(lane: lane, planDigest: samplePlan.digest, inputs: "{\"n\":\($0)}")
            }
            let ids = try await bed.store.enqueue(runs, plans: [samplePlan])
            #expect(ids == ids.sorted() && Set(ids).count == 200)
            #expect(try await bed.store.run(ids[150]).inputs == "{\"n\":150}")
        }
    }

    @Test("a key is enqueued once: in one call, in the next, and among many at once")
    func idempotency() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            func run(_ key: String?) -> NewRun {
                NewRun(lane: lane, planDigest: samplePlan.digest, idempotencyKey: key)
            }
            let first = try await bed.store.enqueue(
                [run("a"), run(nil), run("a"), run("b")],
                plans: [samplePlan]
            )
            #expect(first[0] == first[2] && Set(first).count == 3)
            let again = try await bed.store.enqueue([run("b"), run("c"), run(nil), run("a")])
            #expect(again[0] == first[3] && again[3] == first[0])
            let ids = try await withThrowingTaskGroup(of: RunID.self) { group in
                for _ in 0..<8 { group.addTask { try await bed.store.enqueue([run("z")])[0] } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }

    @Test(
        "a key is its lane's: the same one in another lane is another run, and each is told its own"
    )
    func keysOfLanes() async throws {
        try await StoreBed.with { bed in
            let one = try await bed.store.ensureLane(session: "default", lane: "l")
            let other = try await bed.store.ensureLane(session: "default", lane: "m")
            func run(_ lane: Int64) -> NewRun {
                NewRun(lane: lane, planDigest: samplePlan.digest, idempotencyKey: "k")
            }
            let first = try await bed.store.enqueue([run(one)], plans: [samplePlan])
            let both = try await bed.store.enqueue([run(one), run(other), run(one)])
            #expect(both[0] == first[0] && both[2] == first[0] && both[1] != first[0])
            #expect(try await bed.store.run(both[1]).lane == other)
        }
    }

    @Test("an unknown plan or a closed session leaves nothing behind")
    func refused() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let good = NewRun(lane: lane, planDigest: samplePlan.digest, idempotencyKey: "k")
            let bad = NewRun(lane: lane, planDigest: planRow("nobody").digest)
            let refusal = await code {
                _ = try await bed.store.enqueue([good, bad], plans: [samplePlan])
            }
            #expect(refusal == .conflict)
            #expect(try await bed.number("SELECT count(*) FROM run_any") == 0)
            #expect(try await bed.number("SELECT count(*) FROM plan") == 0)

            try await bed.store.createSession(name: "s", intent: "")
            let closed = try await bed.store.ensureLane(session: "s", lane: "l")
            let keyed = NewRun(lane: closed, planDigest: samplePlan.digest, idempotencyKey: "k")
            let id = try await bed.store.enqueue([keyed], plans: [samplePlan])[0]
            _ = try await bed.store.requestCancel(id, reason: "test")
            try await bed.store.archiveSession(name: "s")
            #expect(try await bed.store.enqueue([keyed]) == [id])
            let late = await code { _ = try await bed.enqueue(1, lane: closed) }
            #expect(late == .conflict)
        }
    }

    @Test("a session with open runs is not archived, and an archived one has none")
    func archive() async throws {
        try await StoreBed.with { bed in
            try await bed.store.createSession(name: "busy", intent: "")
            let taken = await code { try await bed.store.createSession(name: "busy", intent: "") }
            #expect(taken == .conflict)
            let lane = try await bed.store.ensureLane(session: "busy", lane: "l")
            let run = try await bed.enqueue(1, lane: lane)[0]
            #expect(await code { try await bed.store.archiveSession(name: "busy") } == .conflict)
            #expect(try await bed.store.requestCancel(run, reason: "test") == .cancelled)
            try await bed.store.archiveSession(name: "busy")
            #expect(await code { try await bed.store.archiveSession(name: "busy") } == .conflict)
            #expect(await code { try await bed.store.archiveSession(name: "none") } == .notFound)
            #expect(
                await code { _ = try await bed.store.ensureLane(session: "busy", lane: "m") }
                    == .notFound
            )
            for round in 0..<20 {
                try await bed.store.createSession(name: "r\(round)", intent: "")
                let lane = try await bed.store.ensureLane(session: "r\(round)", lane: "l")
                await withDiscardingTaskGroup { group in
                    group.addTask { _ = try? await bed.enqueue(1, lane: lane) }
                    group.addTask { try? await bed.store.archiveSession(name: "r\(round)") }
                }
            }
            let broken = """
                SELECT count(*) FROM run_any r JOIN lane l ON l.id = r.lane_id
                JOIN session s ON s.id = l.session_id
                WHERE s.status = 'archived' AND r.status = 'queued'
                """
            #expect(try await bed.number(broken) == 0)
        }
    }

    @Test("makers of one lane at once get one lane")
    func lanes() async throws {
        try await StoreBed.with { bed in
            let ids = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await bed.store.ensureLane(session: "default", lane: "x") }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }

    @Test("a run is named by all its letters or a beginning that no other has")
    func resolve() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let ids = try await bed.enqueue(100, lane: lane)
            let names = ids.map(\.description)
            #expect(try await bed.store.resolveRun(names[7]) == ids[7])
            let beginning = names[7].prefix(7).uppercased()
            #expect(try await bed.store.resolveRun(beginning) == ids[7])
            let letters = Dictionary(grouping: names) { $0.prefix(1) }
            let shared = try #require(letters.first { $0.value.count > 1 }?.key)
            #expect(
                await code { _ = try await bed.store.resolveRun(String(shared)) } == .ambiguous
            )
            #expect(await code { _ = try await bed.store.resolveRun("!") } == .notFound)
            let nobody = RunID(999).description
            #expect(await code { _ = try await bed.store.resolveRun(nobody) } == .notFound)
        }
    }

    @Test("a run queued again keeps its history aside; a run under way keeps its journal")
    func retry() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let id = try await bed.enqueue(1, lane: lane)[0]
                let log = try await owner.log(lane)
                let claimed = try await owner.claimOne(lane)
                try await owner.writer.submit(
                    [.journal(record("a")), .journal(record("b[3]")), .journal(record("a!0"))]
                        + [.journal(record("c", 1, .failed)), .transition(transition(.running))],
                    fence: claimed.fence,
                    log: log
                )
                let live = try await bed.store.run(id)
                let refusal = await code {
                    try await bed.store.retry(live, steps: ["a"], inputs: nil)
                }
                #expect(refusal == .conflict)
                #expect(try await bed.store.journal(id).allSatisfy { !$0.isSuperseded })

                let end = transition(.timedOut)
                try await owner.writer.submit([.transition(end)], fence: claimed.fence, log: log)
                try await bed.text("UPDATE run SET started_at = now() - interval '3 days'")
                let ended = try await bed.store.run(id)
                try await bed.store.retry(ended, steps: ["b", "c"], inputs: "{\"x\":1}")
                let aside = try await bed.store.journal(id).filter(\.isSuperseded)
                #expect(aside.map(\.record.step).sorted() == ["a!0", "b[3]", "c"])
                // Who was slower is told so, and his key is not kept as if he had done it.
                let key = RequestKey(tenant: "t", key: "slow", digest: Digest(of: [1]))
                let second = await code {
                    try await bed.store.retry(ended, steps: [], inputs: nil, key: key)
                }
                #expect(second == .conflict)
                let made = try await bed.store.made(key)
                #expect(made == nil)
                let stale = await code {
                    try await owner.writer.submit(
                        [.journal(record("d"))],
                        fence: claimed.fence,
                        log: log
                    )
                }
                #expect(stale == .stale)

                let again = try await owner.claimOne(lane)
                #expect(again.attempt == 2 && again.hasJournal && again.inputs == "{\"x\":1}")
                #expect(again.ageMilliseconds < 3_600_000)
                try await owner.writer.submit([.journal(record("c"))], fence: again.fence, log: log)
                #expect(try await bed.store.journal(id).last?.record == record("c"))
            }
        }
    }

    @Test("a run that waited keeps its turn when it is queued again; one that had ended comes last")
    func turn() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let ids = try await bed.enqueue(1, lane: lane) + bed.enqueue(2, lane: lane)
                let log = try await owner.log(lane)
                for (status, turn) in [(RunStatus.waiting, 0), (.failed, 2)] {
                    let first = try await owner.claimOne(lane)
                    #expect(first.fence.run == ids[0])
                    try await owner.writer.submit(
                        [.transition(transition(status))],
                        fence: first.fence,
                        log: log
                    )
                    try await bed.store.retry(
                        try await bed.store.run(ids[0]),
                        steps: ["a"],
                        inputs: nil
                    )
                    let queue = try #require(
                        try await bed.text(
                            "SELECT string_agg(id::text, ' ' ORDER BY rank, id) FROM run"
                        )
                    )
                    let place = queue.split(separator: " ").firstIndex { $0 == "\(ids[0].number)" }
                    #expect(place == turn)
                }
            }
        }
    }
}
