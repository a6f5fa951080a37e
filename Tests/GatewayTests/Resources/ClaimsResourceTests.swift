// Decides what the API takes from workers outside, and what it answers them.

import HTTPTypes
import PulserIR
import Store
import Synchronization
import Testing

@testable import Gateway

/// The owner of every lane: keeps what workers say, and answers as it is told.
private final class Courier: WorkerCourier {
    let runs = Mutex<[HandedRun]>([])
    let said = Mutex<[WorkerReport.Kind]>([])
    let reply = Mutex(WorkerReply(.accepted))

    func claim(
        _ lanes: [Int64],
        for worker: String,
        runsMax: Int,
        lease: Duration,
        wait: Duration
    ) async -> [HandedRun] { self.runs.withLock { $0 } }

    func report(_ report: WorkerReport, of run: RunID, lane: Int64) async -> WorkerReply {
        self.said.withLock { $0.append(report.kind) }
        return self.reply.withLock { $0 }
    }

    var last: WorkerReport.Kind? { self.said.withLock { $0.last } }
}

@Suite(.timeLimit(.minutes(2)))
struct ClaimsResourceTests {
    /// A run of a lane that is worked outside.
    private static func run(_ bed: GatewayBed, _ courier: Courier) async throws -> String {
        bed.store.news.workers = courier
        #expect(try await bed.post("/v1/sessions", .object(["name": "s"])).status == 201)
        let lane = JSONValue.object(["name": "B", "worker": "external"])
        #expect(try await bed.post("/v1/sessions/s/lanes", lane).status == 201)
        return try await bed.run(["session": "s", "lane": "B", "key": "anna"])
    }

    @Test("a claim names the key of its run, and how often it was tried before")
    func claim() async throws {
        try await GatewayBed.with { bed in
            let courier = Courier()
            let id = try await Self.run(bed, courier)
            let row = try await bed.store.run(try #require(RunID(id)))
            courier.runs.withLock {
                $0 = [
                    HandedRun(
                        run: row.id.number,
                        lane: row.lane,
                        claimNumber: 1,
                        plan: row.planDigest.bytes,
                        inputs: "{}",
                        attempt: 1,
                        losses: 0,
                        priority: 0,
                        leaseMilliseconds: 1_000,
                        timeLeftMilliseconds: 1_000,
                        key: row.key,
                        retries: 2
                    )
                ]
            }
            let wish = JSONValue.object(["session": "s", "lane": "B"])
            let answer = try await bed.post("/v1/claims", wish)
            #expect(answer.status == 200, "\(answer.text)")
            let claim = try answer.json["claims"]?[0]
            let described = SchemaCatalog.all["Claim"]?["properties"]?.objectValue ?? [:]
            #expect(Set(claim?.objectValue?.keys ?? [:].keys) == Set(described.keys))
            #expect(claim?["key"] == "anna" && claim?["retries"] == 2, "\(answer.text)")
        }
    }

    @Test("a run is given back for now or for later, within a year")
    func release() async throws {
        try await GatewayBed.with { bed in
            let courier = Courier()
            let path = "/v1/claims/\(try await Self.run(bed, courier))/release"
            for (delay, due) in [(nil, nil), (nil, 0), (600_000, 600_000)] as [(Int64?, Int64?)] {
                courier.reply.withLock { $0 = WorkerReply(.accepted, dueInMilliseconds: due) }
                var body: [String: JSONValue] = ["claim_no": 1, "reason": "busy"]
                body["delay_ms"] = delay.map { .integer($0) }
                let answer = try await bed.post(path, .object(body))
                #expect(answer.status == 200, "\(answer.text)")
                try await OpenAPITests.check(answer, "claims.release")
                #expect(courier.last == .giveBack(reason: "busy", delayMilliseconds: delay))
                #expect(try answer.json["status"] == "queued")
                #expect(try (answer.json["due_at"] == .null) == (due == nil))
            }
            let count = courier.said.withLock { $0.count }
            for delay in [.integer(-1), .integer(31_536_000_001), "soon"] as [JSONValue] {
                let body = JSONValue.object(["claim_no": 1, "delay_ms": delay])
                let refused = try await bed.post(path, body)
                #expect(refused.status == 422 && refused.text.contains("delay_ms"), "\(delay)")
            }
            #expect(courier.said.withLock { $0.count } == count)
            courier.reply.withLock { $0 = WorkerReply(.refused, reason: "its timeout is over") }
            let late = try await bed.post(path, .object(["claim_no": 1, "delay_ms": 1]))
            #expect(late.status == 422 && late.text.contains("its timeout is over"), "\(late.text)")
        }
    }

    @Test(
        "a failure may ask for another attempt, no other end may; the answer says what became of it"
    )
    func complete() async throws {
        try await GatewayBed.with { bed in
            let courier = Courier()
            let path = "/v1/claims/\(try await Self.run(bed, courier))/complete"
            for due in [5_000, nil] as [Int64?] {
                courier.reply.withLock { $0 = WorkerReply(.accepted, dueInMilliseconds: due) }
                let answer = try await bed.post(
                    path,
                    .object([
                        "claim_no": 1, "status": "failed", "failure": "no ink",
                        "retry_after_ms": 5_000,
                    ])
                )
                #expect(answer.status == 200, "\(answer.text)")
                try await OpenAPITests.check(answer, "claims.complete")
                guard case .complete(let result) = courier.last else {
                    Issue.record("nobody heard of it")
                    return
                }
                #expect(result.retryAfterMilliseconds == 5_000 && result.failure == "no ink")
                #expect(try answer.json["status"] == (due == nil ? "failed" : "queued"))
                #expect(try (answer.json["due_at"] == .null) == (due == nil))
            }
            let count = courier.said.withLock { $0.count }
            for (status, retry) in [("succeeded", 0), ("cancelled", 0), ("failed", -1)] {
                let body = JSONValue.object([
                    "claim_no": 1, "status": .string(status), "failure": "no ink",
                    "retry_after_ms": .integer(Int64(retry)),
                ])
                let refused = try await bed.post(path, body)
                #expect(
                    refused.status == 422 && refused.text.contains("retry_after_ms"),
                    "\(status)"
                )
            }
            #expect(courier.said.withLock { $0.count } == count)
        }
    }
}
