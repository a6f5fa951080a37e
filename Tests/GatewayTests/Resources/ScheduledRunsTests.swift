// Decides that a schedule says of its runs what POST /v1/runs says, in the same words, and keeps to it.

import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct ScheduledRunsTests {
    private static let path = "/v1/schedules/nightly"
    private static let unique = JSONValue.object(["key": "nap", "on_conflict": "join"])

    private static func order(_ more: [String: JSONValue] = [:]) -> JSONValue {
        let members: [String: JSONValue] = [
            "name": "nightly", "plan": .string(sleepPlan), "rules": .array(["0 0 * * *"]),
            "overlap": "queue",
        ]
        return .object(members.merging(more) { $1 })
    }

    @Test("what is said of runs is shown, kept by other edits, changed, and taken away by null")
    func document() async throws {
        try await GatewayBed.with { bed in
            let plain = try await bed.post("/v1/schedules", Self.order()).json
            #expect(plain["key"] == "" && plain["delay_ms"] == 0 && plain["unique"] == .null)
            #expect(plain["ttl_ms"] == .null && plain["deadline_ms"] == .null)
            let said: [String: JSONValue] = [
                "key": "customer-7", "delay_ms": 1_000, "ttl_ms": 60_000, "deadline_ms": 5_000,
                "unique": Self.unique,
            ]
            let changed = try await bed.patch(Self.path, .object(said))
            #expect(changed.status == 200, "\(changed.text)")
            let other = try await bed.patch(Self.path, .object(["title": "x"]))
            try await OpenAPITests.check(other, "schedules.update")
            for (name, value) in said where name != "unique" {
                #expect(try other.json[name] == value, "\(name)")
            }
            let shown = try #require(try other.json["unique"])
            #expect(
                shown
                    == .object([
                        "key": "nap", "scope": "lane", "for_ms": .null, "on_conflict": "join",
                        "debounce_max_ms": 3_600_000,
                    ])
            )
            // The shown form is a form that is read.
            let again = try await bed.patch(Self.path, .object(["unique": shown]))
            #expect(try again.json["unique"] == shown, "\(again.text)")
            let none: [String: JSONValue] = [
                "key": "", "delay_ms": 0, "ttl_ms": .null, "deadline_ms": .null, "unique": .null,
            ]
            let bare = try await bed.patch(Self.path, .object(none))
            for (name, value) in none { #expect(try bare.json[name] == value, "\(name)") }
            let list = try await bed.get("/v1/schedules")
            try await OpenAPITests.check(list, "schedules.list")
        }
    }

    @Test(
        "what does not fit is refused at its place, with a hint, also where it meets what is there"
    )
    func refusals() async throws {
        try await GatewayBed.with { bed in
            func check(
                _ answer: Answer,
                _ field: String,
                _ words: String
            ) throws {
                #expect(answer.status == 422, "\(answer.text)")
                let errors = try answer.json["errors"]?.arrayValue ?? []
                #expect(errors.contains { $0["field"]?.stringValue == field }, "\(answer.text)")
                #expect(answer.text.contains(words), "\(answer.text)")
            }
            func refused(_ more: [String: JSONValue], _ field: String, _ words: String) async throws
            {
                try check(try await bed.post("/v1/schedules", Self.order(more)), field, words)
            }
            try await refused(["key": 7], "key", "must be a text")
            let long = JSONValue.string(String(repeating: "k", count: 300))
            try await refused(["key": long], "key", "at most 200 bytes")
            try await refused(["delay_ms": -1], "delay_ms", "a run waits for 0")
            try await refused(["ttl_ms": 0], "ttl_ms", "from 1 to")
            try await refused(["deadline_ms": 0], "deadline_ms", "from 1 to")
            try await refused(["deadline_ms": "5s"], "deadline_ms", "must be an integer")
            try await refused(
                ["deadline_at": "2030-01-01T00:00:00Z"],
                "deadline_at",
                "say deadline_ms"
            )
            try await refused(["unique": true], "unique", "must be an object")
            func kind(_ members: [String: JSONValue]) -> [String: JSONValue] {
                ["unique": .object(members)]
            }
            try await refused(kind(["key": long]), "unique/key", "at most 255 bytes")
            try await refused(kind(["scope": "node"]), "unique/scope", "one of lane, session")
            try await refused(kind(["on_conflict": "merge"]), "unique/on_conflict", "one of reject")
            try await refused(kind(["for_ms": 0]), "unique/for_ms", "from 1 to")
            try await refused(kind(["every": 1]), "unique/every", "not known")
            try await refused(kind(["on_conflict": "debounce"]), "delay_ms", "needs a delay")
            var cancels = kind([:])
            cancels["overlap"] = "cancel"
            try await refused(cancels, "overlap", "has its unique key until it has ended")
            // The same when one half is there already.
            var fits = kind(["on_conflict": "debounce"])
            fits["delay_ms"] = 1_000
            #expect(try await bed.post("/v1/schedules", Self.order(fits)).status == 201)
            func edit(_ members: [String: JSONValue]) async throws -> Answer {
                try await bed.patch(Self.path, .object(members))
            }
            try check(try await edit(["delay_ms": 0]), "delay_ms", "needs a delay")
            try check(try await edit(["overlap": "cancel"]), "overlap", "unique key")
            let both = try await edit(["overlap": "cancel", "unique": .null, "delay_ms": 0])
            #expect(both.status == 200, "\(both.text)")
        }
    }

    @Test(
        "a run asked for now joins the one of its kind, or is refused by it; a backfill counts them"
    )
    func asked() async throws {
        try await GatewayBed.with { bed in
            let made = try await bed.post("/v1/schedules", Self.order(["unique": Self.unique]))
            #expect(made.status == 201, "\(made.text)")
            let none = JSONValue.object([:])
            let first = try await bed.post("\(Self.path)/trigger", none)
            try await OpenAPITests.check(first, "schedules.trigger")
            #expect(first.status == 201)
            #expect(try first.json["unique_outcome"] == "made")
            #expect(try first.json["unique"]?["key"] == "nap")
            let run = try #require(try first.json["id"])
            let joined = try await bed.post("\(Self.path)/trigger", none)
            try await OpenAPITests.check(joined, "schedules.trigger")
            #expect(joined.status == 200, "\(joined.text)")
            #expect(try joined.json["id"] == run && joined.json["unique_outcome"] == "joined")
            // By the other way the same kind is known too.
            let wish: [String: JSONValue] = [
                "plan": .string(sleepPlan), "unique": .object(["key": "nap"]),
            ]
            let enqueued = try await bed.post("/v1/runs", .object(wish))
            #expect(enqueued.status == 409, "\(enqueued.text)")
            let rejects = JSONValue.object(["unique": .object(["key": "nap"])])
            #expect(try await bed.patch(Self.path, rejects).status == 200)
            let refused = try await bed.post("\(Self.path)/trigger", none)
            #expect(refused.status == 409, "\(refused.text)")
            #expect(try refused.json["run"] == run && refused.json["next"] != nil)
            let cancel = JSONValue.object(["overlap": "cancel"])
            let cancels = try await bed.post("\(Self.path)/trigger", cancel)
            #expect(cancels.status == 409 && cancels.text.contains("unique"), "\(cancels.text)")
            let range = JSONValue.object([
                "from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z",
            ])
            for _ in 0..<2 {
                let filled = try await bed.post("\(Self.path)/backfill", range)
                try await OpenAPITests.check(filled, "schedules.backfill")
                #expect(try filled.json["made"] == 0 && filled.json["ticks"] == 3)
                #expect(try filled.json["not_unique"] == 3)
            }
            let id = try #require(run.stringValue)
            #expect(try await bed.post("/v1/runs/\(id)/cancel", none).status < 300)
            let filled = try await bed.post("\(Self.path)/backfill", range)
            #expect(try filled.json["made"] == 1 && filled.json["not_unique"] == 2)
        }
    }
}
