// Decides what the API answers about a session's board, and when it says that nothing changed.

import HTTPTypes
import PulserIR
import Store
import Synchronization
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct BoardResourceTests {
    private static let path = "/v1/sessions/default/board"

    private static let plan = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: two}
        steps:
          - id: one
            system: {sleep: 1ms}
          - id: two
            needs: [one]
            system: {approval: {message: "really?"}}
        """

    @Test(
        "a board tells of its lanes in the form described, and costs nothing when nothing changed"
    )
    func board() async throws {
        try await GatewayBed.with { bed in
            let ids = [
                try await bed.run(["lane": "A"]), try await bed.run(["lane": "A"]),
                try await bed.run(["lane": "B", "plan": .string(Self.plan)]),
            ]
            try await TestNode.with(bed.store) { node in
                let answer = try await bed.get(Self.path)
                try await OpenAPITests.check(answer, "sessions.board")
                let json = try answer.json
                let lanes = json["lanes"]?.arrayValue ?? []
                #expect(lanes.map { $0["name"] } == ["A", "B"])
                let cards = lanes[0]["cards"]?.arrayValue ?? []
                #expect(cards.map { $0["id"]?.stringValue ?? "" } == Array(ids.prefix(2)))
                #expect(lanes[0]["queued"] == 2 && lanes[0]["queued_is_more"] == false)
                #expect(lanes[1]["cards"]?[0]?["progress"] == ["done": 0, "total": 2])
                #expect(json["session"]?["open_runs"] == 3 && json["waiting"] == 0)
                #expect(json["nodes"]?[0]?["name"] == "n")
                let tag = try #require(answer.fields[.eTag])
                let same = try await bed.get(Self.path, [.ifNoneMatch: tag])
                #expect(same.status == 304 && same.bytes.isEmpty, "\(same.text)")

                let lane = try #require(lanes[1]["id"]?.integerValue)
                let (runs, log) = try await node.claim(lane, room: 1)
                let changed = try await bed.get(Self.path, [.ifNoneMatch: tag])
                #expect(changed.status == 200)
                let card = try changed.json["lanes"]?[1]?["cards"]?[0]
                #expect(card?["status"] == "claimed" && card?["node"] == "n")
                let one = StepRecord(step: "one", attempt: 1, state: .failed, failure: "it broke")
                let end = RunTransition(
                    status: .failed,
                    retryCount: 0,
                    failure: "it broke",
                    firstSequence: 1,
                    lastSequence: 1
                )
                try await node.writer.submit(
                    [.journal(one), .transition(end)],
                    fence: runs[0].fence,
                    log: log
                )
                for _ in 1...2 {
                    let after = try await bed.get(Self.path)
                    try await OpenAPITests.check(after, "sessions.board")
                    let ended = try after.json["lanes"]?[1]?["recent"]?[0]
                    #expect(ended?["failed_step"] == "one" && ended?["failure"] == "it broke")
                    #expect(ended?["progress"] == ["done": 0, "total": 2])
                }
            }
        }
    }

    @Test("a run that waits for people says so on its card, and is counted")
    func waiting() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run(["lane": "A", "plan": .string(Self.plan)])
            try await bed.text(
                """
                WITH r AS (
                    UPDATE run SET status = 'waiting', waiting_at = now(), claim_no = 1,
                        wait_reason = 'step ''two'' waits for an approval' RETURNING id)
                INSERT INTO approval
                    (run_id, run_attempt, step, needed, groups, users, self, message)
                SELECT id, 1, 'two', 1, '{}', '{}', true, 'really?' FROM r
                """
            )
            let answer = try await bed.get(Self.path)
            try await OpenAPITests.check(answer, "sessions.board")
            #expect(try answer.json["waiting"] == 1)
            let card = try answer.json["lanes"]?[0]?["cards"]?[0]
            #expect(card?["id"]?.stringValue == id)
            #expect(card?["wait"]?["kind"] == "approval" && card?["wait"]?["step"] == "two")
            #expect(card?["wait"]?["since"]?.stringValue != nil)
        }
    }

    @Test("what is known of a board's runs and plans stays while others are forgotten")
    func memory() async throws {
        try await GatewayBed.with { bed in
            for lane in ["A", "B"] { _ = try await bed.run(["lane": .string(lane)]) }
            let lanes = try await bed.store.board("default", cards: 1).lanes
            var (a, b) = (lanes[0].cards[0], lanes[1].cards[0])
            b.planDigest = Digest(of: [1])
            a.claimNumber = 1
            let memory = BoardMemory(max: 1)
            memory.learn([a], [:], [a.planDigest: 3], for: [a])
            memory.learn([b], [:], [b.planDigest: 4], for: [a, b])
            let both = memory.known(of: [a, b])
            #expect(both.totals == [a.planDigest: 3, b.planDigest: 4] && both.runs.count == 2)
            memory.learn([b], [:], [b.planDigest: 4], for: [b])
            let one = memory.known(of: [a, b])
            #expect(one.totals == [b.planDigest: 4] && Set(one.runs.keys) == [b.id])
        }
    }

    @Test("who asks for what is about to be read shares it; what is being read is too old")
    func shared() async throws {
        let answers = SharedAnswers<Int, Int>(gap: .milliseconds(100))
        let count = Counter()
        #expect(try await answers.answer(for: 1) { count.next() } == 1)
        let shared = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 1...20 {
                group.addTask { try await answers.answer(for: 1) { count.next() } }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(shared.isSubset(of: [2, 3]), "\(shared)")
        #expect(try await answers.answer(for: 2) { 77 } == 77)
        // Its own refusal is told to all, and lasts no longer than its round.
        await #expect(throws: Problem.self) {
            try await answers.answer(for: 3) { throw Problem(.overloaded, "no") }
        }
        #expect(try await answers.answer(for: 3) { 5 } == 5)
        // Who computes goes away: the others do without.
        _ = try await answers.answer(for: 4) { 0 }
        let left = await withTaskGroup(of: Int?.self) { group in
            group.cancelAll()
            group.addTask { try? await answers.answer(for: 4) { 1 } }
            return await group.next() ?? nil
        }
        #expect(left == nil)
        #expect(try await answers.answer(for: 4) { 2 } == 2)
    }

    private final class Counter: Sendable {
        private let state = Mutex(0)
        func next() -> Int {
            self.state.withLock { state in
                state += 1
                return state
            }
        }
    }

    @Test("an empty session, an archived one and one that is not there")
    func sessions() async throws {
        try await GatewayBed.with { bed in
            #expect(try await bed.post("/v1/sessions", ["name": "s"]).status == 201)
            let empty = try await bed.get("/v1/sessions/s/board")
            try await OpenAPITests.check(empty, "sessions.board")
            #expect(try empty.json["lanes"] == [] && empty.json["session"]?["open_runs"] == 0)
            #expect(try await bed.post("/v1/sessions/s/archive", .object([:])).status == 200)
            let archived = try await bed.get("/v1/sessions/s/board")
            try await OpenAPITests.check(archived, "sessions.board")
            #expect(try archived.json["session"]?["status"] == "archived")
            #expect(try archived.json["session"]?["ended_at"]?.stringValue != nil)
            #expect(try await bed.get("/v1/sessions/none/board").status == 404)
            for cards in ["501", "-1", "x"] {
                let refused = try await bed.get("\(Self.path)?cards=\(cards)")
                #expect(refused.code == "invalid_parameter", "\(refused.text)")
            }
            #expect(try await bed.get("/v1/sessions/s/board?cards=500").status == 200)
        }
    }
}
