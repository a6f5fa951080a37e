// What an SQL action does on a real server.

import Postgres
import PulserIR
import TestBed
import Testing

@testable import Tools

@Suite("The sql tool")
struct SQLToolTests {
    let fixture: Fixture
    let box = Fixture.toolBox()

    init() throws { self.fixture = try Fixture() }

    private func context(
        _ scope: EvaluationScope = .init(),
        seconds: Int64 = 60
    ) async throws -> ToolContext {
        let database = try await TestPostgres.shared.freshDatabase()
        return self.fixture.context(scope, seconds: seconds, scratch: database.conninfo)
    }

    private func run(_ sql: String, in context: ToolContext) async throws -> ToolResult {
        try await self.box.perform(.sql(SQLAction(database: .scratch, query: sql)), in: context)
    }

    /// The server's refusal of a statement. A connection that could not be made proves nothing: under
    /// load the shared server may have no free one, and then the statement is tried again.
    private func refusal(of sql: String, in context: ToolContext) async throws -> ToolFailure {
        while true {
            let failure = try #require(
                await #expect(throws: ToolFailure.self) { try await self.run(sql, in: context) }
            )
            guard failure.kind == .network, context.remaining > .zero else { return failure }
        }
    }

    @Test("rows come back by type, with counts and columns in order")
    func rows() async throws {
        let context = try await self.context()
        let result = try await self.run(
            """
            select 1::int as a, 9007199254740993::bigint as b, true as c, 1.50::numeric as d, 0.1::float8 as e,
            '{"x": [1]}'::jsonb as f, null as g, 'text' as h, '2024-01-02'::date as i
            """,
            in: context
        )
        #expect(
            result.value["rows"]?[0]
                == [
                    "a": 1, "b": .string("9007199254740993"), "c": .bool(true), "d": .number(1.5),
                    "e": .number(0.1), "f": ["x": .array([1])], "g": .null, "h": .string("text"),
                    "i": .string("2024-01-02"),
                ]
        )
        #expect(result.value["count"] == 1)
        #expect(
            result.value["columns"] == .array("abcdefghi".map { .string(String($0)) })
        )
    }

    @Test("parameters are bound, whatever they hold, and secrets are refused")
    func parameters() async throws {
        let scope = EvaluationScope(
            inputs: ["evil": .string("'; drop table t; --"), "n": 4, "list": .array([1, 2])],
            secrets: ["S": "hunter2"]
        )
        let context = try await self.context(scope)
        _ = try await self.run("create table t (a text, n int, j jsonb)", in: context)
        let insert = SQLAction(
            database: .scratch,
            query: "insert into t values (:a, :n, :j), (:none, :n, null)",
            parameters: [
                "a": try .parse("{{ inputs.evil }}"), "n": try .parse("{{ inputs.n }}"),
                "j": try .parse("{{ inputs.list }}"), "none": .literal(.null),
            ]
        )
        let inserted = try await self.box.perform(.sql(insert), in: context)
        #expect(inserted.value["affected"] == 2)
        let read = try await self.run("select * from t order by a nulls last", in: context)
        #expect(
            read.value["rows"]
                == .array([
                    ["a": .string("'; drop table t; --"), "n": 4, "j": .array([1, 2])],
                    ["a": .null, "n": 4, "j": .null],
                ])
        )
        var tainted = insert
        tainted.parameters["a"] = try .parse("{{ secrets.S }}")
        await #expect(throws: ToolFailure.self) {
            try await self.box.perform(.sql(tainted), in: context)
        }
        var missing = insert
        missing.parameters["n"] = nil
        let failure = await #expect(throws: ToolFailure.self) {
            try await self.box.perform(.sql(missing), in: context)
        }
        #expect(failure?.message == "parameter ':n' has no value")
    }

    @Test("a server error names its SQLSTATE and no parameter")
    func errors() async throws {
        let context = try await self.context(
            EvaluationScope(inputs: ["v": .string("private-value")])
        )
        let action = SQLAction(
            database: .scratch,
            query: "select 1 / (length(:v) - 13)",
            parameters: ["v": try .parse("{{ inputs.v }}")]
        )
        let failure = await #expect(throws: ToolFailure.self) {
            try await self.box.perform(.sql(action), in: context)
        }
        #expect(failure == ToolFailure(.error, "division by zero (SQLSTATE 22012)"))
        let unreachable = self.fixture.context(scratch: "host=127.0.0.1 port=1 dbname=x")
        let gone = await #expect(throws: ToolFailure.self) {
            try await self.run("select 1", in: unreachable)
        }
        #expect(gone?.kind == .network)
    }

    @Test("read-only is enforced by the server, and a failed statement leaves nothing")
    func readOnly() async throws {
        var context = try await self.context()
        _ = try await self.run("create table t (a int)", in: context)
        context.readOnlySQL = true
        let failure = try await self.refusal(of: "insert into t values (1)", in: context)
        #expect(failure.message.contains("SQLSTATE 25006"), "\(failure.kind): \(failure.message)")
        let several = try await self.refusal(
            of: "commit; insert into t values (1)",
            in: context
        )
        #expect(several.message.contains("SQLSTATE 42601"), "\(several.kind): \(several.message)")
        let count = try await self.run("select count(*) as n from t", in: context)
        #expect(count.value["rows"]?[0]?["n"] == 0)
    }

    @Test("a file is one transaction, or statement by statement when the plan says so")
    func files() async throws {
        let context = try await self.context()
        try self.fixture.write(
            "create table f (a int);\ninsert into f values (1);\nselect nope;",
            to: "m.sql"
        )
        var action = SQLAction(database: .scratch, file: .literal(.string("m.sql")))
        await #expect(throws: ToolFailure.self) {
            try await self.box.perform(.sql(action), in: context)
        }
        await #expect(throws: ToolFailure.self) {
            try await self.run("select * from f", in: context)
        }
        try self.fixture.write(
            "create table f (a int);\ninsert into f values (1), (2);\ncreate index concurrently on f (a);",
            to: "m.sql"
        )
        action.transaction = false
        let result = try await self.box.perform(.sql(action), in: context)
        #expect(result.value["affected"] == 2)
        action.file = .literal(.string("../m.sql"))
        await #expect(throws: ToolFailure.self) {
            try await self.box.perform(.sql(action), in: context)
        }
    }

    @Test("more than 10,000 rows are an error, and so are two columns of one name")
    func limits() async throws {
        let context = try await self.context()
        let most = try await self.run("select generate_series(1, 10000) as n", in: context)
        #expect(most.value["count"] == 10_000)
        let failure = await #expect(throws: ToolFailure.self) {
            try await self.run("select generate_series(1, 10001) as n", in: context)
        }
        #expect(failure?.message.hasPrefix("more than 10,000 rows") == true)
        await #expect(throws: ToolFailure.self) {
            try await self.run("select 1 as a, 2 as a", in: context)
        }
    }

    @Test("the deadline and a cancelled task end the statement on the server")
    func cancellation() async throws {
        let late = try await self.context(seconds: 1)
        let failure = await #expect(throws: ToolFailure.self) {
            try await self.run("select pg_sleep(600)", in: late)
        }
        #expect(failure?.kind == .timeout)
        let context = try await self.context()
        let box = self.box
        // SAFETY: cancelled and awaited below.
        let work = Task {
            try await box.perform(
                .sql(SQLAction(database: .scratch, query: "select pg_sleep(600)")),
                in: context
            )
        }
        let running = """
            select count(*) as n from pg_stat_activity where datname = current_database()
            and query like '%pg_sleep(600)' and state = 'active'
            """
        func count() async throws -> JSONValue? {
            try await self.run(running, in: context).value["rows"]?[0]?["n"]
        }
        while try await count() != 1 {}
        work.cancel()
        let cancelled = await #expect(throws: ToolFailure.self) { try await work.value }
        #expect(cancelled?.isCancelled == true)
        #expect(try await count() == 0)
    }

    @Test("an sql check reads in a transaction that cannot write")
    func verifier() async throws {
        let context = try await self.context()
        _ = try await self.run("create table t (a int)", in: context)
        func outcome(
            _ query: String,
            _ expect: [String: Template],
            rows: Int? = nil
        ) async -> VerifierOutcome? {
            let check = SQLCheck(
                query: SQLAction(database: .scratch, query: query),
                expect: expect,
                rowCount: rows
            )
            return await self.box.verify(
                [Verifier(id: "v", check: .sql(check))],
                action: .sleep(milliseconds: 0),
                result: .null,
                in: context
            ).first
        }
        let none: [String: Template] = ["n": .literal(0)]
        #expect(await outcome("select count(*) as n from t", none, rows: 1)?.result == .passed)
        let one: [String: Template] = ["n": .literal(1)]
        #expect(await outcome("select count(*) as n from t", one)?.observed == "n = 0")
        #expect(await outcome("select a as n from t", none)?.observed == "no row")
        #expect(await outcome("insert into t values (1) returning a as n", one)?.result == .error)
    }
}
