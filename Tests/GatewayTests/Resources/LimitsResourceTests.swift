// Decides that limits and lanes' settings are set, read and refused as the API's description says.

import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct LimitsResourceTests {
    private static let lane = "/v1/sessions/s/lanes/B"

    private static func made(_ bed: GatewayBed) async throws {
        let body = JSONValue.object(["name": "s", "lanes": .array([.object(["name": "B"])])])
        #expect(try await bed.post("/v1/sessions", body).status == 201)
    }

    @Test("limits and a lane's settings answer in the form described, and null takes one away")
    func forms() async throws {
        try await GatewayBed.with { bed in
            try await Self.made(bed)
            func check(
                _ method: HTTPRequest.Method,
                _ path: String,
                _ name: String,
                _ body: JSONValue? = nil
            ) async throws -> JSONValue {
                let answer =
                    if let body { try await bed.change(method, path, body) } else {
                        try await bed.send(method, path)
                    }
                #expect(answer.status < 300, "\(name): \(answer.text)")
                if answer.status == 204 { return .null }
                try await OpenAPITests.check(answer, name)
                return try answer.json
            }
            let rate = JSONValue.object(["rate": "100/60s"])
            let limit = try await check(.put, "/v1/limits/bank", "limits.put", rate)
            #expect(limit["rate"] == "100/m" && limit["lanes"] == 0)
            let settings = JSONValue.object([
                "key_width": 2, "rate": "5/s:2", "key_rate": "1/m", "ageing_ms": .null,
                "limits": .array(["bank"]),
            ])
            let set = try await check(.patch, Self.lane, "lanes.update", settings)
            #expect(set["key_width"] == 2 && set["rate"] == "5/s:2" && set["key_rate"] == "1/m")
            #expect(set["ageing_ms"] == .null && set["limits"] == .array(["bank"]))
            let none = JSONValue.object(["rate": .null, "width": 3])
            let less = try await check(.patch, Self.lane, "lanes.update", none)
            #expect(less["rate"] == .null && less["key_width"] == 2 && less["width"] == 3)
            let list = try await check(.get, "/v1/limits", "limits.list")
            #expect(list["limits"]?[0]?["lanes"] == 1)
            #expect(try await bed.send(.delete, "/v1/limits/bank").status == 409)
            let free = JSONValue.object(["limits": .array([])])
            _ = try await check(.patch, Self.lane, "lanes.update", free)
            _ = try await check(.get, "/v1/limits/bank", "limits.get")
            _ = try await check(.delete, "/v1/limits/bank", "limits.delete")
            let key = JSONValue.object(["key": "k", "reason": "audit"])
            _ = try await check(.post, "\(Self.lane)/pause", "lanes.pause", key)
            let paused = try await check(.get, "\(Self.lane)/paused-keys", "lanes.paused_keys")
            #expect(paused["paused_keys"]?[0]?["key"] == "k")
            #expect(paused["paused_keys"]?[0]?["paused"]?["reason"] == "audit")
            let resume = JSONValue.object(["key": "k"])
            _ = try await check(.post, "\(Self.lane)/resume", "lanes.resume", resume)
            let left = try await bed.get("\(Self.lane)/paused-keys")
            #expect(try left.json["paused_keys"]?.arrayValue?.isEmpty == true)
        }
    }

    @Test("settings that do not fit are refused with their place, and nothing is changed")
    func refusals() async throws {
        try await GatewayBed.with { bed in
            try await Self.made(bed)
            func refused(_ body: [String: JSONValue], _ status: Int, _ words: String) async throws {
                let answer = try await bed.change(.patch, Self.lane, .object(body))
                #expect(answer.status == status, "\(answer.text)")
                #expect(answer.text.contains(words), "\(answer.text)")
            }
            try await refused(["rate": "often"], 422, "no rate")
            try await refused(["rate": 5], 422, "must be a text")
            try await refused(["key_width": 0], 422, "key_width")
            try await refused(["ageing_ms": 0], 422, "ageing")
            try await refused(["limits": .array([1])], 422, "limits")
            try await refused(["limits": .array(["a", "a"])], 422, "each once")
            try await refused(["limits": .array(["nowhere"]), "width": 7], 404, "nowhere")
            #expect(try await bed.get(Self.lane).json["width"] == 1)
            let bad = JSONValue.object(["rate": "0/m"])
            #expect(try await bed.change(.put, "/v1/limits/bank", bad).status == 422)
            let rate = JSONValue.object(["rate": "1/m"])
            #expect(try await bed.change(.put, "/v1/limits/-", rate).status == 422)
            #expect(try await bed.send(.delete, "/v1/limits/bank").status == 404)
            let long = JSONValue.object(["key": .string(String(repeating: "k", count: 201))])
            #expect(try await bed.change(.post, "\(Self.lane)/pause", long).status == 422)
        }
    }

    @Test("a limit that is only to be made changes none that is there")
    func onlyMade() async throws {
        try await GatewayBed.with { bed in
            let path = "/v1/limits/bank"
            let first = JSONValue.object(["rate": "1/m"])
            let made = try await bed.change(.put, path, first, [.ifNoneMatch: "*"])
            #expect(made.status == 200, "\(made.text)")
            let other = JSONValue.object(["rate": "9/m"])
            let second = try await bed.change(.put, path, other, [.ifNoneMatch: "*"])
            #expect(second.status == 412 && second.text.contains("already"), "\(second.text)")
            #expect(try await bed.get(path).json["rate"] == "1/m")
        }
    }

    @Test("a lane's etag is of its limits, too")
    func edited() async throws {
        try await GatewayBed.with { bed in
            try await Self.made(bed)
            let first = try await bed.get(Self.lane)
            let tag = try #require(first.fields[.eTag])
            let width = JSONValue.object(["key_width": 2])
            #expect(try await bed.change(.patch, Self.lane, width).status == 200)
            let other = JSONValue.object(["rate": "1/m"])
            let late = try await bed.change(.patch, Self.lane, other, [.ifMatch: tag])
            #expect(late.status == 412, "\(late.text)")
        }
    }
}
