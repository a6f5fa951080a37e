// The API's description and its routes are the same list, both ways; live answers fit their forms.

import HTTPTypes
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite("The API's description")
struct OpenAPITests {
    @Test("every route is described, and everything described is a route")
    func bothWays() async throws {
        try await GatewayBed.with { bed in
            let routes = bed.gateway.endpoints
            let names = routes.map(\.name)
            #expect(Set(names).count == names.count)
            #expect(Set(names) == Set(OperationCatalog.all.keys))
            let document = try await bed.get("/v1/openapi.json").json
            var described: Set<String> = []
            for (path, methods) in document["paths"]?.objectValue ?? [:] {
                for (method, operation) in methods.objectValue ?? [:] {
                    described.insert("\(method.uppercased()) \(path)")
                    #expect(operation["operationId"]?.stringValue != nil)
                }
            }
            #expect(described == Set(routes.map { "\($0.method.rawValue) \($0.path)" }))
        }
    }

    @Test("a path's parameters are those described, and changes say what they take")
    func parameters() async throws {
        try await GatewayBed.with { bed in
            for route in bed.gateway.endpoints {
                let operation = try #require(OperationCatalog.all[route.name])
                let inPath = route.path.matches(of: /\{([A-Za-z]+)\}/).map { String($0.output.1) }
                #expect(
                    operation.parameters.filter { $0.place == "path" }.map(\.name) == inPath,
                    "\(route.name)"
                )
                #expect(!operation.summary.isEmpty && operation.summary.hasSuffix("."))
                #expect(!operation.answers.isEmpty, "\(route.name)")
                let names = operation.parameters.map { "\($0.place) \($0.name)" }
                #expect(Set(names).count == names.count, "\(route.name)")
            }
        }
    }

    @Test("every form is a schema, and every name in it exists")
    func schemas() throws {
        let schemas = SchemaCatalog.all
        var named: Set<String> = []
        func visit(_ value: JSONValue) {
            if let reference = value["$ref"]?.stringValue, reference.contains("/schemas/") {
                named.insert(reference.split(separator: "/").last.map(String.init) ?? "")
            }
            for item in value.arrayValue ?? [] { visit(item) }
            for item in (value.objectValue ?? [:]).values { visit(item) }
        }
        for schema in schemas.values { visit(schema) }
        for operation in OperationCatalog.all.values {
            for answer in operation.answers {
                for schema in answer.content.values { visit(schema) }
            }
            operation.body.map(visit)
            for parameter in operation.parameters { visit(parameter.schema) }
        }
        #expect(named.isSubset(of: schemas.keys), "\(named.subtracting(schemas.keys))")
        // One more form than is used would be a form that nobody keeps true.
        #expect(Set(schemas.keys).subtracting(["Problem"]).isSubset(of: named))
    }

    @Test("every name of the API is written one way, in what it describes and in what it answers")
    func names() async throws {
        try await GatewayBed.with { bed in
            let document = try await bed.get("/v1/openapi.json").json
            var seen = 0
            func visit(_ value: JSONValue) {
                for name in (value["properties"]?.objectValue ?? [:]).keys {
                    seen += 1
                    #expect(Self.isPlain(name), "property \(name)")
                }
                if let place = value["in"]?.stringValue, let name = value["name"]?.stringValue {
                    #expect(place == "header" || Self.isPlain(name), "parameter \(name)")
                }
                for word in value["enum"]?.arrayValue ?? [] {
                    #expect(Self.isPlain(word.stringValue ?? ""), "\(word)")
                }
                for item in value.arrayValue ?? [] { visit(item) }
                for item in (value.objectValue ?? [:]).values { visit(item) }
            }
            visit(document)
            #expect(seen > 100)
            for name in ["nextCursor", "traceId", "Id", "a-b", "a_", "_a", "a__b"] {
                #expect(!Self.isPlain(name))
            }
        }
    }

    @Test("every problem says what to do, and a question that is too large how to ask it smaller")
    func nextSteps() async throws {
        for code in Problem.Code.allCases {
            let next = Problem(code, "x").json(trace: "t")["next"]?.stringValue
            #expect(next?.isEmpty == false, "\(code)")
        }
        let costly = Problem(StoreError(.tooCostly, "it takes long"))
        #expect(costly.status == 422 && costly.code == .tooCostly)
        #expect(costly.json(trace: "t")["next"]?.stringValue?.contains("narrow") == true)
    }

    /// Lower-case words with `_` between them.
    private static func isPlain(_ name: String) -> Bool {
        name.wholeMatch(of: /[a-z][a-z0-9]*(?:_[a-z0-9]+)*/) != nil
    }

    /// What holds words of callers, not of the API.
    private static let foreign: Set<String> = [
        "inputs", "outputs", "context", "filter", "result", "paths", "components", "info", "form",
        "payload", "files",
    ]

    /// Holds the names in an answer against the way they are written.
    private static func checkNames(_ value: JSONValue) {
        for item in value.arrayValue ?? [] { self.checkNames(item) }
        for (name, member) in value.objectValue ?? [:] {
            #expect(Self.isPlain(name), "member \(name)")
            if !Self.foreign.contains(name) { self.checkNames(member) }
        }
    }

    @Test("live answers fit the forms that the description gives them")
    func samples() async throws {
        try await AccessTests.with { bed in
            let (admin, id) = try await bed.token(.admin)
            try await Self.check(try await bed.get("/v1/me", admin), "me.get")
            try await Self.check(try await bed.get("/v1/tokens", admin), "tokens.list")
            try await Self.check(try await bed.get("/v1/tokens/\(id)", admin), "tokens.get")
            try await Self.check(
                try await bed.post("/v1/tokens", ["name": "a"], admin),
                "tokens.create"
            )
            let text = admin[.authorization]?.split(separator: " ").last.map(String.init) ?? ""
            try await Self.check(
                try await bed.post("/v1/browser-session", ["token": .string(text)]),
                "browser_session.create"
            )
            try await Self.check(
                try await bed.post("/v1/browser-codes", [:], admin),
                "browser_codes.create"
            )
            try await Self.check(try await bed.get("/v1/problems/not_found"), "problems.get")
            try await Self.check(try await bed.get("/healthz"), "health.live")
            try await Self.check(try await bed.get("/readyz"), "health.ready")
            try await Self.check(try await bed.get("/v1/openapi.json"), "openapi.get")
            for path in ["/v1/nothing", "/v1/tokens?odd=1", "/v1/tokens/none"] {
                try await Self.check(try await bed.get(path, admin), "tokens.list")
            }
            try await Self.check(try await bed.post("/v1/tokens", [1], admin), "tokens.create")
            try await Self.check(try await bed.get("/v1/me"), "me.get")
        }
    }

    /// Holds an answer against the form that its operation gives it.
    static func check(_ answer: Answer, _ name: String) async throws {
        let operation = try #require(OperationCatalog.all[name])
        let isProblem = answer.fields[.contentType] == "application/problem+json"
        let form: JSONValue
        if isProblem {
            form = Schema.named("Problem")
            #expect(answer.status >= 400)
        } else {
            let described = operation.answers.first { $0.status == answer.status }
            form = try #require(
                described?.content["application/json"],
                "\(name) answered \(answer.status): \(answer.text)"
            )
        }
        Self.checkNames(try answer.json)
        // Names of forms are found from the root, as in the whole document.
        guard case .object(var root) = Self.rooted(form) else { return }
        root["$defs"] = .object(SchemaCatalog.all.mapValues(Self.rooted))
        var schema = try JSONSchema(.object(root))
        let violation = try schema.validate(try answer.json)
        #expect(violation == nil, "\(name): \(violation.map { "\($0)" } ?? "") in \(answer.text)")
    }

    private static func rooted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text):
            .string(text.replacing("#/components/schemas/", with: "#/$defs/"))
        case .array(let items): .array(items.map(Self.rooted))
        case .object(let members): .object(members.mapValues(Self.rooted))
        case .null, .bool, .integer, .number: value
        }
    }
}
