// Decides who may send signals and decide about steps over the API, and what they are told.

import HTTPTypes
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct WaitsResourceTests {
    private static let plan = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: release}
        steps:
          - id: paid
            system: {wait_signal: {name: paid, schema: {type: object, required: [amount]}}}
          - id: go
            system:
              approval:
                count: 2
                groups: [ops]
                users: [cleo]
                self_approval: false
                form: {type: object, required: [window], properties: {window: {enum: [day, night]}}}
        """

    private static let who = HTTPField.Name("Idempotency-Key")

    /// Somebody with a token.
    private static func token(
        _ bed: GatewayBed,
        _ admin: HTTPFields,
        _ name: String,
        scope: String = "run",
        _ groups: [JSONValue] = []
    ) async throws -> HTTPFields {
        let made = try await bed.post(
            "/v1/tokens",
            ["name": .string(name), "scope": .string(scope), "groups": .array(groups)],
            admin
        )
        try #require(made.status == 201, "\(made.text)")
        return [.authorization: "Bearer \(try made.json["token"]?.stringValue ?? "")"]
    }

    private static func run(_ bed: GatewayBed, _ fields: HTTPFields) async throws -> String {
        let made = try await bed.post("/v1/runs", ["plan": .string(Self.plan)], fields)
        try #require(made.status == 201, "\(made.text)")
        return try #require(try made.json["id"]?.stringValue)
    }

    @Test("a signal is stored once per key, read back, and refused when no step could take it")
    func signals() async throws {
        try await AccessTests.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let run = try await Self.run(bed, admin)
            let path = "/v1/runs/\(run)/signals"
            var keyed = admin
            keyed[try #require(Self.who)] = "k"
            let order: JSONValue = ["name": "paid", "payload": ["amount": 12]]
            let first = try await bed.post(path, order, keyed)
            #expect(first.status == 201)
            try await OpenAPITests.check(first, "signals.send")
            let again = try await bed.post(path, order, keyed)
            #expect(again.status == 200)
            #expect(try again.json["seq"] == .integer(1))
            try await OpenAPITests.check(again, "signals.send")
            let other = try await bed.post(path, ["name": "paid", "payload": ["amount": 1]], keyed)
            #expect(other.status == 409)
            #expect(other.code == "idempotency_conflict")
            let unfit = try await bed.post(path, ["name": "paid", "payload": 5], admin)
            #expect(unfit.status == 422)
            #expect(unfit.text.contains("does not fit the schema"))
            // A name that no step has is kept: a step may compute its name.
            #expect(try await bed.post(path, ["name": "other"], admin).status == 201)
            let nameless = try await bed.post(path, ["payload": 5], admin)
            #expect(nameless.status == 422)
            let large = JSONValue.string(String(repeating: "x", count: Limits.signalBytesMax))
            #expect(
                try await bed.post(path, ["name": "x", "payload": large], admin).status == 422
            )
            let list = try await bed.get(path, admin)
            try await OpenAPITests.check(list, "signals.list")
            #expect(try list.json["signals"]?.arrayValue?.count == 2)
            let page = try await bed.get("\(path)?limit=1", admin)
            let cursor = try #require(try page.json["next"]?.stringValue)
            let rest = try await bed.get("\(path)?limit=1&cursor=\(cursor)", admin)
            #expect(try rest.json["signals"]?[0]?["name"] == "other")
            #expect(try rest.json["next"] == .null)
            let reader = try await Self.token(bed, admin, "r", scope: "read")
            #expect(try await bed.post(path, order, reader).status == 403)
        }
    }

    @Test("only who may decide does, once each, and everybody else is told which groups may")
    func decisions() async throws {
        try await AccessTests.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let anna = try await Self.token(bed, admin, "anna", ["ops"])
            let ben = try await Self.token(bed, admin, "ben", ["ops", "dba"])
            let cleo = try await Self.token(bed, admin, "cleo")
            let dora = try await Self.token(bed, admin, "dora", ["sales"])
            let run = try await Self.run(bed, anna)
            let approve = "/v1/runs/\(run)/steps/go/approve"
            let filled: JSONValue = ["form": ["window": "night"]]

            let own = try await bed.post(approve, filled, anna)
            #expect(own.status == 403)
            #expect(own.text.contains("anna started this run"))
            let stranger = try await bed.post(approve, filled, dora)
            #expect(stranger.status == 403 && stranger.code == "forbidden")
            #expect(stranger.text.contains("group ops") && stranger.text.contains("cleo"))
            let empty = try await bed.post(approve, [:], ben)
            #expect(empty.status == 422, "\(empty.text)")
            let wrong = try await bed.post(approve, ["form": ["window": "dawn"]], ben)
            #expect(wrong.status == 422 && wrong.text.contains("/window"))

            let first = try await bed.post(approve, filled, ben)
            #expect(first.status == 200, "\(first.text)")
            try await OpenAPITests.check(first, "approvals.approve")
            #expect(try first.json["approvals"] == 1)
            #expect(try first.json["decided"] == false)
            let again = try await bed.post(approve, filled, ben)
            #expect(try again.json["repeated"] == true)
            // Another token of the same name is the same person's.
            let other = try await Self.token(bed, admin, "ben", ["ops"])
            #expect(try await bed.post(approve, filled, other).json["repeated"] == true)
            let reject = "/v1/runs/\(run)/steps/go/reject"
            #expect(try await bed.post(reject, [:], ben).status == 409)
            let last = try await bed.post(approve, filled, cleo)
            #expect(try last.json["decided"] == true)
            let late = try await bed.post(reject, ["comment": "no"], cleo)
            #expect(late.status == 409 && late.code == "conflict")

            let nothing = try await bed.post("/v1/runs/\(run)/steps/none/approve", [:], ben)
            #expect(nothing.status == 404)
            let signal = try await bed.post("/v1/runs/\(run)/steps/paid/approve", [:], ben)
            #expect(signal.status == 404 && signal.text.contains("asks nobody"))
            let second = try await Self.run(bed, admin)
            let rejected = try await bed.post(
                "/v1/runs/\(second)/steps/go/reject",
                ["comment": "no"],
                ben
            )
            try await OpenAPITests.check(rejected, "approvals.reject")
            #expect(try rejected.json["decided"] == true)
        }
    }

    @Test(
        "who has a run run again with inputs of their own does not approve it where its starter may not"
    )
    func retried() async throws {
        try await AccessTests.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let anna = try await Self.token(bed, admin, "anna", ["ops"])
            let ben = try await Self.token(bed, admin, "ben", ["ops"])
            let plan = Self.plan.replacing(
                "steps:",
                with: """
                    inputs: {n: {type: integer, default: 1}}
                    steps:
                      - id: look
                        shell: {argv: [echo, "{{ inputs.n }}"]}
                    """
            )
            for (order, refused) in [([:], "anna"), (["inputs": ["n": 2]], "ben")]
                as [(JSONValue, String)]
            {
                let made = try await bed.post("/v1/runs", ["plan": .string(plan)], anna)
                try #require(made.status == 201, "\(made.text)")
                let run = "/v1/runs/\(try made.json["id"]?.stringValue ?? "")"
                let approve = "\(run)/steps/go/approve"
                let filled: JSONValue = ["form": ["window": "night"]]
                #expect(try await bed.post("\(run)/cancel", [:], admin).status == 202)
                let again = try await bed.post("\(run)/retry", order, ben)
                #expect(again.status == 202, "\(again.text)")
                for (name, who) in [("anna", anna), ("ben", ben)] {
                    let answer = try await bed.post(approve, filled, who)
                    #expect(answer.status == (name == refused ? 403 : 200), "\(answer.text)")
                    let isTold = answer.text.contains("\(name) started this run")
                    #expect(isTold == (name == refused))
                }
            }
        }
    }

    @Test("nobody decides about a run that another one may still replace, nor about one run again")
    func replaceable() async throws {
        try await AccessTests.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let ben = try await Self.token(bed, admin, "ben", ["ops"])
            let plan = Self.plan.replacing("self_approval: false", with: "self_approval: true")
            let made = try await bed.post(
                "/v1/runs",
                ["plan": .string(plan), "unique": ["key": "k", "on_conflict": "replace"]],
                admin
            )
            try #require(made.status == 201, "\(made.text)")
            let id = try made.json["id"]?.stringValue ?? ""
            let approve = "/v1/runs/\(id)/steps/go/approve"
            let filled: JSONValue = ["form": ["window": "night"]]
            let early = try await bed.post(approve, filled, ben)
            #expect(early.status == 409 && early.code == "conflict", "\(early.text)")
            #expect(early.text.contains("may still replace it"))
            let desk = WaitDesk(bed.store)
            @Sendable func decide(_ run: RunRow) async throws -> DecisionReceipt {
                try await desk.decide(
                    run,
                    step: "go",
                    isApproval: true,
                    form: ["window": "day"],
                    comment: "",
                    by: Person(name: "dan", groups: ["ops"])
                )
            }
            try await TestNode.with(bed.store) { node in
                let lane = try await bed.store.ensureLane(session: "default", lane: "A")
                _ = try await node.claim(lane, room: 1)
                #expect(try await bed.post(approve, filled, ben).status == 200)
                // Read before it is run again, decided after: that one may have other inputs.
                var read = try await bed.store.run(try await bed.store.resolveRun(id))
                read.attempt -= 1
                let problem = await #expect(throws: WaitError.self) { try await decide(read) }
                #expect(problem?.message.contains("was started again meanwhile") == true)
                read.attempt += 1
                #expect(try await decide(read).isDecided)
            }
        }
    }

    @Test("the list shows what waits for whoever asks, and on request what waits for others")
    func lists() async throws {
        try await AccessTests.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let anna = try await Self.token(bed, admin, "anna", ["ops"])
            let ben = try await Self.token(bed, admin, "ben", ["ops"])
            let dora = try await Self.token(bed, admin, "dora")
            let id = try await Self.run(bed, anna)
            try await TestNode.with(bed.store) { node in
                let lane = try await bed.store.ensureLane(session: "default", lane: "A")
                let claimed = try await node.claim(lane, room: 1).runs[0]
                _ = try await bed.store.ask(
                    ApprovalQuestion(
                        step: "go",
                        needed: 2,
                        groups: ["ops"],
                        users: ["cleo"],
                        allowsSelf: false,
                        message: "may it go?",
                        form: #"{"type":"object"}"#,
                        timeoutMilliseconds: 3_600_000
                    ),
                    fence: claimed.fence
                )
                func list(_ who: HTTPFields, _ query: String = "") async throws -> JSONValue {
                    let answer = try await bed.get("/v1/approvals\(query)", who)
                    try await OpenAPITests.check(answer, "approvals.list")
                    return try answer.json["approvals"] ?? .null
                }
                #expect(try await list(anna).arrayValue?.isEmpty == true)
                #expect(try await list(dora).arrayValue?.isEmpty == true)
                let mine = try await list(ben)
                #expect(mine[0]?["run"] == .string(id))
                #expect(mine[0]?["started_by"] == "anna")
                #expect(mine[0]?["may_decide"] == true)
                let all = try await list(dora, "?all=true&run=\(id)")
                #expect(all[0]?["may_decide"] == false)
                #expect(all[0]?["why_not"]?.stringValue?.contains("group ops") == true)
                let form: JSONValue = ["form": ["window": "day"]]
                _ = try await bed.post("/v1/runs/\(id)/steps/go/approve", form, ben)
                #expect(try await list(ben).arrayValue?.isEmpty == true)
                #expect(try await list(ben, "?all=true")[0]?["approved_by"]?[0] == "ben")
            }
        }
    }

    @Test("a token's groups are shown, and another tenant's tokens give only their own")
    func groups() async throws {
        try await AccessTests.with { bed in
            let (admin, _) = try await bed.token(.admin)
            let ben = try await Self.token(bed, admin, "ben", ["ops", "dba", "ops"])
            #expect(try await bed.get("/v1/me", ben).json["groups"] == ["dba", "ops"])
            let made = try await bed.post(
                "/v1/tokens",
                ["name": "boss", "scope": "admin", "tenant": "other", "groups": ["dba"]],
                admin
            )
            let boss: HTTPFields = [
                .authorization: "Bearer \(try made.json["token"]?.stringValue ?? "")"
            ]
            let ok = try await bed.post("/v1/tokens", ["name": "x", "groups": ["dba"]], boss)
            #expect(ok.status == 201, "\(ok.text)")
            let no = try await bed.post("/v1/tokens", ["name": "x", "groups": ["ops"]], boss)
            #expect(no.status == 403)
            let bad = try await bed.post("/v1/tokens", ["name": "x", "groups": [5]], admin)
            #expect(bad.status == 422)
        }
    }
}
