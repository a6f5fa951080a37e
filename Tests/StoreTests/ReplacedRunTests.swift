// Decides what of a queued run is left when another one takes its place: its number, and nothing people said of it.

import PulserIR
import Testing

@testable import Store

@Suite("Runs that are replaced", .timeLimit(.minutes(2)))
struct ReplacedRunTests {
    private static func wish(
        _ lane: Int64,
        _ policy: Uniqueness.Conflict,
        key: String = ""
    ) -> NewRun {
        NewRun(
            lane: lane,
            planDigest: samplePlan.digest,
            delayMilliseconds: policy == .debounce ? 60_000 : 0,
            key: key,
            unique: Uniqueness(key: "k", onConflict: policy)
        )
    }

    /// A decision and a signal for a run that is queued.
    private static func speak(_ bed: StoreBed, _ run: RunID) async throws {
        let decision = NewDecision(
            run: run,
            attempt: 1,
            step: "ok",
            needed: 1,
            person: "anna",
            isApproval: true
        )
        #expect(try await bed.store.decide(decision) == .stored)
        _ = try await bed.store.send(
            NewSignal(run: run, name: "paid", payload: "1", sender: "anna", key: "s")
        )
    }

    private static let said = """
        SELECT (SELECT count(*) FROM approval_decision) + (SELECT count(*) FROM signal)
        """

    @Test(
        "what people decided about a run, and sent to it, is gone with what it was",
        arguments: Uniqueness.Conflict.allCases
    )
    func decisions(policy: Uniqueness.Conflict) async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            func start(_ run: NewRun, by person: String) async throws -> StartedRun {
                try await bed.store.start(run, plans: [samplePlan], startedBy: person)
            }
            let first = try await start(Self.wish(lane, .reject, key: "alice"), by: "sam")
            let other = NewRun(lane: lane, planDigest: samplePlan.digest)
            try await Self.speak(bed, first.id)
            try await Self.speak(bed, try await start(other, by: "sam").id)
            let second = try await start(Self.wish(lane, policy, key: "bob"), by: "anna")
            #expect(second.id == first.id)
            let isChanged = [.replaced, .debounced].contains(second.outcome)
            #expect(isChanged == [.replace, .debounce].contains(policy))
            // What was said to the other run stays.
            #expect(try await bed.number(Self.said) == (isChanged ? 2 : 4))
            let decided = try await bed.store.decisions(first.id, step: "ok")
            #expect(decided.isEmpty == isChanged)
            #expect(try await bed.store.starter(of: first.id) == (isChanged ? "anna" : "sam"))
            #expect(try await bed.store.run(first.id).key == (isChanged ? "bob" : "alice"))
            // Anna decides about what it is now, and her signal is a new one.
            if isChanged { try await Self.speak(bed, first.id) }
            #expect(try await bed.number(Self.said) == 4)
        }
    }

    @Test(
        "a run has the deadlines of what it is now, or none",
        arguments: Uniqueness.Conflict.allCases
    )
    func deadlines(policy: Uniqueness.Conflict) async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            func start(
                _ policy: Uniqueness.Conflict,
                _ deadline: RunDeadline?
            ) async throws -> StartedRun {
                try await bed.store.start(
                    Self.wish(lane, policy),
                    plans: [samplePlan],
                    deadline: deadline
                )
            }
            let old = RunDeadline(startMilliseconds: 3_600_000, runMilliseconds: 7_200_000)
            let id = try await start(.reject, old).id
            let before = try await bed.store.deadlines(of: id)
            #expect(before.count == 2)
            let second = try await start(policy, RunDeadline(endsAt: 4_102_444_800_000))
            let after = try await bed.store.deadlines(of: id)
            guard [.replaced, .debounced].contains(second.outcome) else {
                #expect(after == before)
                return
            }
            let end = StandingDeadline(isStart: false, milliseconds: 4_102_444_800_000)
            #expect(after == [end])
            #expect(try await start(policy, nil).id == id)
            #expect(try await bed.number("SELECT count(*) FROM run_deadline") == 0)
        }
    }

    @Test(
        "a run that was paused is not what it is paused for any more",
        arguments: Uniqueness.Conflict.allCases
    )
    func paused(policy: Uniqueness.Conflict) async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            func start(_ policy: Uniqueness.Conflict) async throws -> StartedRun {
                try await bed.store.start(Self.wish(lane, policy), plans: [samplePlan])
            }
            func pauses(_ id: RunID) async throws -> String? {
                try await bed.text("SELECT concat_ws(' ', paused_by, pause_no) FROM run")
            }
            let id = try await start(.reject).id
            _ = try await bed.store.requestPause(id, by: "anna")
            #expect(try await pauses(id) == "anna 1")
            let second = try await start(policy)
            #expect(second.id == id)
            let isChanged = [.replaced, .debounced].contains(second.outcome)
            // An owner that hears of both goes by the later one.
            #expect(try await pauses(id) == (isChanged ? "2" : "anna 1"))
            // What was not paused is not resumed.
            _ = try await start(policy)
            #expect(try await pauses(id) == (isChanged ? "2" : "anna 1"))
            guard second.outcome == .replaced else { return }
            try await Owner.with(bed) { owner in
                let claimed = try await owner.claimOne(lane)
                #expect(claimed.fence.run == id)
            }
        }
    }

    @Test("a deadline that is passed at the moment of the replacement is passed once, by one run")
    func race() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            for _ in 0..<20 {
                let late = RunDeadline(startMilliseconds: 1)
                async let wished = bed.store.start(
                    Self.wish(lane, .replace),
                    plans: [samplePlan],
                    deadline: late
                )
                async let passed = bed.store.passDeadlines(limit: 10)
                _ = try await (wished, passed)
            }
            let last = try await bed.store.start(Self.wish(lane, .replace), plans: [samplePlan])
            #expect([.made, .replaced].contains(last.outcome))
            #expect(try await bed.store.passDeadlines(limit: 10) == (0, 0))
            #expect(try await bed.store.run(last.id).status == .queued)
            #expect(try await bed.number("SELECT count(*) FROM run") == 1)
        }
    }

    @Test("plain SQL replaces the same: key, deadlines, decisions")
    func plain() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                func ask(_ more: String) async throws -> RunID {
                    let sql = "SELECT enqueue_run('A', 'mail', '{\"to\": \"a\"}', \(more))"
                    let letters = try await client.ask(sql).first
                    return try #require(letters.flatMap { RunID($0) })
                }
                let kind = "unique_key => 'k', delay => '1 min'"
                let day = "date_trunc('day', now()) + interval '300 d'"
                let milliseconds = try #require(
                    try await client.ask("SELECT extract(epoch FROM \(day))::bigint * 1000").first
                )
                let id = try await ask("\(kind), key => 'alice', ttl => '1 h', deadline => '2 h'")
                try await Self.speak(bed, id)
                let join = "\(kind), on_conflict => 'join', key => 'bob', ttl => '3 h'"
                #expect(try await ask(join) == id)
                #expect(try await bed.number(Self.said) == 2)
                #expect(try await bed.store.run(id).key == "alice")
                #expect(try await bed.store.deadlines(of: id).count == 2)
                for policy in ["replace", "debounce"] {
                    let change = "\(kind), on_conflict => '\(policy)', key => 'bob'"
                    let end = "deadline_at => \(day), idempotency_key => '\(policy)'"
                    // The same request again changes nothing.
                    for _ in 0..<2 { #expect(try await ask("\(change), \(end)") == id) }
                    #expect(try await bed.number(Self.said) == 0)
                    #expect(try await bed.store.run(id).key == "bob")
                    let told = try await bed.store.deadlines(of: id)
                    #expect(told.map(\.milliseconds) == [Int64(milliseconds)], "\(policy)")
                    #expect(try await ask(change) == id)
                    #expect(try await bed.store.deadlines(of: id).isEmpty)
                    try await Self.speak(bed, id)
                }
            }
        }
    }

    @Test("who has a run run again with other inputs has started it; who changes nothing has not")
    func retried() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            func start() async throws -> (run: RunID, part: RunID) {
                let wish = NewRun(lane: lane, planDigest: samplePlan.digest)
                let started = try await bed.store.start(
                    wish,
                    plans: [samplePlan],
                    startedBy: "anna"
                )
                var part = wish
                (part.parent, part.depth) = (started.id, 1)
                return (started.id, try #require(try await bed.store.enqueue([part]).first))
            }
            let rounds: [(person: String?, inputs: String?, starter: String)] = [
                ("ben", nil, "anna"), (nil, "{}", "anna"), ("ben", "{\"n\":1}", "ben"),
            ]
            for round in rounds {
                let (id, part) = try await start()
                #expect(try await bed.store.requestCancel(id, reason: "x") == .cancelled)
                let run = try await bed.store.run(id)
                let (inputs, person) = (round.inputs, round.person)
                try await bed.store.retry(run, steps: ["a"], inputs: inputs, by: person)
                for run in [id, part] {
                    #expect(try await bed.store.starter(of: run) == round.starter)
                }
            }
            // Of a part as well.
            let (id, part) = try await start()
            #expect(try await bed.store.requestCancel(part, reason: "x") == .cancelled)
            let row = try await bed.store.run(part)
            try await bed.store.retry(row, steps: ["a"], inputs: "{}", by: "cleo")
            #expect(try await bed.store.starter(of: part) == "cleo")
            #expect(try await bed.store.starter(of: id) == "anna")
            // While it waits, too.
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([try await owner.want(lane, room: 9)])
                let run = try #require(claimed.first { $0.fence.run == id })
                try await owner.writer.submit(
                    [.transition(transition(.waiting))],
                    fence: run.fence,
                    log: try await owner.log(lane)
                )
                let row = try await bed.store.run(id)
                try await bed.store.retry(row, steps: ["a"], inputs: "{}", by: "dora")
                #expect(try await bed.store.run(id).status == .queued)
                #expect(try await bed.store.starter(of: id) == "dora")
            }
        }
    }
}
