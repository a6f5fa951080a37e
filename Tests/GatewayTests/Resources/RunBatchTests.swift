// Decides that a batch of runs is stored as a whole or not at all, and that it says which run is wrong.

import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct RunBatchTests {
    private static let path = "/v1/runs/batch"

    /// Takes any text.
    private static let words = sleepPlan.replacing(
        "integer, default: 1",
        with: "string, default: a"
    )
    .replacing("inputs.count > 0", with: "inputs.count != ''")

    private static func nap(_ members: [String: JSONValue] = [:]) -> JSONValue {
        .object(["template": "nap"].merging(members) { $1 })
    }

    private static func body(_ runs: [JSONValue]) -> JSONValue { .object(["runs": .array(runs)]) }

    private static func ids(_ answer: Answer) throws -> [String] {
        (try answer.json["runs"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
    }

    private static func made(_ answer: Answer) throws -> [Bool] {
        (try answer.json["runs"]?.arrayValue ?? []).compactMap { $0["made"]?.boolValue }
    }

    /// The digest of the plan that the template `nap` stands for from now on.
    @discardableResult
    private static func template(_ bed: GatewayBed) async throws -> String {
        let stored = try await bed.post("/v1/plans", .object(["plan": .string(sleepPlan)]))
        let digest = try #require(try stored.json["digest"]?.stringValue)
        let put = try await bed.change(
            .put,
            "/v1/templates/nap",
            .object(["plan_digest": .string(digest)])
        )
        try #require(put.status == 201, "\(put.text)")
        return digest
    }

    private static func count(_ bed: GatewayBed) async throws -> String? {
        try await bed.text(
            "SELECT concat_ws(' ', (SELECT count(*) FROM run_any), (SELECT count(*) FROM lane))"
        )
    }

    @Test("runs come in the order they were asked for, each as it was asked for")
    func good() async throws {
        try await GatewayBed.with { bed in
            let digest = try await Self.template(bed)
            let answer = try await bed.post(
                Self.path,
                Self.body([
                    Self.nap(["inputs": .object(["count": .integer(7)])]),
                    .object(["plan_digest": .string(digest), "lane": "B", "key": "ann"]),
                    .object([
                        "plan": .string(sleepPlan), "priority": .integer(5),
                        "delay_ms": .integer(600_000),
                    ]),
                ])
            )
            #expect(answer.status == 201, "\(answer.text)")
            try await OpenAPITests.check(answer, "runs.create_batch")
            let ids = try Self.ids(answer)
            try #require(ids.count == 3 && Set(ids).count == 3)
            #expect(try Self.made(answer) == [true, true, true])
            #expect(ids.compactMap { RunID($0) } == ids.compactMap { RunID($0) }.sorted())
            var runs: [JSONValue] = []
            for id in ids { runs.append(try await bed.get("/v1/runs/\(id)").json) }
            #expect(runs[0]["inputs"]?["count"] == .integer(7) && runs[0]["template"] == "nap")
            #expect(runs[1]["lane"] == "B" && runs[1]["key"] == "ann")
            #expect(runs[1]["template"] == .null)
            #expect(runs[1]["inputs"]?["count"] == .integer(1))
            #expect(runs[2]["priority"] == .integer(5) && runs[2]["plan"] == "nap")
            let stored = try await bed.text(
                "SELECT string_agg(started_by || ' ' || is_delayed, ', ' ORDER BY id) FROM run"
            )
            #expect(stored == "test false, test false, test true")
            #expect(try await bed.text("SELECT count(*) FROM plan") == "1")
        }
    }

    @Test("a run that cannot be made is named, and none of the others is stored")
    func bad() async throws {
        try await GatewayBed.with { bed in
            try await Self.template(bed)
            try await bed.store.createSession(name: "over", intent: "")
            try await bed.store.archiveSession(name: "over")
            let before = try await Self.count(bed)
            let large = String(repeating: "x", count: Limits.inputsBytesMax)
            let cases: [(run: JSONValue, status: Int, detail: String)] = [
                (
                    Self.nap(["inputs": .object(["count": "many"])]), 422,
                    "runs[1].inputs: input 'count'"
                ),
                (Self.nap(["inputs": .object(["cuont": .integer(1)])]), 422, "runs[1].inputs: "),
                (Self.nap(["lane": "a/b"]), 422, "runs[1].lane: a lane's name"),
                (Self.nap(["lnae": "B"]), 422, "runs[1].lnae: 'lnae' is not known"),
                (
                    Self.nap(["unique": .object([:])]), 422,
                    "runs[1].unique: a run of a batch has no"
                ),
                (Self.nap(["ttl_ms": .integer(5)]), 422, "runs[1].ttl_ms: a run of a batch has no"),
                (Self.nap(["idempotency_key": ""]), 422, "runs[1].idempotency_key: "),
                (Self.nap(["delay_ms": .integer(-1)]), 422, "runs[1].delay_ms: "),
                (.object(["plan": "kind: Plam\n"]), 422, "runs[1].plan: the plan has"),
                (
                    .object([
                        "plan": .string(Self.words), "inputs": .object(["count": .string(large)]),
                    ]),
                    422, "runs[1].inputs: the inputs are larger"
                ),
                (.object([:]), 422, "runs[1].plan: say which plan"),
                ("nap", 422, "runs[1]: a run is a JSON object"),
                (.object(["template": "nobody"]), 404, "runs[1]: "),
                (
                    Self.nap(["session": "nowhere", "lane": "N"]), 404,
                    "runs[1]: there is no active"
                ),
                (Self.nap(["session": "over"]), 409, "runs[1]: session 'over' is archived"),
            ]
            for (run, status, detail) in cases {
                let answer = try await bed.post(
                    Self.path,
                    Self.body([Self.nap(["lane": "new"]), run, Self.nap()])
                )
                #expect(answer.status == status, "\(detail): \(answer.text)")
                let told = try answer.json["detail"]?.stringValue ?? ""
                #expect(told.hasPrefix(detail), "\(detail): \(answer.text)")
                for finding in try answer.json["errors"]?.arrayValue ?? [] {
                    let field = finding["field"]?.stringValue ?? ""
                    #expect(field.hasPrefix("runs/1"), "\(answer.text)")
                }
            }
            #expect(try await Self.count(bed) == before)
            #expect(try await bed.text("SELECT count(*) FROM plan") == "1")
        }
    }

    @Test(
        "a key that is taken answers with its run: of an earlier batch, of the same, of another lane"
    )
    func keys() async throws {
        try await GatewayBed.with { bed in
            try await Self.template(bed)
            func run(_ key: String, _ lane: String = "A") -> JSONValue {
                Self.nap(["idempotency_key": .string(key), "lane": .string(lane)])
            }
            let first = try await bed.post(Self.path, Self.body([run("a"), run("b"), run("a")]))
            let one = try Self.ids(first)
            #expect(first.status == 201 && one[0] == one[2] && one[0] != one[1], "\(first.text)")
            #expect(try Self.made(first) == [true, true, false])
            let second = try await bed.post(
                Self.path,
                Self.body([run("a"), run("a", "B"), run("c"), Self.nap()])
            )
            let two = try Self.ids(second)
            #expect(try Self.made(second) == [false, true, true, true], "\(second.text)")
            #expect(two[0] == one[0] && Set(two).isDisjoint(with: [one[1]]))
            #expect(try await bed.get("/v1/runs/\(two[1])").json["lane"] == "B")
            let third = try await bed.post(Self.path, Self.body([run("a"), run("b")]))
            #expect(try third.status == 200 && Self.ids(third) == Array(one[..<2]), "\(third.text)")
            #expect(third.fields[.idempotencyReplayed] == nil)
            #expect(try await bed.text("SELECT count(*) FROM run_any") == "5")
        }
    }

    @Test("the same request makes its runs once, at once or later, whatever became of its template")
    func replay() async throws {
        try await GatewayBed.with { bed in
            try await Self.template(bed)
            let key: HTTPFields = [.idempotencyKey: "k-1"]
            let taken = Self.nap(["idempotency_key": "taken"])
            let earlier = try Self.ids(try await bed.post(Self.path, Self.body([taken])))
            let body = Self.body([Self.nap(), taken, Self.nap(["lane": "B"])])
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<8 { group.addTask { try await bed.post(Self.path, body, key) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.filter { $0.status == 201 }.count == 1, "\(answers.map(\.text))")
            let replays = answers.filter { $0.fields[.idempotencyReplayed] == "true" }
            #expect(replays.count == 7 && replays.allSatisfy { $0.status == 200 })
            #expect(Set(try answers.map(Self.ids)).count == 1)
            #expect(try Self.ids(answers[0])[1] == earlier[0])
            let other = try await bed.post(Self.path, Self.body([Self.nap()]), key)
            #expect(other.status == 409 && other.code == "idempotency_conflict", "\(other.text)")
            #expect(try await bed.send(.delete, "/v1/templates/nap").status < 300)
            let later = try await bed.post(Self.path, body, key)
            #expect(later.status == 200, "\(later.text)")
            #expect(try Self.ids(later) == Self.ids(answers[0]))
            #expect(try await bed.text("SELECT count(*) FROM run_any") == "3")
        }
    }

    @Test("a batch has from 1 to 1,000 runs")
    func bounds() async throws {
        try await GatewayBed.with { bed in
            try await Self.template(bed)
            for count in [0, RunBatch.runsMax + 1] {
                let refused = try await bed.post(
                    Self.path,
                    Self.body((0..<count).map { _ in Self.nap() })
                )
                #expect(refused.status == 422, "\(refused.text)")
                #expect(try refused.json["detail"]?.stringValue?.contains("1 to 1000") == true)
            }
            #expect(try await bed.post(Self.path, .object([:])).status == 422)
            let full = try await bed.post(
                Self.path,
                Self.body((0..<RunBatch.runsMax).map { Self.nap(["lane": .string("l\($0 % 3)")]) })
            )
            #expect(try full.status == 201 && Set(Self.ids(full)).count == RunBatch.runsMax)
            #expect(try await Self.count(bed) == "1000 3")
        }
    }

    @Test(
        "a batch may have a lane for each run, and batches that share keys in any order do not block"
    )
    func crossing() async throws {
        try await GatewayBed.with(.live) { bed in
            try await Self.template(bed)
            let wide = try await bed.post(
                Self.path,
                Self.body((0..<RunBatch.runsMax).map { Self.nap(["lane": .string("l\($0)")]) })
            )
            #expect(wide.status == 201, "\(wide.text.prefix(500))")
            #expect(try await Self.count(bed) == "1000 1000")
            let keys = (0..<200).map { "k\($0)" }
            let answers = try await withThrowingTaskGroup(of: [String: String].self) { group in
                for number in 0..<8 {
                    let mine = number.isMultiple(of: 2) ? keys : keys.reversed()
                    let runs = mine.map { key in
                        Self.nap([
                            "idempotency_key": .string(key), "lane": .string("l\(key.count)"),
                        ])
                    }
                    group.addTask {
                        let fields: HTTPFields = [.idempotencyKey: "r\(number / 2)"]
                        let answer = try await bed.post(
                            Self.path,
                            Self.body(number < 6 ? runs : [Self.nap()] + runs),
                            number < 6 ? [:] : fields
                        )
                        #expect(answer.status <= 201 || answer.status == 409, "\(answer.text)")
                        let ids = try Self.ids(answer).suffix(mine.count)
                        return Dictionary(uniqueKeysWithValues: zip(mine, ids))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // The two with one key ask for different things: one of them is refused.
            let told = answers.filter { !$0.isEmpty }
            #expect(told.count == 7 && Set(told).count == 1, "\(told.count)")
            #expect(try await bed.text("SELECT count(*) FROM run_any") == "1201")
        }
    }

    @Test("who may only look makes no batch; who makes one is known to whoever approves")
    func access() async throws {
        try await AccessTests.with { bed in
            let (reader, _) = try await bed.token(.read)
            let (runner, _) = try await bed.token(.run, name: "eve", tenant: "other")
            let body = Self.body([.object(["plan": .string(sleepPlan)])])
            #expect(try await bed.post(Self.path, body).status == 401)
            #expect(try await bed.post(Self.path, body, reader).status == 403)
            #expect(try await bed.text("SELECT count(*) FROM run_any") == "0")
            #expect(try await bed.post(Self.path, body, runner).status == 201)
            #expect(try await bed.text("SELECT started_by FROM run") == "other/eve")
        }
    }

    @Test("inputs of a batch are sealed, each for its lane")
    func sealed() async throws {
        let ring = try SealRing(SealRing.newLine("k1"))
        try await GatewayBed.with(seal: ring) { bed in
            let runs = ["A", "B"].map { lane in
                JSONValue.object([
                    "plan": .string(Self.words), "lane": .string(lane),
                    "inputs": .object(["count": "canary-19d0"]),
                ])
            }
            let answer = try await bed.post(Self.path, Self.body(runs))
            #expect(answer.status == 201, "\(answer.text)")
            let stored = try await bed.text("SELECT string_agg(inputs, ' ') FROM run") ?? ""
            #expect(stored.contains("\"sealed\"") && !stored.contains("canary"), "\(stored)")
            for id in try Self.ids(answer) {
                let row = try await bed.store.run(try #require(RunID(id)))
                #expect(try bed.store.inputs(of: row).contains("canary-19d0"))
            }
        }
    }
}
