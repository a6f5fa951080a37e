// The API's description, made of the table of routes and what is said of each.

import HTTPTypes
public import PulserIR

/// OpenAPI 3.1.
public struct OpenAPIDocument: Sendable {
    private let routes: [Route]

    /// Describes these routes.
    public init(routes: [Route]) { self.routes = routes }

    /// The document.
    public var json: JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        for route in self.routes {
            guard let operation = OperationCatalog.all[route.name] else { continue }
            let method = route.method.rawValue.lowercased()
            paths[route.path, default: [:]][method] = Self.json(route, operation)
        }
        return .object([
            "openapi": "3.1.0",
            "info": .object([
                "title": "Ops Control Room",
                "version": "1",
                "license": .object(["name": "Apache-2.0", "identifier": "Apache-2.0"]),
            ]),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": .object([
                "schemas": .object(SchemaCatalog.all),
                "securitySchemes": .object([
                    "token": .object(["type": "http", "scheme": "bearer"]),
                    "session": .object(["type": "apiKey", "in": "cookie", "name": "opsroom"]),
                ]),
                "responses": .object(["Problem": Self.problem]),
            ]),
        ])
    }

    private static let problem: JSONValue = .object([
        "description": "What failed, and what to do (RFC 9457).",
        "content": .object([
            "application/problem+json": .object(["schema": Schema.named("Problem")])
        ]),
    ])

    private static func json(_ route: Route, _ operation: Operation) -> JSONValue {
        var answers: [String: JSONValue] = [
            "default": .object(["$ref": "#/components/responses/Problem"])
        ]
        for answer in operation.answers {
            var members: [String: JSONValue] = ["description": .string(answer.summary)]
            if !answer.content.isEmpty {
                members["content"] = .object(
                    answer.content.mapValues { .object(["schema": $0]) }
                )
            }
            answers[String(answer.status)] = .object(members)
        }
        var members: [String: JSONValue] = [
            "operationId": .string(route.name),
            "summary": .string(operation.summary),
            "tags": .array([.string(operation.tag)]),
            "parameters": .array(operation.parameters.map(\.json)),
            "responses": .object(answers),
            "security": .array(
                route.scope == nil
                    ? []
                    : [.object(["token": .array([])]), .object(["session": .array([])])]
            ),
        ]
        members["description"] = operation.note.map { .string($0) }
        if let scope = route.scope { members["x-opsroom-scope"] = .string(scope.rawValue) }
        var content: [String: JSONValue] = [:]
        if let body = operation.body { content["application/json"] = .object(["schema": body]) }
        for type in operation.bodyTypes { content[type] = .object([:]) }
        if !content.isEmpty {
            members["requestBody"] = .object(["required": true, "content": .object(content)])
        }
        return .object(members)
    }
}
