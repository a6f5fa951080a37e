// A browser's session: one cookie, one second token, and nothing for pages of other sites.

import Gateway
import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import Store
import TestKit
import Testing

@Suite("Browser sessions")
struct BrowserSessionTests {
    private static func login(
        _ bed: GatewayBed,
        _ scope: Principal.Scope = .admin,
        isTLS: Bool = false
    ) async throws -> (cookie: String, csrf: String, answer: Answer) {
        let (bearer, _) = try await bed.token(scope)
        let text = bearer[.authorization]?.split(separator: " ").last.map(String.init) ?? ""
        let answer = try await bed.post(
            "/v1/browser-session",
            .object(["token": .string(text)]),
            isTLS: isTLS
        )
        let cookie = answer.fields[.setCookie]?.split(separator: ";").first.map(String.init) ?? ""
        let csrf = try answer.json["csrf_token"]?.stringValue ?? ""
        return (cookie, csrf, answer)
    }

    @Test("a token becomes a cookie that scripts cannot read and other sites cannot send")
    func cookie() async throws {
        try await AccessTests.with { bed in
            let clear = try await Self.login(bed)
            #expect(clear.answer.status == 201)
            let text = try #require(clear.answer.fields[.setCookie])
            #expect(text.hasPrefix("opsroom="))
            #expect(text.contains("; HttpOnly") && text.contains("; SameSite=Strict"))
            #expect(text.contains("; Path=/;") && !text.contains("Secure"))
            let tls = try await Self.login(bed, isTLS: true)
            let secure = try #require(tls.answer.fields[.setCookie])
            #expect(secure.hasPrefix("__Host-opsroom=") && secure.hasSuffix("; Secure"))
            let me = try await bed.get("/v1/me", [.cookie: "other=1; \(clear.cookie)"])
            #expect(me.status == 200)
            #expect(try me.json["csrf_token"] == .string(clear.csrf))
        }
    }

    @Test("a page that is loaded again is told when its session ends, however often it is used")
    func timeLeft() async throws {
        try await AccessTests.with { bed in
            let fresh = try await Self.login(bed)
            let week = try fresh.answer.json["expires_in_seconds"]?.integerValue ?? 0
            #expect(week == 7 * 86_400)
            func left(_ cookie: String) async throws -> Int64 {
                let answer = try await bed.get("/v1/browser-session", [.cookie: cookie])
                return Int64(try answer.json["expires_in_seconds"]?.integerValue ?? -1)
            }
            #expect((7 * 86_400 - 60...7 * 86_400).contains(try await left(fresh.cookie)))

            let old = try await Self.login(bed)
            try await bed.text(
                """
                UPDATE browser_session SET created_at = now() - interval '6 days',
                last_used_at = now() - interval '1 hour'
                """
            )
            #expect((86_400 - 60...86_400).contains(try await left(old.cookie)))

            let short = try await Self.login(bed)
            try await bed.text("UPDATE api_token SET expires_at = now() + interval '10 minutes'")
            #expect((540...600).contains(try await left(short.cookie)))
        }
    }

    @Test("a wrong token makes no session, and counts as a failure")
    func wrongToken() async throws {
        try await AccessTests.with(access: AccessTests.access { $0.failuresBurst = 1 }) { bed in
            let wrong = TokenText.mint(name: "", scope: .read).text
            let body = JSONValue.object(["token": .string(wrong)])
            let first = try await bed.post("/v1/browser-session", body)
            #expect(first.status == 401)
            #expect(first.fields[.setCookie] == nil)
            #expect(try await bed.post("/v1/browser-session", body).status == 429)
        }
        try await AccessTests.with { bed in
            let long = JSONValue.object(["token": .string(String(repeating: "x", count: 5_000))])
            let refused = try await bed.post("/v1/browser-session", long)
            #expect(refused.status == 413)
        }
    }

    @Test("sessions are made no faster than their token may ask")
    func rate() async throws {
        let slow = AccessTests.access {
            $0.requestsPerSecond = 1
            $0.requestsBurst = 3
        }
        try await AccessTests.with(access: slow) { bed in
            let (bearer, _) = try await bed.token(.read)
            var statuses: [Int] = []
            for _ in 0..<20 {
                let answer = try await bed.send(.post, "/v1/browser-session", bearer)
                statuses.append(answer.status)
            }
            #expect(statuses.first == 201)
            #expect(statuses.contains(429))
        }
    }

    @Test("a change needs the second token; looking does not")
    func csrf() async throws {
        try await AccessTests.with { bed in
            let session = try await Self.login(bed)
            let name = try #require(HTTPField.Name("x-csrf-token"))
            let body = JSONValue.object(["name": "a"])
            let without = try await bed.post("/v1/tokens", body, [.cookie: session.cookie])
            #expect(without.status == 403)
            #expect(without.code == "csrf")
            let other = try await Self.login(bed)
            let crossed = try await bed.post(
                "/v1/tokens",
                body,
                [.cookie: session.cookie, name: other.csrf]
            )
            #expect(crossed.status == 403)
            let right = try await bed.post(
                "/v1/tokens",
                body,
                [.cookie: session.cookie, name: session.csrf]
            )
            #expect(right.status == 201)
            #expect(try await bed.get("/v1/tokens", [.cookie: session.cookie]).status == 200)
        }
    }

    @Test(
        "pages of other sites get nothing",
        arguments: [
            ("origin", "https://evil.example", 403), ("origin", "null", 403),
            ("origin", "http://localhost", 200), ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-site", 403), ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "none", 200),
        ]
    )
    func otherSites(_ field: String, _ value: String, _ status: Int) async throws {
        try await AccessTests.with { bed in
            let session = try await Self.login(bed)
            let name = try #require(HTTPField.Name(field))
            let answer = try await bed.get("/v1/me", [.cookie: session.cookie, name: value])
            #expect(answer.status == status)
            #expect(answer.fields[.accessControlAllowOrigin] == nil)
        }
    }

    @Test("a session ends by logging out, by its token's end, and when it was idle too long")
    func ends() async throws {
        try await AccessTests.with { bed in
            let name = try #require(HTTPField.Name("x-csrf-token"))
            let first = try await Self.login(bed)
            let out = try await bed.send(
                .delete,
                "/v1/browser-session",
                [.cookie: first.cookie, name: first.csrf]
            )
            #expect(out.status == 204)
            #expect(out.fields[.setCookie]?.contains("Max-Age=0") == true)
            #expect(try await bed.get("/v1/me", [.cookie: first.cookie]).status == 401)

            let second = try await Self.login(bed)
            #expect(try await bed.get("/v1/me", [.cookie: second.cookie]).status == 200)
            try await bed.text("UPDATE api_token SET revoked_at = now()")
            try await eventually("it ended with its token") {
                try await bed.get("/v1/me", [.cookie: second.cookie]).status == 401
            }
        }
    }

    @Test("logging out ends what the session opened, and nothing that its token opened elsewhere")
    func streams() async throws {
        try await AccessTests.with { bed in
            let name = try #require(HTTPField.Name("x-csrf-token"))
            let session = try await Self.login(bed)
            let desk = bed.gateway.equipment.doorkeeper
            let request = HTTPRequest(
                method: .get,
                scheme: "http",
                authority: "localhost",
                path: "/v1/events",
                headerFields: [.cookie: session.cookie]
            )
            let browser = try await desk.admit(FakeExchange(request), to: .read).principal
            var direct = browser
            direct.session = nil
            #expect(desk.isLive(browser) && desk.isLive(direct))
            let out = try await bed.send(
                .delete,
                "/v1/browser-session",
                [.cookie: session.cookie, name: session.csrf]
            )
            #expect(out.status == 204)
            #expect(!desk.isLive(browser) && desk.isLive(direct))
            let other = try await Self.login(bed)
            var elsewhere = request
            elsewhere.headerFields = [.cookie: other.cookie]
            let second = try await desk.admit(FakeExchange(elsewhere), to: .read).principal
            #expect(desk.isLive(second))
            try await bed.text("DELETE FROM browser_session")
            try await eventually("another node's logout is heard of") { !desk.isLive(second) }
        }
    }

    @Test("a session that nobody used for 12 hours, or is 7 days old, is over and swept away")
    func lifetime() async throws {
        for column in ["last_used_at", "created_at"] {
            try await AccessTests.with { bed in
                let session = try await Self.login(bed)
                let age = column == "created_at" ? "7 days" : "12 hours"
                try await bed.text(
                    "UPDATE browser_session SET \(column) = now() - interval '\(age)'"
                )
                #expect(try await bed.get("/v1/me", [.cookie: session.cookie]).status == 401)
                // Swept is where somebody asks.
                let (other, _) = try await bed.token(.read)
                try await eventually("it is swept away") {
                    #expect(try await bed.get("/v1/me", other).status == 200)
                    return try await bed.text("SELECT count(*) FROM browser_session") == "0"
                }
            }
        }
    }
}
