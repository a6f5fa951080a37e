// Decides that sessions and lanes are paused and resumed as the API's description says.

import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct LanePauseResourceTests {
    @Test("a session and a lane are paused with who and why, and resumed, in the form described")
    func forms() async throws {
        try await GatewayBed.with { bed in
            let body = JSONValue.object([
                "name": "s", "lanes": .array([.object(["name": "B"])]),
            ])
            #expect(try await bed.post("/v1/sessions", body).status == 201)
            let reason = JSONValue.object(["reason": "audit", "by": "ann"])
            func check(
                _ path: String,
                _ name: String,
                _ body: JSONValue? = nil
            ) async throws
                -> JSONValue
            {
                let answer = try await bed.post(path, body ?? .object([:]))
                #expect(answer.status == 200, "\(answer.text)")
                try await OpenAPITests.check(answer, name)
                return try answer.json
            }
            let session = try await check("/v1/sessions/s/pause", "sessions.pause", reason)
            #expect(session["paused"]?["reason"] == "audit")
            #expect(session["paused"]?["by"]?.stringValue?.hasPrefix("ann (") == true)
            let lane = "/v1/sessions/s/lanes/B"
            let paused = try await check("\(lane)/pause", "lanes.pause", reason)
            #expect(paused["paused"]?["reason"] == "audit")
            let lanes = try await bed.get("/v1/sessions/s/lanes")
            #expect(try lanes.json["lanes"]?[0]?["paused"]?["reason"] == "audit")
            let again = try await check("\(lane)/pause", "lanes.pause")
            #expect(again["paused"] == paused["paused"], "it stays as it was paused")
            #expect(try await check("\(lane)/resume", "lanes.resume")["paused"] == .null)
            let going = try await check("/v1/sessions/s/resume", "sessions.resume")
            #expect(going["paused"] == .null)
        }
    }

    @Test("a pause of what is not there, or has ended, is refused with a next step")
    func refusals() async throws {
        try await GatewayBed.with { bed in
            func refused(_ path: String, _ body: [String: JSONValue], _ status: Int) async throws {
                let answer = try await bed.post(path, .object(body))
                #expect(answer.status == status, "\(answer.text)")
                #expect(try answer.json["next"]?.stringValue != nil)
            }
            #expect(try await bed.post("/v1/sessions", .object(["name": "s"])).status == 201)
            try await refused("/v1/sessions/none/pause", [:], 404)
            try await refused("/v1/sessions/s/lanes/none/pause", [:], 404)
            try await refused("/v1/sessions/s/pause", ["key": "k"], 422)
            let long = JSONValue.string(String(repeating: "x", count: 2_000))
            try await refused("/v1/sessions/s/pause", ["reason": long], 422)
            #expect(try await bed.post("/v1/sessions/s/archive", .object([:])).status == 200)
            try await refused("/v1/sessions/s/pause", [:], 409)
        }
    }
}
