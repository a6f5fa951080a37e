// Decides that with keys no row of any table holds what runs are given and yield in the clear, and that it reads back.

import Postgres
import PulserIR
import StateMachines
import Testing

@testable import Store

@Suite("Sealed rows", .timeLimit(.minutes(2)))
struct SealedRowsTests {
    private static let canary = "canary-7f3a"
    private static var value: String { "{\"word\":\"\(Self.canary)\"}" }

    /// The same database through a store with these keys.
    private static func store(_ bed: StoreBed, _ ring: SealRing?) -> Store {
        Store(pool: bed.store.pool, logger: logger, seal: ring)
    }

    /// Everything that goes in and out of runs: a failure, a retry, an end, one that is under way.
    private static func live(_ bed: StoreBed, _ store: Store) async throws -> [RunID] {
        let lane = try await store.ensureLane(session: "default", lane: "l")
        let runs = (0..<3).map { _ in
            NewRun(lane: lane, planDigest: samplePlan.digest, inputs: Self.value)
        }
        var all = try await store.enqueue(runs, plans: [samplePlan])
        let started = try await store.start(runs[0], plans: [])
        _ = try await store.requestCancel(started.id, reason: "not wanted")
        let row = try await store.run(all[2])
        all.append(started.id)
        var settings = ScheduleSettings(rules: ["every 1m"], zone: "UTC")
        settings.anchor = 0
        _ = try await store.createSchedule(
            NewSchedule(
                name: "s",
                lane: lane,
                plan: samplePlan.digest,
                inputs: Self.value,
                settings: settings,
                by: "eve"
            )
        )
        let schedule = try await store.schedule("s")
        let made = try await store.makeRuns(
            of: schedule,
            plan: samplePlan.digest,
            inputs: try store.inputs(of: schedule),
            ticks: nil,
            by: "eve",
            key: nil
        )
        all.append(try #require(made?.run))
        let ids = all
        try await Owner.with(bed.through(store)) { owner in
            let ends: [RunStatus?] = [.failed, .succeeded, nil, .failed]
            for (id, end) in zip(ids[..<3] + ids[4...], ends) {
                let run = try await owner.claimOne(lane)
                #expect(run.fence.run == id)
                #expect(try store.inputs(of: run) == Self.value)
                try await Self.work(run.fence, end, owner, store)
            }
            try await store.retry(try await store.run(ids[0]), steps: ["b"], inputs: Self.value)
            let again = try await owner.claimOne(lane)
            let journal = try await store.journal(again.fence.run)
            #expect(Set(journal.map(\.record.outputs)) == [["word": .string(Self.canary)]])
        }
        #expect(row.inputs == Self.value)
        return ids
    }

    private static func work(
        _ fence: RunFence,
        _ end: RunStatus?,
        _ owner: Owner,
        _ store: Store
    ) async throws {
        let log = try await owner.log(fence.lane)
        var written = record("a")
        written.result = .object(["stdout": .string(Self.canary)])
        written.outputs = ["word": .string(Self.canary)]
        var other = written
        other.step = "b"
        var told = event(fence.run)
        told.data = .object(["text": .string(Self.canary)])
        let artifact = ArtifactRow(
            step: "a",
            name: "f",
            digest: Digest(of: [1]),
            size: 1,
            mediaType: "text/plain",
            content: Array(Self.canary.utf8)
        )
        try await owner.writer.submit(
            [.journal(record("b", 1, .intent)), .journal(written), .artifact(artifact)],
            fence: fence,
            log: log
        )
        try await Self.talk(fence, store)
        guard let end else {
            return try await owner.writer.submit(
                [.journal(other), .event(told)],
                fence: fence,
                log: log
            )
        }
        var last = transition(end)
        last.outputs = end == .succeeded ? Self.value : nil
        last.failure = end == .failed ? Self.canary : nil
        try await owner.writer.submit(
            [.journal(other), .transition(last), .event(told)],
            fence: fence,
            log: log
        )
    }

    /// A signal, sent twice, and an approval.
    private static func talk(_ fence: RunFence, _ store: Store) async throws {
        _ = try await store.send(
            NewSignal(run: fence.run, name: "go", payload: Self.value, sender: "eve", key: "k")
        )
        let again = try await store.send(
            NewSignal(run: fence.run, name: "go", payload: Self.value, sender: "eve", key: "k")
        )
        #expect(again.isReplay && again.row.payload == Self.value)
        let taken = try await store.takeSignal(
            "go",
            for: "b",
            attempt: 1,
            within: nil,
            fence: fence
        )
        #expect(taken.signal?.payload == Self.value)
        _ = try await store.ask(
            ApprovalQuestion(step: "ok", needed: 2, message: Self.canary),
            fence: fence
        )
        _ = try await store.decide(
            NewDecision(
                run: fence.run,
                attempt: 1,
                step: "ok",
                needed: 2,
                person: "eve",
                isApproval: true,
                form: Self.value,
                comment: Self.canary
            )
        )
        let said = try await store.decisions(fence.run, step: "ok")
        #expect(said.map(\.form) == [Self.value] && said.map(\.comment) == [Self.canary])
    }

    /// The tables in which somebody who reads the database's files finds the word.
    private static func leaks(_ bed: StoreBed) async throws -> Set<String> {
        let hex = Self.canary.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let names = try await bed.text(
            """
            SELECT string_agg(c.relname, ',') FROM pg_class c
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
            """
        )
        var leaks: Set<String> = []
        let tables = (names ?? "").split(separator: ",")
        #expect(tables.count > 20)
        for table in tables {
            let count = try await bed.number(
                """
                SELECT count(*) FROM \(table) t
                WHERE t::text LIKE '%\(Self.canary)%' OR t::text LIKE '%\(hex)%'
                """
            )
            if count != 0 { leaks.insert(String(table.replacing(/_\d{8}$/, with: ""))) }
        }
        return leaks
    }

    @Test("without keys the word is in nine tables, so that the next test looks where it would be")
    func plain() async throws {
        try await StoreBed.with { bed in
            _ = try await Self.live(bed, Self.store(bed, nil))
            #expect(
                try await Self.leaks(bed) == [
                    "run", "run_done", "run_events", "step_journal", "signal", "approval",
                    "approval_decision", "artifact", "schedule",
                ]
            )
            #expect(try await bed.store.sealed().isEmpty)
        }
    }

    @Test("with keys no table has the word, and everything reads back as it was written")
    func sealed() async throws {
        let ring = try SealRing(SealRing.newLine("k1"))
        try await StoreBed.with { bed in
            let store = Self.store(bed, ring)
            let ids = try await Self.live(bed, store)
            #expect(try await Self.leaks(bed).isEmpty)
            let done = try await store.run(ids[1])
            #expect(done.inputs == Self.value && done.outputs == Self.value)
            #expect(try await store.journal(ids[1]).count == 2)
            let list = try await store.runs(RunFilter())
            #expect(list.allSatisfy { $0.inputs == Self.value })
            let bytes = try await store.artifactContent(ids[1], step: "a", name: "f")
            #expect(bytes == Array(Self.canary.utf8))
            let log = try await store.events(lane: done.lane, from: 1)
            #expect(log.allSatisfy { String(decoding: $0.bytes, as: UTF8.self).contains("canary") })
            let page = try await store.events(lane: done.lane, from: 1, bytesMax: 1_000_000)
            #expect(page == log && !log.isEmpty)
            let asked = try await store.openApprovals(limit: 10)
            #expect(asked.allSatisfy { $0.question.message == Self.canary })
            let kinds = Set(try await store.sealed().map { "\($0.what) \($0.key)" })
            #expect(
                kinds == [
                    "inputs k1", "outputs k1", "results k1", "signals k1", "questions k1",
                    "decisions k1", "schedules k1", "events k1", "artifacts k1", "failures k1",
                ]
            )
        }
    }

    @Test(
        "without the key a list shows envelopes, and what needs the text says which key is missing"
    )
    func missing() async throws {
        let ring = try SealRing(SealRing.newLine("k1"))
        try await StoreBed.with { bed in
            let ids = try await Self.live(bed, Self.store(bed, ring))
            for other in [nil, try SealRing(SealRing.newLine("k2"))] {
                let store = Self.store(bed, other)
                let rows = try await store.runs(RunFilter())
                #expect(rows.count == ids.count)
                for row in rows { #expect(SealRing.key(of: row.inputs) == "k1") }
                let row = try await store.run(ids[1])
                for read: () async throws -> Void in [
                    { _ = try store.inputs(of: row) }, { _ = try store.outputs(of: row) },
                    { _ = try await store.journal(ids[1]) },
                    { _ = try await store.events(lane: row.lane, from: 1) },
                    { _ = try await store.artifactContent(ids[1], step: "a", name: "f") },
                    { _ = try await store.signals(ids[1], limit: 10) },
                    { _ = try await store.inputs(of: store.schedule("s")) },
                ] {
                    do {
                        try await read()
                        Issue.record("it was read")
                    } catch {
                        let said = (error as? StoreError)?.message ?? "\(error)"
                        #expect(said.contains("'k1'"), "\(said)")
                    }
                }
            }
        }
    }

    @Test("rows of several keys and of none lie side by side; one that was moved does not open")
    func mixed() async throws {
        let (one, two) = (SealRing.newLine("k1"), SealRing.newLine("k2"))
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let other = try await bed.store.ensureLane(session: "default", lane: "m")
            var ids: [RunID] = []
            for keys in [nil, one, "\(two)\n\(one)"] {
                let ring = try keys.map { keys in try SealRing(keys) }
                ids += try await Self.store(bed, ring).enqueue(
                    [NewRun(lane: lane, planDigest: samplePlan.digest, inputs: Self.value)],
                    plans: [samplePlan]
                )
            }
            let store = Self.store(bed, try SealRing("\(two)\n\(one)"))
            for id in ids { #expect(try await store.run(id).inputs == Self.value) }
            let keys = try await store.sealed().map { "\($0.key) \($0.rows)" }
            #expect(keys == ["k1 1", "k2 1"])
            try await bed.text("UPDATE run SET lane_id = \(other) WHERE id = \(ids[2].number)")
            let moved = try await store.run(ids[2])
            #expect(await code { _ = try store.inputs(of: moved) } == .corrupt)
            #expect(try store.inputs(of: try await store.run(ids[1])) == Self.value)
            // Only what is not sealed is found by its words, and no envelope by its own.
            var query = RunQuery()
            for (text, count) in [(Self.canary, 1), ("sealed", 0)] {
                query.text = text
                #expect(try await store.runPage(query, before: nil, limit: 9).rows.count == count)
            }
        }
    }
}
