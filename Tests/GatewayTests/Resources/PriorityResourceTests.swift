// Decides what the API answers when a queued run's priority is changed, and when a run names its moment.

import Foundation
import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct PriorityResourceTests {
    @Test("a queued run's priority is changed; one that has ended is refused with a sentence")
    func priority() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run()
            let path = "/v1/runs/\(id)"
            let raised = try await bed.patch(path, .object(["priority": 12]))
            #expect(raised.status == 200, "\(raised.text)")
            #expect(try raised.json["priority"] == 12 && raised.json["status"] == "queued")
            #expect(try await bed.get(path).json["priority"] == 12)
            for body in [
                JSONValue.object([:]), .object(["priority": "high"]),
                .object(["priority": 1_000_001]), .object(["priority": 1, "colour": "B"]),
            ] {
                let refused = try await bed.patch(path, body)
                #expect(refused.status == 422 && refused.code == "invalid_body", "\(refused.text)")
            }
            #expect(try await bed.patch("/v1/runs/zzzz", .object(["priority": 1])).status == 404)
            #expect(try await bed.post("\(path)/cancel", .object([:])).status == 202)
            let late = try await bed.patch(path, .object(["priority": 1]))
            #expect(late.status == 409 && late.text.contains("cancelled, not queued"))
        }
    }

    @Test("a queued run is put into another lane, and to a place of its queue")
    func move() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.store.ensureLane(session: "default", lane: "B")
            let first = try await bed.run()
            let second = try await bed.run()
            let path = "/v1/runs/\(second)"
            let moved = try await bed.patch(path, .object(["lane": "B", "place": "first"]))
            #expect(moved.status == 200, "\(moved.text)")
            #expect(try moved.json["lane"] == "B")
            let before = JSONValue.string(second.description)
            let beside = JSONValue.object(["lane": "B", "before": before, "priority": 3])
            let other = try await bed.patch("/v1/runs/\(first)", beside)
            #expect(other.status == 200, "\(other.text)")
            #expect(try other.json["lane"] == "B" && other.json["priority"] == 3)
            for body in [
                JSONValue.object(["place": "middle"]),
                .object(["place": "first", "before": before]),
                .object(["lane": 3]),
            ] {
                let refused = try await bed.patch("/v1/runs/\(first)", body)
                #expect(refused.status == 422 && refused.code == "invalid_body", "\(refused.text)")
            }
            let itself = try await bed.patch(path, .object(["before": before]))
            #expect(itself.status == 409, "\(itself.text)")
            #expect(try await bed.patch(path, .object(["lane": "none"])).status == 404)
        }
    }

    @Test("of two people who move a run to another lane one is told that it was changed")
    func movers() async throws {
        try await GatewayBed.with { bed in
            for lane in ["B", "C"] {
                _ = try await bed.store.ensureLane(session: "default", lane: lane)
            }
            let path = "/v1/runs/\(try await bed.run())"
            let tag = try #require(try await bed.get(path).fields[.eTag])
            let first = try await bed.patch(path, .object(["lane": "B"]), [.ifMatch: tag])
            #expect(first.status == 200, "\(first.text)")
            let second = try await bed.patch(path, .object(["lane": "C"]), [.ifMatch: tag])
            #expect(second.status == 412, "\(second.text)")
            #expect(try await bed.get(path).json["lane"] == "B")
        }
    }

    @Test("of two people who change a run's priority one is told that it was changed")
    func editors() async throws {
        try await GatewayBed.with { bed in
            let path = "/v1/runs/\(try await bed.run())"
            let tag = try #require(try await bed.get(path).fields[.eTag])
            let first = try await bed.patch(path, .object(["priority": 1]), [.ifMatch: tag])
            #expect(first.status == 200, "\(first.text)")
            let second = try await bed.patch(path, .object(["priority": 2]), [.ifMatch: tag])
            #expect(second.status == 412, "\(second.text)")
            let now = try #require(first.fields[.eTag])
            #expect(
                try await bed.get(path).fields[.eTag]?.split(separator: ".").first
                    == now.split(separator: ".").first
            )
            #expect(
                try await bed.patch(path, .object(["priority": 2]), [.ifMatch: now]).status == 200
            )
        }
    }

    @Test("a run may name the moment from which it is due, alone or in a batch")
    func moment() async throws {
        try await GatewayBed.with { bed in
            let plan = JSONValue.string(sleepPlan)
            let now = Int64(Date().timeIntervalSince1970 * 1_000)
            let soon = Timestamp.text(milliseconds: now + 3_600_000)
            func ask(_ due: String) async throws -> Answer {
                try await bed.post("/v1/runs", .object(["plan": plan, "due_at": .string(due)]))
            }
            let later = try await ask(soon)
            #expect(later.status == 201, "\(later.text)")
            #expect(try later.json["due_at"]?.stringValue ?? "" >= soon)
            let past = try await ask("2020-01-01T00:00:00Z")
            #expect(try past.status == 201 && past.json["due_at"] == .null, "\(past.text)")
            for due in ["2099-01-01T00:00:00Z", "soon"] {
                #expect(try await ask(due).status == 422, "\(due)")
            }
            let one = JSONValue.object(["plan": plan, "due_at": .string(soon)])
            let batch = try await bed.post("/v1/runs/batch", .object(["runs": .array([one])]))
            let id = try batch.json["runs"]?[0]?["id"]?.stringValue ?? ""
            let made = try await bed.get("/v1/runs/\(id)").json
            #expect(made["due_at"]?.stringValue ?? "" >= soon, "\(batch.text)")
            let both = try await bed.post(
                "/v1/runs",
                .object(["plan": plan, "due_at": "2020-01-01T00:00:00Z", "delay_ms": 1])
            )
            #expect(both.status == 422 && both.text.contains("not both"), "\(both.text)")
        }
    }
}
