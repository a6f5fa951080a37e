// Decides what the API answers when a run is put off.

import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct SnoozeResourceTests {
    @Test("a queued run is put off for a time or until a moment; one that has ended is not")
    func snooze() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run()
            let path = "/v1/runs/\(id)/snooze"
            let later = try await bed.post(path, .object(["for_ms": .integer(600_000)]))
            #expect(later.status == 202, "\(later.text)")
            #expect(try later.json["status"] == "queued")
            #expect(try later.json["due_at"]?.stringValue?.isEmpty == false)
            let moment = try await bed.post(path, .object(["until": "2020-01-01T00:00:00Z"]))
            #expect(moment.status == 202, "\(moment.text)")
            for body in [
                JSONValue.object([:]), .object(["for_ms": .integer(-1)]),
                .object(["until": "soon"]),
                .object(["for_ms": .integer(1), "until": "2030-01-01T00:00:00Z"]),
            ] {
                let refused = try await bed.post(path, body)
                #expect(refused.status == 422 && refused.code == "invalid_body", "\(refused.text)")
            }
            #expect(try await bed.post("/v1/runs/\(id)/cancel", .object([:])).status == 202)
            let late = try await bed.post(path, .object(["for_ms": .integer(1)]))
            #expect(late.status == 409 && late.text.contains("cancelled"), "\(late.text)")
        }
    }
}
