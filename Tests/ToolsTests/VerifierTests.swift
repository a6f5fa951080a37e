// When a step has held.

import PulserIR
import Testing

@testable import Tools

@Suite("Verifiers")
struct VerifierTests {
    let fixture: Fixture
    let box = Fixture.toolBox()

    init() throws { self.fixture = try Fixture() }

    private func outcome(
        _ check: Verifier.Check,
        result: JSONValue = .null,
        scope: EvaluationScope = .init(),
        retry: RetryPolicy? = nil
    ) async -> VerifierOutcome? {
        await self.box.verify(
            [Verifier(id: "v", check: check, retry: retry)],
            action: .sleep(milliseconds: 0),
            result: result,
            in: self.fixture.context(scope)
        ).first
    }

    @Test("without verifiers the tool's default one decides")
    func defaults() async throws {
        let shell = Action.shell(.script("true"))
        let http = Action.http(HTTPAction(url: .literal(.string("http://h/"))))
        let sql = Action.sql(SQLAction(database: .scratch, query: "select 1"))
        let fan = Action.fanOut(FanOutAction(over: .literal(.array([])), action: shell))
        let table: [(Action, JSONValue, VerifierOutcome.Result)] = [
            (shell, ["exit": 0], .passed), (shell, ["exit": 1], .failed), (shell, .null, .failed),
            (http, ["status": 204], .passed), (http, ["status": 302], .failed),
            (http, .null, .failed),
            (sql, ["count": 0], .passed), (sql, .null, .failed),
            (fan, ["failed": 0], .passed), (fan, ["failed": 2], .failed), (fan, .null, .failed),
            (.sleep(milliseconds: 1), .null, .passed),
        ]
        for (action, result, expected) in table {
            let outcomes = await self.box.verify(
                [],
                action: action,
                result: result,
                in: self.fixture.context()
            )
            #expect(outcomes.map(\.id) == ["default"])
            #expect(outcomes.first?.result == expected, "\(action.kind) \(result.canonicalText)")
        }
    }

    @Test("a shell check looks at the step's result or runs its own program")
    func shell() async throws {
        let result: JSONValue = ["exit": 3, "stdout": .string("ready: 12\n")]
        let held = await self.outcome(
            .shell(ShellCheck(exit: 3, stdoutMatch: "ready: [0-9]+")),
            result: result
        )
        #expect(held?.result == .passed)
        let failed = await self.outcome(.shell(ShellCheck(exit: 0)), result: result)
        #expect(failed?.result == .failed && failed?.observed == "exit 3")
        let own = await self.outcome(.shell(ShellCheck(program: .script("exit 5"), exit: 5)))
        #expect(own?.result == .passed)
        let missing = await self.outcome(
            .shell(ShellCheck(program: ShellAction(argv: [.literal(.string("no-such"))])))
        )
        #expect(missing?.result == .error)
        #expect(await self.outcome(.shell(ShellCheck()), result: .null)?.result == .error)
        #expect(
            await self.outcome(.shell(ShellCheck(exit: 3, stdoutMatch: "(")), result: result)?
                .result == .error
        )
    }

    @Test("an http check looks at status, headers, body and JSON pointers")
    func http() async throws {
        let server = try await TinyServer.start()
        let request = HTTPAction(url: .literal(.string(server.base + "/json")))
        let check = HTTPCheck(
            request: request,
            statuses: [200],
            headers: ["X-Two": .literal(.string("a, b"))],
            bodyMatch: "\"ok\": true",
            pointers: ["/items/0/id": try .parse("{{ inputs.id }}")]
        )
        let scope = EvaluationScope(inputs: ["id": .integer(7)])
        #expect(await self.outcome(.http(check), scope: scope)?.result == .passed)
        var other = check
        other.pointers = ["/items/1/id": .literal(.integer(7))]
        let failed = await self.outcome(.http(other), scope: scope)
        #expect(failed?.result == .failed && failed?.observed == "/items/1/id = nothing")
        try await server.stop()
        let nobody = HTTPCheck(request: HTTPAction(url: .literal(.string("http://127.0.0.1:1/"))))
        #expect(await self.outcome(.http(nobody))?.result == .error)
        #expect(await self.outcome(.http(HTTPCheck()), result: .null)?.result == .error)
    }

    @Test("a checksum is recorded or compared, and a missing file is an error")
    func checksum() async throws {
        try self.fixture.write("abc", to: "a.txt")
        let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let file = Template.literal(.string("a.txt"))
        let recorded = await self.outcome(.checksum(ChecksumCheck(file: file)))
        #expect(recorded?.result == .passed && recorded?.observed == digest)
        let same = ChecksumCheck(file: file, expect: .literal(.string(digest)))
        #expect(await self.outcome(.checksum(same))?.result == .passed)
        let zeros = Template.literal(.string(String(repeating: "0", count: 64)))
        #expect(
            await self.outcome(.checksum(ChecksumCheck(file: file, expect: zeros)))?.result
                == .failed
        )
        for name in ["b.txt", "../a.txt", "/etc/none", "."] {
            let check = ChecksumCheck(file: .literal(.string(name)))
            #expect(await self.outcome(.checksum(check))?.result == .error)
        }
        let absolute = ChecksumCheck(file: .literal(.string(self.fixture.workspace + "/a.txt")))
        #expect(await self.outcome(.checksum(absolute))?.result == .passed)
        let computed = ChecksumCheck(file: try .parse("{{ inputs.f }}"))
        let scope = EvaluationScope(inputs: ["f": .string(self.fixture.workspace + "/a.txt")])
        #expect(await self.outcome(.checksum(computed), scope: scope)?.result == .error)
    }

    @Test("a schema and an expression decide; what is not understood is an error")
    func values() async throws {
        let result: JSONValue = ["n": 3]
        let value = try Template.parse("{{ result }}")
        let schema: JSONValue = ["required": .array([.string("n")])]
        #expect(
            await self.outcome(.jsonSchema(value: value, schema: schema), result: result)?.result
                == .passed
        )
        let strict: JSONValue = ["required": .array([.string("m")])]
        let failed = await self.outcome(.jsonSchema(value: value, schema: strict), result: result)
        #expect(failed?.result == .failed && failed?.observed == "/ lacks the property 'm'")
        let typo: JSONValue = ["requird": .array([])]
        #expect(
            await self.outcome(.jsonSchema(value: value, schema: typo), result: result)?.result
                == .error
        )
        for (text, expected) in [
            ("result.n == 3", VerifierOutcome.Result.passed), ("result.n > 3", .failed),
            ("result.n", .error), ("result.missing == 1", .error), ("secrets.S == 'x'", .error),
        ] {
            let outcome = await self.outcome(
                .custom(assert: try Expression(parsing: text)),
                result: result,
                scope: EvaluationScope(secrets: ["S": "x"])
            )
            #expect(outcome?.result == expected, "\(text)")
        }
    }

    @Test("a verifier is tried again as its policy says, and one that is not required only warns")
    func retries() async throws {
        let script = ShellAction.script("echo x >> tries; [ $(wc -l < tries) -ge 3 ]")
        let policy = RetryPolicy(maxAttempts: 5, backoffMilliseconds: 1, multiplier: 1)
        let held = await self.outcome(.shell(ShellCheck(program: script)), retry: policy)
        #expect(held?.result == .passed)
        let tries = await self.outcome(
            .shell(ShellCheck(program: .script("[ $(wc -l < tries) -eq 3 ]")))
        )
        #expect(tries?.result == .passed)
        let outcomes = await self.box.verify(
            [
                Verifier(
                    id: "w",
                    check: .custom(assert: try Expression(parsing: "false")),
                    required: false
                )
            ],
            action: .sleep(milliseconds: 0),
            result: .null,
            in: self.fixture.context()
        )
        #expect(outcomes.first?.result == .failed && outcomes.first?.holds == true)
    }

    @Test("an outcome shows no secret")
    func secrets() async throws {
        let result: JSONValue = ["rows": .array([["a": .string("hunter2hunter2")]]), "count": 1]
        let check = SQLCheck(expect: ["a": .literal(.string("x"))])
        let scope = EvaluationScope(secrets: ["S": "hunter2hunter2"])
        let outcome = await self.outcome(.sql(check), result: result, scope: scope)
        #expect(outcome?.observed == "a = \"«secret S»\"")
    }
}
