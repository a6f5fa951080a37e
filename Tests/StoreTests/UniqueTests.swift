// Decides that there is one run of a kind at a time, whoever asks for others, ends it or dies.

import PulserIR
import Synchronization
import TestKit
import Testing

@testable import Store

@Suite("Unique runs", .timeLimit(.minutes(3)))
struct UniqueTests {
    /// A run that is unique by `policy`.
    private static func wish(
        _ lane: Int64,
        _ policy: Uniqueness.Conflict = .reject,
        key: String = "k",
        inputs: String = "{}",
        delay: Int64 = 0,
        scope: Uniqueness.Scope = .lane,
        period: Int64? = nil
    ) -> NewRun {
        NewRun(
            lane: lane,
            planDigest: samplePlan.digest,
            inputs: inputs,
            delayMilliseconds: delay,
            unique: Uniqueness(
                key: key,
                scope: scope,
                periodMilliseconds: period,
                onConflict: policy
            )
        )
    }

    private static func start(_ bed: StoreBed, _ run: NewRun) async throws -> StartedRun {
        try await bed.store.start(run, plans: [samplePlan], startedBy: "sam")
    }

    /// What must hold at every instant; one statement sees one.
    private static let faults = """
        SELECT (SELECT count(*) FROM (
                SELECT r.unique_key FROM run r WHERE r.unique_key IS NOT NULL AND r.unique_ms IS NULL
                GROUP BY r.unique_key HAVING count(*) > 1) twice)
            || ' kept twice, ' || (
                SELECT count(*) FROM run r WHERE r.unique_key IS NOT NULL AND r.unique_ms IS NULL
                AND NOT EXISTS (SELECT FROM run_unique u
                    WHERE u.key = r.unique_key AND u.run_id = r.id))
            || ' without their key, ' || (
                SELECT count(*) FROM run_unique u WHERE u.until IS NULL AND NOT EXISTS (
                    SELECT FROM run r WHERE r.id = u.run_id AND r.unique_key = u.key))
            || ' keys leaked'
        """
    private static let none = "0 kept twice, 0 without their key, 0 keys leaked"

    @Test("a second run of a kind is refused or joins the first, until the first has ended")
    func refused() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let other = try await bed.store.ensureLane(session: "default", lane: "B")
            let first = try await Self.start(bed, Self.wish(lane))
            #expect(first.outcome == .made)
            let second = try await Self.start(bed, Self.wish(lane))
            #expect(second == StartedRun(id: first.id, outcome: .held))
            let joined = try await Self.start(bed, Self.wish(lane, .join))
            #expect(joined == StartedRun(id: first.id, outcome: .joined))
            #expect(try await Self.start(bed, Self.wish(lane, key: "other")).outcome == .made)
            #expect(try await Self.start(bed, Self.wish(other)).outcome == .made)
            // The session's key is another one than the lane's.
            let wide = try await Self.start(bed, Self.wish(lane, scope: .session))
            #expect(wide.outcome == .made)
            let far = try await Self.start(bed, Self.wish(other, .join, scope: .session))
            #expect(far == StartedRun(id: wide.id, outcome: .joined))
            #expect(try await bed.store.run(wide.id).unique?.scope == .session)
            // Nobody owns the lane, so the cancelled run ends at once.
            #expect(try await bed.store.requestCancel(first.id, reason: "x") == .cancelled)
            #expect(try await bed.text(Self.faults) == Self.none)
            #expect(try await Self.start(bed, Self.wish(lane)).outcome == .made)
        }
    }

    @Test("a run that nobody has claimed is replaced in its place; one under way is not")
    func replaced() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let first = try await Self.start(bed, Self.wish(lane, delay: 60_000))
            var wish = Self.wish(lane, .replace, inputs: "{\"n\":2}")
            wish.priority = 7
            let second = try await bed.store.start(wish, plans: [planRow("newer")])
            #expect(second == StartedRun(id: first.id, outcome: .replaced))
            let run = try await bed.store.run(first.id)
            #expect(run.inputs == "{\"n\":2}" && run.priority == 7 && run.status == .queued)
            try await Owner.with(bed) { owner in
                let claimed = try await owner.claimOne(lane)
                #expect(claimed.fence.run == first.id)
                for policy in [Uniqueness.Conflict.replace, .debounce] {
                    let late = try await Self.start(bed, Self.wish(lane, policy, inputs: "{}"))
                    #expect(late == StartedRun(id: first.id, outcome: .held))
                }
                #expect(try await bed.store.run(first.id).inputs == "{\"n\":2}")
                try await owner.writer.submit(
                    [.transition(transition(.succeeded))],
                    fence: claimed.fence,
                    log: try await owner.log(lane)
                )
                #expect(try await bed.text(Self.faults) == Self.none)
                #expect(try await Self.start(bed, Self.wish(lane, .replace)).outcome == .made)
            }
        }
    }

    @Test("debounce puts a run off with every wish, but not for ever")
    func debounced() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let first = try await Self.start(bed, Self.wish(lane, .debounce, delay: 60_000))
            let left = "SELECT round(extract(epoch FROM due_at - now()) / 100) FROM run"
            #expect(try await bed.number(left) <= 1)
            let later = Self.wish(lane, .debounce, inputs: "{\"n\":2}", delay: 600_000)
            let second = try await Self.start(bed, later)
            #expect(second == StartedRun(id: first.id, outcome: .debounced))
            #expect(try await bed.number(left) == 6)
            #expect(try await bed.store.run(first.id).inputs == "{\"n\":2}")
            var last = later
            last.unique?.debounceMilliseconds = 120_000
            #expect(try await Self.start(bed, last).outcome == .debounced)
            #expect(try await bed.number(left) == 1)
        }
    }

    @Test("a key taken for a time stays taken when its run has ended, and no longer")
    func period() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let first = try await Self.start(bed, Self.wish(lane, period: 3_600_000))
            #expect(try await bed.store.requestCancel(first.id, reason: "x") == .cancelled)
            let second = try await Self.start(bed, Self.wish(lane, .replace, period: 3_600_000))
            #expect(second == StartedRun(id: first.id, outcome: .held))
            try await bed.text("UPDATE run_unique SET until = now() - interval '1 s'")
            #expect(try await Self.start(bed, Self.wish(lane, period: 1)).outcome == .made)
            try await eventually("the time is over") {
                try await bed.store.sweepUnique(limit: 10) == 1
            }
            #expect(try await bed.number("SELECT count(*) FROM run_unique") == 0)
        }
    }

    @Test("a run that is queued again takes its key again, or is refused by the run that has it")
    func again() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let first = try await Self.start(bed, Self.wish(lane))
            #expect(try await bed.store.requestCancel(first.id, reason: "x") == .cancelled)
            try await bed.store.retry(try await bed.store.run(first.id), steps: ["a"], inputs: nil)
            #expect(try await Self.start(bed, Self.wish(lane)).outcome == .held)
            #expect(try await bed.store.requestCancel(first.id, reason: "x") == .queued)
            try await bed.text("DELETE FROM run_unique")
            try await bed.text(
                """
                WITH gone AS (DELETE FROM run RETURNING *)
                INSERT INTO run_done SELECT (jsonb_populate_record(NULL::run_done, to_jsonb(gone)
                    || '{"status": "cancelled", "is_done": true}'
                    || jsonb_build_object('finished_at', now()))).* FROM gone
                """
            )
            let second = try await Self.start(bed, Self.wish(lane))
            #expect(second.outcome == .made)
            let row = try await bed.store.run(first.id)
            let error = await #expect(throws: StoreError.self) {
                try await bed.store.retry(row, steps: ["a"], inputs: nil)
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("\(second.id)") == true, "\(error?.message ?? "")")
            #expect(try await bed.store.run(first.id).status == .cancelled)
            #expect(try await bed.text(Self.faults) == Self.none)
        }
    }

    @Test("of many runs stored at once each one's uniqueness holds")
    func batch() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let runs = [
                Self.wish(lane, key: "b"), NewRun(lane: lane, planDigest: samplePlan.digest),
                Self.wish(lane, .join, key: "b"), Self.wish(lane, key: "a"),
                Self.wish(lane, .replace, key: "a", inputs: "{\"n\":2}"),
            ]
            let made = try await bed.store.enqueueUnique(runs, plans: [samplePlan])
            #expect(made.map(\.outcome) == [.made, .made, .joined, .made, .replaced])
            #expect(made[0].id == made[2].id && made[3].id == made[4].id)
            #expect(try await bed.store.enqueue(runs).count == 5)
            #expect(try await bed.number("SELECT count(*) FROM run") == 4)
            #expect(try await bed.text(Self.faults) == Self.none)
        }
    }

    @Test("the same request again is answered with the run it joined")
    func keyed() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let first = try await Self.start(bed, Self.wish(lane))
            let key = RequestKey(tenant: "t", key: "once", digest: samplePlan.digest)
            for outcome in [StartOutcome.joined, .replayed] {
                let started = try await bed.store.start(
                    Self.wish(lane, .join),
                    plans: [],
                    key: key
                )
                #expect(started == StartedRun(id: first.id, outcome: outcome))
            }
            // What was refused is not kept: the same request may succeed later.
            let refused = RequestKey(tenant: "t", key: "twice", digest: samplePlan.digest)
            let held = try await bed.store.start(Self.wish(lane), plans: [], key: refused)
            #expect(held.outcome == .held)
            #expect(try await bed.store.requestCancel(first.id, reason: "x") == .cancelled)
            let made = try await bed.store.start(Self.wish(lane), plans: [], key: refused)
            #expect(made.outcome == .made)
        }
    }

    @Test(
        "whoever asks, ends, retries or loses connections at once: one open run of a kind, no key left",
        arguments: [false, true]
    )
    func history(isOwned: Bool) async throws {
        try await StoreBed.with { bed in
            let lanes = [
                try await bed.store.ensureLane(session: "default", lane: "A", width: 8),
                try await bed.store.ensureLane(session: "default", lane: "B", width: 8),
            ]
            _ = try await bed.store.enqueue([], plans: [samplePlan])
            if isOwned {
                try await Owner.with(bed) { try await Self.play(bed, lanes, $0) }
            } else {
                try await Self.play(bed, lanes, nil)
            }
            // The last connections that were cut may be found only now.
            try await eventually("nobody cuts connections any more, and all rules hold") {
                guard let found = try? await bed.text(Self.faults) else { return false }
                #expect(found == Self.none)
                return true
            }
            try await eventually("the runs are counted") {
                guard let made = try? await bed.number("SELECT count(*) FROM run_any") else {
                    return false
                }
                #expect(made > 20)
                return true
            }
        }
    }

    /// What an open run of this history may be known by.
    private final class Known: Sendable {
        private let ids = Mutex<[RunID]>([])
        private let over = Mutex(false)
        var isOver: Bool { self.over.withLock { $0 } }
        func end() { self.over.withLock { $0 = true } }
        func add(_ id: RunID) { self.ids.withLock { $0.append(id) } }
        func any(_ random: inout SeededGenerator) -> RunID? {
            self.ids.withLock { $0.suffix(12).randomElement(using: &random) }
        }
    }

    private static func play(_ bed: StoreBed, _ lanes: [Int64], _ owner: Owner?) async throws {
        let known = Known()
        var work: [(want: ClaimWant, log: LaneLog)] = []
        if let owner {
            for lane in lanes {
                work.append((try await owner.want(lane, room: 4), try await owner.log(lane)))
            }
        }
        let wanted = work
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !known.isOver {
                    let found = try? await bed.text(Self.faults)
                    if let found { #expect(found == Self.none) }
                }
            }
            if let owner {
                group.addTask { await Self.serve(owner, wanted, known) }
            }
            try await withThrowingTaskGroup(of: Void.self) { clients in
                for seed in 1...6 {
                    clients.addTask {
                        var random = SeededGenerator(seed: UInt64(seed))
                        for _ in 0..<150 { await Self.act(bed, lanes, known, &random) }
                    }
                }
                try await clients.waitForAll()
            }
            known.end()
            try await group.waitForAll()
        }
    }

    /// Claims and ends runs, some of them badly.
    private static func serve(
        _ owner: Owner,
        _ work: [(want: ClaimWant, log: LaneLog)],
        _ known: Known
    ) async {
        var random = SeededGenerator(seed: 99)
        while !known.isOver {
            for (want, log) in work {
                guard let claimed = try? await owner.writer.claim([want]) else { continue }
                for run in claimed {
                    let status: RunStatus = Bool.random(using: &random) ? .succeeded : .failed
                    try? await owner.writer.submit(
                        [.transition(transition(status))],
                        fence: run.fence,
                        log: log
                    )
                }
            }
        }
    }

    /// One thing that a client does; a connection that is cut off is not its fault.
    private static func act(
        _ bed: StoreBed,
        _ lanes: [Int64],
        _ known: Known,
        _ random: inout SeededGenerator
    ) async {
        func wish() -> NewRun {
            Self.wish(
                lanes.randomElement(using: &random) ?? 0,
                Uniqueness.Conflict.allCases.randomElement(using: &random) ?? .join,
                key: "k\(Int.random(in: 0...2, using: &random))",
                delay: Int.random(in: 0...3, using: &random) == 0 ? 20 : 0,
                scope: Bool.random(using: &random) ? .lane : .session,
                period: Int.random(in: 0...5, using: &random) == 0 ? 5 : nil
            )
        }
        switch Int.random(in: 0...19, using: &random) {
        case 0:
            _ = try? await bed.text(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND wait_event_type IS NOT NULL AND random() < 0.3
                """
            )
        case 1...3:
            guard let id = known.any(&random) else { return }
            _ = try? await bed.store.requestCancel(id, reason: "no more")
        case 4...6:
            guard let id = known.any(&random), let row = try? await bed.store.run(id) else {
                return
            }
            try? await bed.store.retry(row, steps: ["a"], inputs: nil)
        case 7...9:
            let made = try? await bed.store.enqueueUnique((0..<3).map { _ in wish() })
            for run in made ?? [] { known.add(run.id) }
        default:
            guard let made = try? await Self.start(bed, wish()) else { return }
            known.add(made.id)
        }
    }
}
