// Decides that a request that makes something makes it once per key, and that of several makers one is told so.

import Gateway
import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

extension HTTPFields {
    /// These and others.
    fileprivate func merging(_ others: HTTPFields) -> HTTPFields {
        var all = self
        all.append(contentsOf: others)
        return all
    }
}

@Suite(.timeLimit(.minutes(2)))
struct IdempotencyTests {
    private static func fields(_ key: String) throws -> HTTPFields {
        [try #require(HTTPField.Name("idempotency-key")): key]
    }

    /// Sends the same request many times at once.
    private func flood(
        _ bed: GatewayBed,
        _ path: String,
        _ body: JSONValue,
        _ fields: HTTPFields = [:]
    ) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<8 { group.addTask { try await bed.post(path, body, fields) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("whatever a request makes, one key makes once; another body with it is refused")
    func once() async throws {
        try await GatewayBed.with { bed in
            let run = try await bed.run()
            _ = try await bed.post("/v1/runs/\(run)/cancel", .object([:]))
            let requests: [(path: String, body: JSONValue, other: JSONValue, status: Int)] = [
                (
                    "/v1/sessions",
                    .object(["name": "s", "lanes": .array([.object(["name": "A"])])]),
                    .object(["name": "s2"]), 201
                ),
                ("/v1/sessions/s/lanes", .object(["name": "B"]), .object(["name": "C"]), 201),
                (
                    "/v1/runs/\(run)/retry", .object([:]), .object(["from": "nap"]), 202
                ),
                (
                    "/v1/bulk", .object(["action": "pause", "filter": .object([:])]),
                    .object(["action": "resume", "filter": .object([:])]), 202
                ),
            ]
            for (number, request) in requests.enumerated() {
                let key = try Self.fields("k\(number)")
                let answers = try await self.flood(bed, request.path, request.body, key)
                let made = answers.filter { $0.status == request.status }
                #expect(made.count == 1, "\(request.path): \(answers.map(\.text))")
                let again = answers.filter { $0.status == 200 }
                #expect(again.count == 7, "\(request.path): \(answers.map(\.text))")
                #expect(
                    again.allSatisfy {
                        $0.fields[.idempotencyReplayed] == "true"
                    },
                    "\(request.path)"
                )
                #expect(Set(try answers.map { try $0.json["id"] }).count == 1)
                #expect(Set(try answers.map { try $0.json["steps"] }).count == 1)
                let refused = try await bed.post(request.path, request.other, key)
                #expect(refused.code == "idempotency_conflict", "\(request.path): \(refused.text)")
            }
            #expect(try await bed.text("SELECT count(*) FROM bulk") == "1")
            #expect(try await bed.get("/v1/runs/\(run)").json["attempt"] == .integer(2))
            let elsewhere = try await bed.post(
                "/v1/sessions/default/lanes",
                .object(["name": "B"]),
                try Self.fields("k1")
            )
            #expect(elsewhere.code == "idempotency_conflict")
            for key in ["", String(repeating: "x", count: 256)] {
                let odd = try await bed.post(
                    "/v1/sessions",
                    .object(["name": "odd"]),
                    try Self.fields(key)
                )
                #expect(odd.code == "bad_request")
            }
        }
    }

    @Test(
        "of several who make the same lane or session at once, one makes it",
        arguments: Depth.allCases
    )
    func creators(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            for (path, body) in [
                ("/v1/sessions", JSONValue.object(["name": "s"])),
                ("/v1/sessions/s/lanes", .object(["name": "A", "width": 2, "priority": 3])),
            ] {
                let answers = try await self.flood(bed, path, body)
                #expect(answers.count { $0.status == 201 } == 1, "\(path)")
                #expect(answers.count { $0.code == "conflict" } == 7, "\(path)")
            }
            let lane = try await bed.get("/v1/sessions/s/lanes/A").json
            #expect(lane["width"] == .integer(2) && lane["priority"] == .integer(3))
            _ = try await bed.post("/v1/sessions/s/archive", .object([:]))
            let late = try await bed.post("/v1/sessions/s/lanes", .object(["name": "B"]))
            #expect(late.status == 409 && late.text.contains("archived"))
        }
    }

    @Test("keys of yesterday are swept while somebody asks, today's stay")
    func sweep() async throws {
        try await AccessTests.with { bed in
            let (bearer, _) = try await bed.token(.run)
            for name in ["old", "new"] {
                let fields = try Self.fields(name).merging(bearer)
                let made = try await bed.post(
                    "/v1/sessions",
                    .object(["name": .string(name)]),
                    fields
                )
                #expect(made.status == 201, "\(made.text)")
            }
            try await bed.text(
                "UPDATE request_key SET created_at = now() - interval '25 h' WHERE key = 'old'"
            )
            try await eventually("the old one is swept") {
                _ = try await bed.get("/v1/me", bearer)
                return try await bed.text("SELECT string_agg(key, ',') FROM request_key") == "new"
            }
        }
    }

    @Test("every POST takes a key, or says why not")
    func described() async throws {
        try await GatewayBed.with { bed in
            for route in bed.gateway.endpoints where route.method == .post {
                let operation = try #require(OperationCatalog.all[route.name])
                let isKeyed = operation.parameters.contains { $0.name == "idempotency-key" }
                let isExplained = operation.note?.contains("no idempotency-key") ?? false
                #expect(isKeyed != isExplained, "\(route.name)")
            }
        }
    }
}
