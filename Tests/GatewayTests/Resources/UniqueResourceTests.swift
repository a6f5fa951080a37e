// Decides what the API answers when a run is to be the only one of its kind.

import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct UniqueResourceTests {
    private static func order(
        _ unique: [String: JSONValue],
        _ more: [String: JSONValue] = [:]
    ) -> JSONValue {
        let members: [String: JSONValue] = ["plan": .string(sleepPlan), "unique": .object(unique)]
        return .object(members.merging(more) { $1 })
    }

    @Test("of a kind there is one: a second is refused with its id, joins it or takes its place")
    func kinds() async throws {
        try await GatewayBed.with { bed in
            let made = try await bed.post("/v1/runs", Self.order([:]))
            #expect(made.status == 201, "\(made.text)")
            let id = try #require(try made.json["id"])
            #expect(try made.json["unique"]?["scope"] == "lane")
            #expect(try made.json["unique_outcome"] == "made")

            let held = try await bed.post("/v1/runs", Self.order([:]))
            #expect(held.status == 409 && held.code == "conflict", "\(held.text)")
            #expect(try held.json["run"] == id)
            #expect(held.fields[.location] == "/v1/runs/\(id.stringValue ?? "")")

            let joined = try await bed.post("/v1/runs", Self.order(["on_conflict": "join"]))
            #expect(joined.status == 200, "\(joined.text)")
            #expect(try joined.json["id"] == id && joined.json["unique_outcome"] == "joined")

            // Without a key a kind is a plan with its inputs.
            let others: [String: JSONValue] = ["inputs": .object(["count": .integer(2)])]
            let other = try await bed.post("/v1/runs", Self.order([:], others))
            #expect(other.status == 201, "\(other.text)")

            let named = try await bed.post(
                "/v1/runs",
                Self.order(["key": "k", "scope": "session"])
            )
            #expect(try named.json["unique"]?["key"] == "k")
            let replaced = try await bed.post(
                "/v1/runs",
                Self.order(
                    ["key": "k", "scope": "session", "on_conflict": "replace"],
                    ["inputs": .object(["count": .integer(9)]), "lane": "B"]
                )
            )
            #expect(replaced.status == 200, "\(replaced.text)")
            #expect(try replaced.json["id"] == named.json["id"])
            #expect(try replaced.json["inputs"]?["count"] == .integer(9))
            #expect(try replaced.json["lane"] == "B")
            #expect(try replaced.json["unique_outcome"] == "replaced")
        }
    }

    @Test("a wish that makes no sense is refused with its place in the body")
    func refused() async throws {
        try await GatewayBed.with { bed in
            let cases: [(JSONValue, String)] = [
                (Self.order(["on_conflict": "jion"]), "unique/on_conflict"),
                (Self.order(["scope": "node"]), "unique/scope"),
                (Self.order(["for_ms": .integer(0)]), "unique/for_ms"),
                (Self.order(["kye": "k"]), "unique/kye"),
                (Self.order(["on_conflict": "debounce"]), "delay_ms"),
            ]
            for (body, place) in cases {
                let answer = try await bed.post("/v1/runs", body)
                #expect(answer.status == 422 && answer.code == "invalid_body", "\(answer.text)")
                #expect(try answer.json["errors"]?.arrayValue?.first?["field"] == .string(place))
            }
        }
    }
}
