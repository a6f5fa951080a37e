// A browser is opened with a code instead of a token: good once, for a minute, on the node that made it.

import HTTPTypes
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite("One-time codes")
struct BrowserCodeTests {
    private static func code(_ bed: GatewayBed, _ bearer: HTTPFields) async throws -> String {
        let answer = try await bed.post("/v1/browser-codes", [:], bearer)
        #expect(answer.status == 201)
        #expect(try answer.json["expires_in_seconds"] == 60)
        return try answer.json["code"]?.stringValue ?? ""
    }

    @Test("a code becomes the session of the token it was made with, once")
    func once() async throws {
        try await AccessTests.with { bed in
            let (bearer, id) = try await bed.token(.run, name: "ops")
            let code = try await Self.code(bed, bearer)
            let body = JSONValue.object(["code": .string(code)])
            let first = try await bed.post("/v1/browser-session", body)
            #expect(first.status == 201)
            #expect(try first.json["token"] == .string(id))
            let cookie = first.fields[.setCookie]?.split(separator: ";").first.map(String.init)
            let session = try await bed.get("/v1/browser-session", [.cookie: cookie ?? ""])
            #expect(session.status == 200)
            #expect(try session.json["name"] == "ops")
            #expect(try session.json["scope"] == "run")
            #expect(try session.json["csrf_token"] == first.json["csrf_token"])
            let again = try await bed.post("/v1/browser-session", body)
            #expect(again.status == 401 && again.text.contains("code"))
            #expect(again.fields[.setCookie] == nil)
        }
    }

    @Test("a token that was revoked in the meantime has no session by its code")
    func revoked() async throws {
        try await AccessTests.with { bed in
            let (bearer, _) = try await bed.token(.run)
            let code = try await Self.code(bed, bearer)
            try await bed.text("UPDATE api_token SET revoked_at = now()")
            let late = try await bed.post("/v1/browser-session", ["code": .string(code)])
            #expect(late.status == 401)
        }
    }

    @Test("codes are guessed no more often than tokens, and come with nothing beside them")
    func guesses() async throws {
        let access = AccessTests.access { $0.failuresBurst = 2 }
        try await AccessTests.with(access: access) { bed in
            let both = JSONValue.object(["code": "a", "token": "b"])
            #expect(try await bed.post("/v1/browser-session", both).status == 422)
            for status in [401, 401, 429] {
                let answer = try await bed.post("/v1/browser-session", ["code": "0123"])
                #expect(answer.status == status)
            }
        }
    }

    @Test("only who shows a token makes codes, and only who has a cookie asks for its session")
    func holders() async throws {
        try await AccessTests.with { bed in
            #expect(try await bed.post("/v1/browser-codes", [:]).status == 401)
            #expect(try await bed.get("/v1/browser-session").status == 401)
            let (bearer, _) = try await bed.token(.admin)
            #expect(try await bed.get("/v1/browser-session", bearer).status == 409)
            let login = try await bed.send(.post, "/v1/browser-session", bearer)
            let cookie = login.fields[.setCookie]?.split(separator: ";").first.map(String.init)
            let csrf = try #require(HTTPField.Name("x-csrf-token"))
            let fields: HTTPFields = [
                .cookie: cookie ?? "", csrf: try login.json["csrf_token"]?.stringValue ?? "",
            ]
            #expect(try await bed.post("/v1/browser-codes", [:], fields).status == 409)
        }
    }

    @Test("one token has five codes that wait, however many it makes; the newest are good")
    func fair() async throws {
        let codes = BrowserCodes()
        let now = ContinuousClock.now
        let other = try #require(codes.make(for: "b", at: now))
        let made = (0..<1_000).compactMap { _ in codes.make(for: "a", at: now) }
        #expect(made.count == 1_000)
        let good = made.filter { codes.take($0, at: now) == "a" }
        #expect(good == Array(made.suffix(BrowserCodes.codesOfTokenMax)))
        #expect(codes.take(other, at: now) == "b")

        try await AccessTests.with { bed in
            let (reader, _) = try await bed.token(.read)
            let first = try await Self.code(bed, reader)
            for _ in 0..<BrowserCodes.codesMax { _ = try await Self.code(bed, reader) }
            let (bearer, _) = try await bed.token(.run, name: "ops")
            let own = try await Self.code(bed, bearer)
            let gone = try await bed.post("/v1/browser-session", ["code": .string(first)])
            #expect(gone.status == 401)
            let taken = try await bed.post("/v1/browser-session", ["code": .string(own)])
            #expect(taken.status == 201)
        }
    }

    @Test("a code is good for a minute, and no more than a hundred wait")
    func bounds() throws {
        let codes = BrowserCodes()
        let now = ContinuousClock.now
        let code = try #require(codes.make(for: "a", at: now))
        #expect(codes.take(code, at: now + .seconds(60)) == nil)
        #expect(codes.take(code, at: now) == nil)
        let made = (0..<BrowserCodes.codesMax).compactMap { codes.make(for: "t\($0)", at: now) }
        #expect(made.count == BrowserCodes.codesMax && Set(made).count == made.count)
        #expect(codes.make(for: "b", at: now + .seconds(59)) == nil)
        #expect(codes.take(made[3], at: now + .seconds(59)) == "t3")
        #expect(codes.make(for: "b", at: now + .seconds(59)) != nil)
        #expect(codes.make(for: "c", at: now + .seconds(60)) != nil)
    }
}
