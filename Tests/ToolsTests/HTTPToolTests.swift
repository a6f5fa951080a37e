// What is sent, what is refused, and what an answer becomes.

import PulserIR
import Testing

@testable import Tools

@Suite("The http tool")
struct HTTPToolTests {
    let fixture: Fixture
    let box = Fixture.toolBox()

    init() throws { self.fixture = try Fixture() }

    private func send(
        _ server: TinyServer,
        _ path: String,
        _ change: (inout HTTPAction) throws -> Void = { _ in },
        scope: EvaluationScope = .init()
    ) async throws -> ToolResult {
        var action = HTTPAction(url: .literal(.string(server.base + path)))
        try change(&action)
        return try await self.box.perform(.http(action), in: self.fixture.context(scope))
    }

    @Test("an answer becomes status, headers, body and JSON")
    func answer() async throws {
        let server = try await TinyServer.start()
        let result = try await self.send(server, "/json")
        #expect(result.value["status"] == .integer(200))
        #expect(result.value["headers"]?["x-two"] == .string("a, b"))
        #expect(result.value["json"]?["items"]?[0]?["id"] == .integer(7))
        #expect(result.value["bytes"] == .integer(34))
        let failed = try await self.send(server, "/status/503")
        #expect(failed.badEnd == .serverError && failed.failure == nil)
        #expect(try await self.send(server, "/status/404").badEnd == nil)
        try await server.stop()
    }

    @Test("method, headers and a JSON body are sent")
    func request() async throws {
        let server = try await TinyServer.start()
        let scope = EvaluationScope(
            inputs: ["n": .integer(3)],
            secrets: ["TOKEN": "hunter2hunter2"]
        )
        let result = try await self.send(
            server,
            "/echo",
            {
                $0.method = "PUT"
                $0.headers = ["Authorization": try .parse("Bearer {{ secrets.TOKEN }}")]
                $0.body = .json(try Template(parsing: .object(["n": .string("{{ inputs.n }}")])))
            },
            scope: scope
        )
        let body = result.value["body"]?.stringValue ?? ""
        #expect(body.hasPrefix("PUT /echo\n") && body.hasSuffix(#"{"n":3}"#))
        #expect(body.contains("content-type: application/json"))
        #expect(body.contains("Authorization: Bearer «secret TOKEN»"))
        try await server.stop()
    }

    @Test("redirects are off, followed up to the limit, and secrets stay with their origin")
    func redirects() async throws {
        let server = try await TinyServer.start()
        #expect(try await self.send(server, "/redirect/0").value["status"] == .integer(302))
        let moved = try await self.send(server, "/redirect/0")
        #expect(moved.failure == nil && moved.badEnd == nil)
        #expect(moved.value["headers"]?["location"] == .string("/echo"))
        let followed = try await self.send(server, "/redirect/1") { $0.redirectsMax = 2 }
        #expect(followed.value["body"]?.stringValue?.hasPrefix("GET /echo") == true)
        let failure = await #expect(throws: ToolFailure.self) {
            try await self.send(server, "/redirect/5") { $0.redirectsMax = 2 }
        }
        #expect(failure?.message == "more than 2 redirects")
        let away = try await self.send(
            server,
            "/away/\(server.port)",
            {
                $0.redirectsMax = 1
                $0.headers = [
                    "X-Key": try .parse("{{ secrets.K }}"), "X-Plain": .literal(.string("p")),
                ]
            },
            scope: EvaluationScope(secrets: ["K": "hunter2hunter2"])
        )
        let body = away.value["body"]?.stringValue ?? ""
        #expect(body.contains("X-Plain: p") && !body.contains("X-Key"))
        try await server.stop()
    }

    @Test("a line break in a header, a secret in a URL or body are refused before anything is sent")
    func refusals() async throws {
        let server = try await TinyServer.start()
        let scope = EvaluationScope(
            inputs: ["v": .string("a\r\nX-Evil: 1")],
            secrets: ["S": "hunter2"]
        )
        let changes: [(inout HTTPAction) throws -> Void] = [
            { $0.headers = ["X": try .parse("{{ inputs.v }}")] },
            { $0.headers = ["X": try .parse("a{{ inputs.v }}")] },
            { $0.headers = ["X Y": .literal(.string("a"))] },
            { $0.url = try .parse("\(server.base)/{{ secrets.S }}") },
            { $0.body = .raw(try .parse("{{ secrets.S }}")) },
            { $0.method = "GET /x HTTP/1.1\r\n" },
        ]
        for change in changes {
            let failure = await #expect(throws: ToolFailure.self) {
                try await self.send(server, "/echo", change, scope: scope)
            }
            #expect(failure?.kind == .error)
        }
        try await server.stop()
    }

    @Test("failures are told apart: nobody there, no answer in time, too much of an answer")
    func failures() async throws {
        let server = try await TinyServer.start()
        let big = await #expect(throws: ToolFailure.self) { try await self.send(server, "/big") }
        #expect(big?.message == "the answer's body is larger than 8 MiB")
        let late = await #expect(throws: ToolFailure.self) {
            try await self.box.perform(
                .http(HTTPAction(url: .literal(.string(server.base + "/silent")))),
                in: self.fixture.context(seconds: 1)
            )
        }
        #expect(late?.kind == .timeout)
        try await server.stop()
        let gone = await #expect(throws: ToolFailure.self) {
            try await self.box.perform(
                .http(HTTPAction(url: .literal(.string("http://127.0.0.1:1/")))),
                in: self.fixture.context()
            )
        }
        #expect(gone?.kind == .network)
    }

    @Test("a secret of a header is in no failure's message, even where the message names its place")
    func secretsInFailures() async throws {
        let secret = "hunter2hunter2"
        let scope = EvaluationScope(secrets: ["TOKEN": secret, "BROKEN": "first-line\r\nX-Evil: 1"])
        let context = self.fixture.context(scope, seconds: 5)
        let token = try Template.parse("Bearer {{ secrets.TOKEN }}")
        let nobody = Template.literal(.string("http://127.0.0.1:1/"))
        var gone = HTTPAction(url: nobody)
        gone.headers = ["Authorization": token]
        var broken = HTTPAction(url: nobody)
        broken.headers = ["Authorization": try .parse("{{ secrets.BROKEN }}")]
        // The plan itself holds the value here; it is still not shown.
        var named = HTTPAction(url: nobody)
        named.headers = ["X \(secret)": token]
        var messages: [String] = []
        for action in [gone, broken, named] {
            let failure = await #expect(throws: ToolFailure.self) {
                try await self.box.perform(.http(action), in: context)
            }
            messages.append(failure?.message ?? "")
        }
        #expect(!messages.contains { $0.contains(secret) || $0.contains("first-line") })
        #expect(messages[1] == "header Authorization holds a line break")
        #expect(messages[2] == "'X «secret TOKEN»' is no name of a header")
    }

    private static let scope = EvaluationScope(inputs: [
        "v": .string("a b/c?d&e=f#g%é"), "host": .string("db-1.internal"),
        "evil": .string("x@evil.com/"),
        "up": .string(".."), "base": .string("http://h:8/p"), "port": .integer(80),
        "rel": .string("/x"),
        "query": .string("http://h/p?a="), "empty": .string(""), "crlf": .string("http://h/\r\nx"),
        "file": .string("file:///etc/passwd"),
    ])

    @Test(
        "values are encoded by their place in the URL",
        arguments: [
            ("http://h/{{ inputs.v }}/x", "http://h/a%20b%2Fc%3Fd%26e%3Df%23g%25%C3%A9/x"),
            (
                "http://h/x?q={{ inputs.v }}&r=1",
                "http://h/x?q=a%20b%2Fc%3Fd%26e%3Df%23g%25%C3%A9&r=1"
            ),
            ("http://h/x#{{ inputs.rel }}", "http://h/x#%2Fx"),
            ("https://{{ inputs.host }}:{{ inputs.port }}/", "https://db-1.internal:80/"),
            ("{{ inputs.base }}", "http://h:8/p"),
            ("{{ inputs.base }}/health/{{ inputs.rel }}", "http://h:8/p/health/%2Fx"),
            ("{{ inputs.query }}{{ inputs.v }}", "http://h/p?a=a%20b%2Fc%3Fd%26e%3Df%23g%25%C3%A9"),
            ("http://h/a/b?c=d", "http://h/a/b?c=d"),
        ]
    )
    func rendering(_ template: String, _ expected: String) throws {
        #expect(try URLRendering.render(.parse(template), in: Self.scope) == expected)
    }

    @Test(
        "values that would change the meaning of the URL are refused",
        arguments: [
            "http://{{ inputs.evil }}/", "http://{{ inputs.empty }}/", "http://h/{{ inputs.up }}/x",
            "http{{ inputs.host }}://h/", "{{ inputs.rel }}", "{{ inputs.rel }}/x",
            "{{ inputs.crlf }}",
            "{{ inputs.file }}", "ftp://h/", "/x", "http:///x", "http://h/a b",
            "http://h{{ inputs.evil }}", "http://h/{{ inputs }}",
        ]
    )
    func refusedURL(_ template: String) {
        #expect(throws: (any Error).self) {
            try URLRendering.render(.parse(template), in: Self.scope)
        }
    }
}
