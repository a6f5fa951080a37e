// Decides that runs from plain SQL are the only ones of their kind and have deadlines, as those of the API.

import Postgres
import PulserIR
import TestBed
import Testing

@testable import Store

@Suite("Unique runs from plain SQL", .timeLimit(.minutes(2)))
struct EnqueueUniqueSQLTests {
    private static func send(_ to: String, _ more: String) -> String {
        "SELECT enqueue_run('A', 'mail', '{\"to\": \"\(to)\"}', \(more))"
    }

    @Test("of a kind there is one run: others are refused, told of it, or change it")
    func policies() async throws {
        try await StoreBed.with { bed in
            let lane = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                let kind = "unique_key => 'k'"
                let first = try #require(try await client.ask(Self.send("a", kind)).first)
                let refused = await client.refusal(Self.send("b", kind))
                #expect(refused.contains("run \(first) has the unique key 'k'"), "\(refused)")
                #expect(refused.contains("23505"), "\(refused)")
                let keyed = "\(kind), on_conflict => 'join', idempotency_key => 'i'"
                // The same request again is told of the same run, whatever that began with.
                for _ in 1...2 {
                    #expect(try await client.ask(Self.send("b", keyed)) == [first])
                }
                let replace = "\(kind), on_conflict => 'replace', priority => 5"
                #expect(try await client.ask(Self.send("c", replace)) == [first])
                let id = try #require(RunID(first))
                var row = try await bed.store.run(id)
                #expect(row.priority == 5 && row.inputs.contains(#""to": "c""#), "\(row.inputs)")
                #expect(row.unique == Uniqueness(key: "k"))
                let debounce = "\(kind), on_conflict => 'debounce', delay => '1 h'"
                #expect(try await client.ask(Self.send("d", debounce)) == [first])
                row = try await bed.store.run(id)
                #expect(row.inputs.contains(#""to": "d""#) && row.priority == 0)
                #expect(try await bed.number("SELECT count(*) FROM run WHERE is_delayed") == 1)
                #expect(try await bed.number("SELECT count(*) FROM run") == 1)
                // The API's runs know the key, and it theirs.
                let run = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    unique: Uniqueness(key: "k", onConflict: .join)
                )
                let joined = try await bed.store.start(run, plans: [samplePlan])
                #expect(joined == StartedRun(id: id, outcome: .joined))
                // Of another scope it is another one.
                let wide = "\(kind), unique_in => 'session', unique_for => '1 h'"
                #expect(try await client.ask(Self.send("e", wide)) != [first])
                _ = try await bed.store.requestCancel(id, reason: "x")
                #expect(try await client.ask(Self.send("f", kind)) != [first])
                #expect(await client.refusal(Self.send("g", wide)).contains("23505"))
            }
        }
    }

    @Test("what somebody has begun is not replaced")
    func begun() async throws {
        try await StoreBed.with { bed in
            let lane = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                let kind = "unique_key => 'k', on_conflict => 'replace'"
                let first = try await client.ask(Self.send("a", kind))
                try await Owner.with(bed) { owner in
                    let claimed = try await owner.claimOne(lane)
                    #expect([claimed.fence.run.description] == first)
                    let refused = await client.refusal(Self.send("b", kind))
                    #expect(refused.contains("has the unique key 'k'"), "\(refused)")
                    #expect(try await bed.store.run(claimed.fence.run).inputs.contains(#""a""#))
                }
            }
        }
    }

    @Test("two clients that want the same kind at once make one run, or the second one its own")
    func atOnce() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { one in
                try await EnqueueSQLBed.Client.with(bed) { other in
                    let join = "unique_key => 'k', on_conflict => 'join'"
                    try await one.ask("BEGIN")
                    let first = try await one.ask(Self.send("a", join))
                    // Waits for the transaction that has the key.
                    async let second = other.ask(Self.send("b", join))
                    try await one.ask("COMMIT")
                    #expect(try await second == first)
                    try await one.ask("BEGIN")
                    let mine = "unique_key => 'l', ttl => '1 h'"
                    try await one.ask(Self.send("a", mine))
                    async let third = other.ask(Self.send("b", mine))
                    try await one.ask("ROLLBACK")
                    #expect(try await third.count == 1)
                    #expect(try await bed.number("SELECT count(*) FROM run") == 2)
                    #expect(try await bed.number("SELECT count(*) FROM run_unique") == 2)
                    #expect(try await bed.number("SELECT count(*) FROM run_deadline") == 1)
                }
            }
        }
    }

    @Test(
        "many clients with lists of the same kinds make one run of each, and none waits in a circle"
    )
    func lists() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        try await EnqueueSQLBed.Client.with(bed) { client in
                            for _ in 0..<10 {
                                let order = number.isMultiple(of: 2) ? "n" : "-n"
                                _ = try await client.ask(
                                    """
                                    SELECT enqueue_runs((SELECT jsonb_agg(jsonb_build_object(
                                        'lane', 'A', 'plan', 'mail', 'unique_key', 'k' || n,
                                        'inputs', jsonb_build_object('to', 'p' || n),
                                        'on_conflict', 'join') ORDER BY \(order))
                                    FROM generate_series(1, 30) n))
                                    """
                                )
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await bed.number("SELECT count(*) FROM run") == 30)
            #expect(try await bed.number("SELECT count(DISTINCT unique_key) FROM run") == 30)
        }
    }

    @Test("deadlines of plain SQL are those of the API")
    func deadlines() async throws {
        try await StoreBed.with { bed in
            let lane = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                let end = try #require(
                    try await client.ask("SELECT date_trunc('day', now()) + interval '300 d'").first
                )
                let late = "ttl => '1 min', deadline_at => '\(end)', unique_key => 'k'"
                let first = try await client.ask(Self.send("a", late)).first
                let id = try #require(first.flatMap { RunID($0) })
                let told = try await bed.store.deadlines(of: id)
                let milliseconds = try #require(
                    try await client.ask(
                        "SELECT extract(epoch FROM '\(end)'::timestamptz)::bigint * 1000"
                    )
                    .first
                )
                #expect(told.first { !$0.isStart }?.milliseconds == Int64(milliseconds))
                #expect(told.contains { $0.isStart && $0.milliseconds != nil })
                try await bed.text("UPDATE run_deadline SET at = now() - interval '1 s'")
                #expect(try await bed.store.passDeadlines(limit: 10) == (1, 0))
                #expect(try await bed.store.run(id).status == .timedOut)
                // Its key is free, and who joins a run leaves its deadline as it is.
                let next = try await client.ask(
                    Self.send("b", "unique_key => 'k', deadline => '2 h'")
                )
                let join = "unique_key => 'k', on_conflict => 'join', ttl => '1 s'"
                #expect(try await client.ask(Self.send("c", join)) == next)
                try await Owner.with(bed) { owner in
                    let run = try await owner.claimOne(lane).fence.run
                    #expect([run.description] == next)
                    let after = try await bed.store.deadlines(of: run)
                    #expect(after.map(\.afterMilliseconds) == [7_200_000])
                }
            }
        }
    }
}
