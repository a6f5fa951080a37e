// Decides that lists tell every run once while others are being made, and find what they are asked for.

import Postgres
import PulserIR
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
struct ListTests {
    @Test("pages tell every run that was there once, newest first, while others are enqueued")
    func stable() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let there = try await bed.enqueue(300, lane: lane)
            var seen: [RunID] = []
            var cursor: Int64?
            repeat {
                async let more = bed.enqueue(7, lane: lane)
                let page = try await bed.store.runPage(RunQuery(), before: cursor, limit: 16)
                seen += page.rows.map(\.id)
                cursor = page.next
                _ = try await more
            } while cursor != nil
            #expect(seen == seen.sorted(by: >))
            #expect(Set(seen).count == seen.count)
            #expect(Set(there).isSubset(of: seen))
        }
    }

    @Test("a question that needs longer than it may is too costly only where it can be narrowed")
    func costly() async throws {
        try await StoreBed.with { bed in
            let statement = PostgresStatement("test.sleep", [], "SELECT pg_sleep(60)")
            for isNarrowable in [true, false] {
                let refused = await code {
                    _ = try await bed.store.bounded(
                        statement,
                        [],
                        isNarrowable: isNarrowable,
                        within: .milliseconds(20)
                    )
                }
                #expect(refused == (isNarrowable ? .tooCostly : .unavailable))
            }
            let page = try await bed.store.runPage(RunQuery(), before: nil, limit: 1)
            #expect(page.rows.isEmpty)
        }
    }

    @Test("every filter finds what fits and nothing else")
    func filters() async throws {
        try await StoreBed.with { bed in
            try await bed.store.createSession(name: "s", intent: "")
            let one = try await bed.store.ensureLane(session: "s", lane: "one")
            let two = try await bed.store.ensureLane(session: "s", lane: "two")
            let other = try await bed.store.ensureLane(session: "default", lane: "one")
            let first = try await bed.enqueue(3, lane: one)
            let second = try await bed.enqueue(2, lane: two)
            let third = try await bed.enqueue(4, lane: other)
            let red = planRow("red")
            let made = try await bed.store.start(
                NewRun(lane: two, planDigest: red.digest, inputs: #"{"env":"Prod"}"#, key: "acme"),
                plans: [red],
                template: "deploy"
            )
            _ = try await bed.store.requestCancel(first[0], reason: "wrong button")

            func find(_ change: (inout RunQuery) -> Void) async throws -> Set<RunID> {
                var query = RunQuery()
                change(&query)
                let page = try await bed.store.runPage(query, before: nil, limit: 100)
                let count = try await bed.store.runCount(query)
                #expect(count == BoundedCount(count: Int64(page.rows.count), isExact: true))
                return Set(page.rows.map(\.id))
            }
            let all = Set(first + second + third + [made.id])
            #expect(try await find { _ in } == all)
            #expect(try await find { $0.session = "s" } == Set(first + second + [made.id]))
            #expect(try await find { $0.lane = "one" } == Set(first + third))
            #expect(try await find { $0.lane = String(two) } == Set(second + [made.id]))
            let both = try await find { query in
                query.session = "s"
                query.lane = "one"
            }
            #expect(both == Set(first))
            #expect(try await find { $0.statuses = [.cancelled] } == [first[0]])
            #expect(try await find { $0.statuses = [.queued] } == all.subtracting([first[0]]))
            #expect(try await find { $0.template = "deploy" } == [made.id])
            #expect(try await find { $0.key = "acme" } == [made.id])
            #expect(try await find { $0.key = "acm" }.isEmpty)
            #expect(try await bed.store.runs(RunFilter(key: "acme")).map(\.id) == [made.id])
            #expect(try await find { $0.plan = "red" } == [made.id])
            #expect(try await find { $0.text = "pROD" } == [made.id])
            #expect(try await find { $0.text = "RONG butt" } == [first[0]])
            #expect(try await find { $0.text = "re" }.contains(made.id))
            #expect(try await find { $0.text = second[0].description } == [second[0]])
            #expect(try await find { $0.finishedFrom = 0 } == [first[0]])
            #expect(try await find { $0.enqueuedBefore = 0 }.isEmpty)
            #expect(try await find { $0.enqueuedFrom = 0 } == all)
            #expect(try await find { $0.parent = made.id }.isEmpty)
            #expect(try await find { $0.text = "a\0b" }.isEmpty)
            let session = try await bed.store.session("s")
            #expect(try await bed.store.openCounts(session: session.id) == ["queued": 5])
            #expect(try await bed.store.openCounts(session: nil) == ["queued": 9])
            let ended = try await bed.store.endedCounts(session: session.id, since: 0)
            #expect(ended == ["cancelled": 1])
            let counts = try await bed.store.laneCounts([one, two])
            #expect(counts == [one: ["queued": 2, "cancelled": 1], two: ["queued": 3]])
        }
    }

    @Test("paused runs are found alone, and beside those of a status")
    func paused() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let runs = try await bed.enqueue(3, lane: lane)
            _ = try await bed.store.requestPause(runs[0], by: "me")
            _ = try await bed.store.requestCancel(runs[1], reason: "wrong button")
            var query = RunQuery()
            for (statuses, paused, found) in [
                ([], .only, [0]), ([RunStatus.queued], .only, [0]), ([.cancelled], .only, []),
                ([.cancelled], .too, [1, 0]), ([.queued], .too, [2, 0]), ([], .too, [2, 1, 0]),
            ] as [([RunStatus], PausedRuns, [Int])] {
                query.statuses = statuses
                query.paused = paused
                let page = try await bed.store.runPage(query, before: nil, limit: 10)
                #expect(page.rows.map(\.id) == found.map { runs[$0] }, "\(statuses) \(paused)")
            }
        }
    }

    @Test("of many requests with one key one makes a run, the same again hear of it, others do not")
    func keys() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let run = NewRun(lane: lane, planDigest: samplePlan.digest)
            let key = RequestKey(tenant: "t", key: "k", digest: Digest(of: [1]))
            let started = try await withThrowingTaskGroup(of: StartedRun.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        try await bed.store.start(run, plans: [samplePlan], key: key)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(started.map(\.id)).count == 1)
            #expect(started.filter { !$0.isReplay }.count == 1)
            #expect(try await bed.number("SELECT count(*) FROM run_any") == 1)
            var other = key
            other.digest = Digest(of: [2])
            let another = other
            #expect(
                await code { _ = try await bed.store.start(run, plans: [], key: another) }
                    == .conflict
            )
            other = key
            other.tenant = "u"
            let fresh = try await bed.store.start(run, plans: [], key: other)
            #expect(!fresh.isReplay)
        }
    }

    @Test("a key is forgotten after a day, not before")
    func sweep() async throws {
        try await StoreBed.with { bed in
            for name in ["old", "new"] {
                let key = RequestKey(tenant: "t", key: name, digest: Digest(of: [1]))
                try await bed.store.createSession(name: name, intent: "", key: key)
            }
            _ = try await bed.number(
                """
                WITH aged AS (
                    UPDATE request_key SET created_at = now() - interval '25 h'
                    WHERE key = 'old' RETURNING 1)
                SELECT count(*) FROM aged
                """
            )
            for expected in [1, 0] {
                let swept = try await bed.store.sweepRequestKeys()
                #expect(swept == expected)
            }
            #expect(try await bed.number("SELECT count(*) FROM request_key WHERE key = 'new'") == 1)
        }
    }

    @Test("a session whose lanes cannot be made is not made, nor is its key kept")
    func whole() async throws {
        try await StoreBed.with { bed in
            let key = RequestKey(tenant: "t", key: "k", digest: Digest(of: [1]))
            let refused = await code {
                try await bed.store.createSession(
                    name: "s",
                    intent: "",
                    lanes: [NewLane(name: "A"), NewLane(name: "A")],
                    key: key
                )
            }
            #expect(refused == .conflict)
            #expect(try await bed.number("SELECT count(*) FROM session") == 0)
            let made = try await bed.store.made(key)
            #expect(made == nil)
        }
    }

    @Test("a run that cannot be made leaves no key behind")
    func refusedKey() async throws {
        try await StoreBed.with { bed in
            try await bed.store.createSession(name: "s", intent: "")
            let lane = try await bed.store.ensureLane(session: "s", lane: "l")
            try await bed.store.endSession(name: "s", as: .completed)
            let key = RequestKey(tenant: "t", key: "k", digest: Digest(of: [1]))
            let run = NewRun(lane: lane, planDigest: samplePlan.digest)
            let refused = await code {
                _ = try await bed.store.start(run, plans: [samplePlan], key: key)
            }
            #expect(refused == .conflict)
            #expect(try await bed.store.started(key) == nil)
        }
    }

    @Test("a journal that grows comes whole; a page of a kept one goes on where the last one ended")
    func journal() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let run = try await bed.enqueue(1, lane: lane)[0]
                let claimed = try await owner.claimOne(lane)
                let log = try await owner.log(lane)
                let writes = (1...25).map { RunWrite.journal(record("s\($0 % 5)", $0)) }
                try await owner.writer.submit(writes, fence: claimed.fence, log: log)
                func live() async throws -> [String] {
                    let page = try await bed.store.journalPage(
                        run,
                        step: nil,
                        after: nil,
                        limit: 4
                    )
                    #expect(page.next == nil)
                    return page.rows.map(\.record.step)
                }
                #expect(try await live().count == 25)
                // Written last, begun first: nobody who reads pages would have come to see it.
                var early = record("early")
                early.begun = .now - .seconds(60)
                try await owner.writer.submit([.journal(early)], fence: claimed.fence, log: log)
                let grown = try await live()
                #expect(grown.first == "early" && grown.count == 26)
                let one = try await bed.store.journalPage(run, step: "s1", after: nil, limit: 2)
                #expect(one.rows.count == 5 && one.next == nil)
                try await owner.writer.submit(
                    [.transition(transition(.failed))],
                    fence: claimed.fence,
                    log: log
                )
                let whole = try await bed.store.journal(run)
                #expect(whole.count == 26)
                var paged: [JournalRow] = []
                var place: JournalPlace?
                repeat {
                    let page = try await bed.store.journalPage(
                        run,
                        step: nil,
                        after: place,
                        limit: 4
                    )
                    paged += page.rows
                    place = page.next
                } while place != nil
                #expect(paged == whole)
                let kept = try await bed.store.journalPage(run, step: "s1", after: nil, limit: 2)
                #expect(kept.rows.count == 2 && kept.next != nil)
            }
        }
    }
}
