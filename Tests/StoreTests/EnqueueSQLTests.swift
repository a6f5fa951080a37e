// Decides what `enqueue_run` makes in a client's own transaction, and what it refuses.

import Logging
import Postgres
import PulserIR
import Store
import TestBed
import Testing

@Suite("Runs from plain SQL", .timeLimit(.minutes(2)))
struct EnqueueSQLTests {
    private static let send = "SELECT enqueue_run('A', 'mail', '{\"to\": \"ann\"}'"

    @Test("a run is there when its client's transaction commits, and only then")
    func transaction() async throws {
        try await StoreBed.with { bed in
            let lane = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                try await client.ask("CREATE TABLE customer (name text)")
                try await client.ask("BEGIN")
                try await client.ask("INSERT INTO customer VALUES ('ann')")
                let first = try await client.ask("\(Self.send), priority => 7)")
                let second = try await client.ask("\(Self.send), delay => '1 hour', key => 'k')")
                #expect(try await bed.number("SELECT count(*) FROM run") == 0)
                try await client.ask("COMMIT")
                try await client.ask("BEGIN")
                try await client.ask("\(Self.send))")
                try await client.ask("ROLLBACK")
                #expect(try await bed.number("SELECT count(*) FROM run") == 2)
                // The letters are those of the API.
                let id = try #require(first.first.flatMap { RunID($0) })
                let row = try await bed.store.run(id)
                #expect(row.priority == 7 && row.template == "mail" && row.lane == lane)
                #expect(
                    try JSONValue(parsing: row.inputs)
                        == ["env": "dev", "file": "/srv/x", "n": 1, "to": "ann"]
                )
                let later = try #require(second.first.flatMap { RunID($0) })
                let isDelayed = "SELECT is_delayed AND key = 'k' FROM run WHERE id = "
                #expect(try await bed.text(isDelayed + "\(later.number)") == "t")
            }
            // As good as any other: its lane takes it.
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([try await owner.want(lane, room: 5)])
                #expect(claimed.count == 1 && claimed.first?.priority == 7)
            }
        }
    }

    @Test("many letters are those of the API")
    func letters() async throws {
        try await StoreBed.with { bed in
            for number in [1, 2, 31, 4_711, 1 << 20, (1 << 40) - 1] as [Int64] {
                let letters = try await bed.text("SELECT run_letters(\(number))")
                #expect(letters == RunID(number).description)
            }
        }
    }

    @Test("a key makes one run, however often and by whomever it is used at once")
    func keys() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            let keyed = "\(Self.send), idempotency_key => 'order-1')"
            try await EnqueueSQLBed.Client.with(bed) { one in
                try await EnqueueSQLBed.Client.with(bed) { other in
                    try await one.ask("BEGIN")
                    let first = try await one.ask(keyed)
                    #expect(try await one.ask(keyed) == first)
                    // Waits for the transaction that has the key.
                    async let second = other.ask(keyed)
                    try await one.ask("COMMIT")
                    let told = try await second
                    #expect(told == first)
                    let refused = await other.refusal(
                        "SELECT enqueue_run('A', 'mail', '{\"to\": \"bob\"}', idempotency_key => 'order-1')"
                    )
                    #expect(refused.contains("the idempotency key was used for another run"))
                    // Given back by a rollback it is free.
                    try await one.ask("BEGIN")
                    try await one.ask("\(Self.send), idempotency_key => 'order-2')")
                    try await one.ask("ROLLBACK")
                    try await other.ask("\(Self.send), idempotency_key => 'order-2')")
                    #expect(try await bed.number("SELECT count(*) FROM run") == 2)
                }
            }
        }
    }

    @Test(
        "what cannot run is refused in one sentence",
        arguments: [
            ("'B', 'mail', '{\"to\": \"a\"}'", "session 'default' has no lane 'B'"),
            ("'A', 'post', '{}'", "there is no plan 'post'"),
            ("'A', 'sha256:00', '{}'", "there is no plan 'sha256:00'"),
            ("'A', 'mail', '{\"to\": \"a\"}', session => 'x'", "there is no session 'x'"),
            ("'A', 'mail', '{\"to\": \"a\"}', session => 'old'", "session 'old' is archived"),
            ("'A', 'mail', '{}'", "input 'to' is missing"),
            ("'A', 'mail', '[]'", "inputs must be a JSON object"),
            ("'A', 'mail', NULL", "inputs must be a JSON object"),
            ("'A', 'mail', '{\"to\": 1}'", "input 'to' must be of type string"),
            ("'A', 'mail', '{\"to\": \"a\", \"n\": 1.5}'", "input 'n' must be of type integer"),
            ("'A', 'mail', '{\"to\": \"a\", \"cc\": 1}'", "the plan has no input 'cc'"),
            ("'A', 'mail', '{\"to\": \"a\", \"env\": \"x\"}'", "input 'env' must be one of"),
            (
                "'A', 'mail', '{\"to\": \"a\", \"file\": \"x\"}'",
                "input 'file' must be an absolute path"
            ),
            ("'A', 'mail', '{\"to\": \"a\"}', priority => 1000001", "a priority is from"),
            ("'A', 'mail', '{\"to\": \"a\"}', delay => '-1 s'", "a delay is from 0 to a year"),
            ("'A', 'mail', '{\"to\": \"a\"}', delay => '2 years'", "a delay is from 0 to a year"),
            ("'A', 'mail', '{\"to\": \"a\"}', key => repeat('x', 201)", "a key has at most"),
            ("'A', 'mail', '{\"to\": \"a\"}', idempotency_key => ''", "an idempotency key has"),
            ("'A', 'mail', '{\"to\": \"a\"}', unique_key => ''", "a unique key has from 1"),
            ("'A', 'mail', '{\"to\": \"a\"}', unique_key => 'k', unique_in => 'x'", "unique_in is"),
            ("'A', 'mail', '{\"to\": \"a\"}', on_conflict => 'join'", "are of a unique run"),
            (
                "'A', 'mail', '{\"to\": \"a\"}', unique_key => 'k', on_conflict => NULL",
                "on_conflict is"
            ),
            (
                "'A', 'mail', '{\"to\": \"a\"}', unique_key => 'k', on_conflict => 'debounce'",
                "a run that is put off by others needs a delay"
            ),
            (
                "'A', 'mail', '{\"to\": \"a\"}', unique_key => 'k', unique_for => '31 days'",
                "a unique key is taken for more than 0 and at most 30 days"
            ),
            ("'A', 'mail', '{\"to\": \"a\"}', ttl => '0'", "a ttl is more than 0"),
            ("'A', 'mail', '{\"to\": \"a\"}', deadline => '-1 s'", "a deadline is more than 0"),
            (
                "'A', 'mail', '{\"to\": \"a\"}', deadline_at => 'infinity'",
                "deadline_at is a moment"
            ),
            (
                "'A', 'mail', '{\"to\": \"a\"}', deadline_at => now() + interval '370 days'",
                "deadline_at is at most a year from now"
            ),
            (
                "'A', 'mail', '{\"to\": \"a\"}', deadline => '1 h', deadline_at => '2100-01-01'",
                "say deadline or deadline_at, not both"
            ),
            (
                "'A', 'mail', jsonb_build_object('to', repeat('x', 300000))",
                "the inputs are larger than"
            ),
        ]
    )
    func refusals(_ arguments: String, _ sentence: String) async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            try await bed.text("INSERT INTO session (name, status) VALUES ('old', 'archived')")
            try await EnqueueSQLBed.Client.with(bed) { client in
                let refused = await client.refusal("SELECT enqueue_run(\(arguments))")
                #expect(refused.contains(sentence), "\(refused)")
                #expect(refused.contains("22023"), "\(refused)")
            }
            #expect(try await bed.number("SELECT count(*) FROM run") == 0)
        }
    }

    @Test("many come in one call, all or none, in their order")
    func many() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                let list = """
                    SELECT enqueue_runs((SELECT jsonb_agg(jsonb_build_object('lane', 'A', 'plan', 'mail',
                        'inputs', jsonb_build_object('to', 'p' || n), 'idempotency_key', 'k' || -n))
                        FROM generate_series(1, 500) n))
                    """
                let made = try await client.ask(list)
                #expect(Set(made).count == 500)
                #expect(try await client.ask(list) == made)
                let first = try #require(made.first.flatMap { RunID($0) })
                let inputs = try await bed.store.run(first).inputs
                #expect(try JSONValue(parsing: inputs)["to"] == "p1")
                let bad = """
                    SELECT enqueue_runs('[{"lane": "A", "plan": "mail", "inputs": {"to": "a"}},
                        {"lane": "A", "plan": "mail", "input": {}}]')
                    """
                let refused = await client.refusal(bad)
                #expect(refused.contains("run 2 of the list has a member 'input'"), "\(refused)")
                #expect(try await bed.number("SELECT count(*) FROM run") == 500)
            }
        }
    }

    @Test("a role that may only call the function can do nothing else")
    func grants() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            let role = "enqueuer_\(UInt32.random(in: .min ... .max))"
            try await bed.text("CREATE ROLE \(role)")
            try await EnqueueSQLBed.Client.with(bed) { client in
                try await client.ask("SET ROLE \(role)")
                let early = await client.refusal("\(Self.send))")
                #expect(early.contains("permission denied for function enqueue_run"), "\(early)")
                try await bed.text("GRANT EXECUTE ON FUNCTION enqueue_run TO \(role)")
                #expect(try await client.ask("\(Self.send))").count == 1)
                for sql in ["SELECT count(*) FROM run", "DELETE FROM run_key"] {
                    #expect(await client.refusal(sql).contains("permission denied"))
                }
                // Its own tables come after those of the room, whatever its path says.
                try await client.ask("CREATE TEMP TABLE run (id bigint)")
                #expect(try await client.ask("\(Self.send))").count == 1)
            }
            #expect(try await bed.number("SELECT count(*) FROM run") == 2)
            try await bed.text("DROP OWNED BY \(role)")
            try await bed.text("DROP ROLE \(role)")
        }
    }
}
