// Who the API lets in, asked at the door and over a socket.

import Foundation
import Gateway
import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import Store
import TestKit
import Testing

@Suite("Access")
struct AccessTests {
    /// A gateway that knows tokens.
    static func with(
        _ depth: Depth = .door,
        configuration: GatewayConfiguration = GatewayConfiguration(),
        access: AccessConfiguration = Self.access { _ in },
        _ body: @escaping @Sendable (GatewayBed) async throws -> Void
    ) async throws {
        try await GatewayBed.with(
            depth,
            configuration: configuration,
            access: access,
            body
        )
    }

    /// Settings under which nothing takes long.
    static func access(_ change: (inout AccessConfiguration) -> Void) -> AccessConfiguration {
        var configuration = AccessConfiguration()
        configuration.refreshInterval = .milliseconds(20)
        configuration.usageInterval = .milliseconds(20)
        change(&configuration)
        return configuration
    }

    @Test(
        "a route that needs a token answers 401 with a challenge and one sentence",
        arguments: Depth.usable
    )
    func noToken(_ depth: Depth) async throws {
        try await Self.with(depth) { bed in
            let answer = try await bed.get("/v1/me")
            #expect(answer.status == 401)
            #expect(answer.code == "unauthenticated")
            #expect(answer.fields[.wwwAuthenticate] == "Bearer realm=\"opsroom\"")
            let wrong = try await bed.get("/v1/me", [.authorization: "Bearer ocr_nothing"])
            #expect(wrong.status == 401)
            #expect(wrong.fields[.wwwAuthenticate]?.contains("invalid_token") == true)
            let basic = try await bed.get("/v1/me", [.authorization: "Basic YTpi"])
            #expect(basic.status == 401)
        }
    }

    @Test(
        "a token lets in until it is revoked; another node's revocation is heard",
        arguments: Depth.usable
    )
    func revocation(_ depth: Depth) async throws {
        try await Self.with(depth) { bed in
            let (admin, _) = try await bed.token(.admin)
            let made = try await bed.post(
                "/v1/tokens",
                .object(["name": "ci", "scope": "run"]),
                admin
            )
            #expect(made.status == 201)
            let text = try #require(try made.json["token"]?.stringValue)
            let id = try #require(try made.json["id"]?.stringValue)
            #expect(made.fields[.location] == "/v1/tokens/\(id)")
            let bearer: HTTPFields = [.authorization: "Bearer \(text)"]
            let me = try await bed.get("/v1/me", bearer)
            #expect(me.status == 200)
            #expect(try me.json["name"] == "ci")
            #expect(try me.json["scope"] == "run")
            let gone = try await bed.send(.delete, "/v1/tokens/\(id)", admin)
            #expect(gone.status == 204)
            #expect(try await bed.get("/v1/me", bearer).status == 401)

            let (other, otherID) = try await bed.token(.read)
            #expect(try await bed.get("/v1/me", other).status == 200)
            // As another node would do it: this one is told nothing.
            try await bed.store.revokeToken(otherID)
            try await eventually("the revocation is heard") {
                try await bed.get("/v1/me", other).status == 401
            }
        }
    }

    @Test("the secret is shown once and is not stored")
    func secret() async throws {
        try await Self.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let made = try await bed.post("/v1/tokens", .object(["name": "a"]), admin)
            let text = try #require(try made.json["token"]?.stringValue)
            let list = try await bed.get("/v1/tokens", admin)
            let secret = String(text.suffix(52))
            #expect(!list.text.contains(secret))
            let row = try await bed.text("SELECT string_agg(t::text, ' ') FROM api_token t") ?? ""
            #expect(row.contains(try #require(try made.json["id"]?.stringValue)))
            #expect(!row.contains(secret))
        }
    }

    @Test("a scope allows what those below it do, and no more")
    func scopes() async throws {
        try await Self.with { bed in
            let (read, _) = try await bed.token(.read)
            #expect(try await bed.get("/v1/me", read).status == 200)
            let refused = try await bed.get("/v1/tokens", read)
            #expect(refused.status == 403)
            #expect(refused.code == "forbidden")
            #expect(try refused.json["detail"]?.stringValue?.contains("admin") == true)
            let (admin, _) = try await bed.token(.admin)
            #expect(try await bed.get("/v1/me", admin).status == 200)
        }
    }

    @Test("a token ends when its time is over")
    func expiry() async throws {
        try await Self.with { bed in
            let (bearer, id) = try await bed.token(.read, lifetime: .seconds(3_600))
            #expect(try await bed.get("/v1/me", bearer).status == 200)
            try await bed.text("UPDATE api_token SET expires_at = now() WHERE id = '\(id)'")
            try await eventually("it ended") { try await bed.get("/v1/me", bearer).status == 401 }
        }
    }

    @Test("a use is noted, without a write for each")
    func lastUse() async throws {
        try await Self.with { bed in
            let (bearer, id) = try await bed.token(.read)
            #expect(try await bed.store.token(id).usedMilliseconds == nil)
            #expect(try await bed.get("/v1/me", bearer).status == 200)
            try await eventually("the use is noted") {
                try await bed.store.token(id).usedMilliseconds != nil
            }
        }
    }

    @Test("a token of one tenant neither sees nor makes tokens of another")
    func tenants() async throws {
        try await Self.with { bed in
            let (root, rootID) = try await bed.token(.admin)
            let (acme, acmeID) = try await bed.token(.admin, tenant: "acme")
            let list = try await bed.get("/v1/tokens", acme)
            #expect(try list.json["tokens"]?.arrayValue?.map { $0["id"] } == [.string(acmeID)])
            #expect(try await bed.get("/v1/tokens/\(rootID)", acme).status == 404)
            #expect(try await bed.send(.delete, "/v1/tokens/\(rootID)", acme).status == 404)
            let refused = try await bed.post(
                "/v1/tokens",
                .object(["name": "a", "tenant": "other"]),
                acme
            )
            #expect(refused.status == 403)
            #expect(try await bed.get("/v1/tokens/\(acmeID)", root).status == 200)
        }
    }

    @Test("tokens are listed newest first, page by page, none twice and none missed")
    func pages() async throws {
        try await Self.with { bed in
            let (admin, _) = try await bed.token(.admin)
            for index in 0..<6 { _ = try await bed.token(.read, name: "t\(index)") }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await bed.get("/v1/tokens?limit=2\(cursor)", admin).json
                seen += page["tokens"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
                cursor = page["next"]?.stringValue.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(seen.count == 7)
            #expect(Set(seen).count == 7)
            let odd = try await bed.get("/v1/tokens?limit=2&cursor=x", admin)
            #expect(odd.status == 400)
            #expect(odd.code == "invalid_parameter")
        }
    }

    @Test("everything that is wrong with a new token is said at once")
    func badToken() async throws {
        try await Self.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let answer = try await bed.post(
                "/v1/tokens",
                .object(["scope": "god", "expires_in_seconds": 0, "nmae": "x"]),
                admin
            )
            #expect(answer.status == 422)
            let fields = try answer.json["errors"]?.arrayValue?.compactMap {
                $0["field"]?.stringValue
            }
            #expect(fields == ["name", "scope", "expires_in_seconds", "nmae"])
        }
    }

    @Test("a token's rate is told with every answer, and kept")
    func rate() async throws {
        try await Self.with(
            access: Self.access {
                $0.requestsPerSecond = 1
                $0.requestsBurst = 2
            }
        ) { bed in
            let policy = try #require(HTTPField.Name("ratelimit-policy"))
            let left = try #require(HTTPField.Name("ratelimit"))
            let (bearer, _) = try await bed.token(.read)
            let first = try await bed.get("/v1/me", bearer)
            #expect(first.fields[policy] == "\"token\";q=2;w=2")
            #expect(first.fields[left] == "\"token\";r=1;t=1")
            _ = try await bed.get("/v1/me", bearer)
            let third = try await bed.get("/v1/me", bearer)
            #expect(third.status == 429)
            #expect(third.code == "rate_limited")
            #expect(third.fields[.retryAfter] == "1")
            #expect(third.fields[left]?.hasPrefix("\"token\";r=0") == true)
            // Another token has a rate of its own.
            let (other, _) = try await bed.token(.read)
            #expect(try await bed.get("/v1/me", other).status == 200)
        }
    }

    @Test("an address that keeps failing is told to wait; a token that works goes on working")
    func failures() async throws {
        try await Self.with(access: Self.access { $0.failuresBurst = 3 }) { bed in
            let (bearer, _) = try await bed.token(.read)
            #expect(try await bed.get("/v1/me", bearer).status == 200)
            var statuses: [Int] = []
            for _ in 0..<5 {
                let wrong = TokenText.mint(name: "", scope: .read).text
                let answer = try await bed.get("/v1/me", [.authorization: "Bearer \(wrong)"])
                statuses.append(answer.status)
            }
            #expect(statuses == [401, 401, 401, 429, 429])
            #expect(try await bed.get("/v1/me", bearer).status == 200)
        }
    }

    @Test("a request for another host name is not answered, whatever it carries")
    func rebinding() async throws {
        try await Self.with { bed in
            let (bearer, _) = try await bed.token(.read)
            let answer = try await bed.get("/v1/me", bearer, authority: "evil.example:7460")
            #expect(answer.status == 421)
            #expect(answer.code == "host_not_allowed")
        }
    }
}
