// What people's decisions come to.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite("Approvals") struct ApprovalMachineTests {
    private static func yes(_ person: String, _ form: JSONValue = .object([:])) -> ApprovalDecision
    {
        ApprovalDecision(person: person, isApproval: true, form: form)
    }

    private static func no(_ person: String, _ comment: String = "") -> ApprovalDecision {
        ApprovalDecision(person: person, isApproval: false, comment: comment)
    }

    @Test("as many different people as the plan says must approve")
    func counting() throws {
        var machine = ApprovalMachine(ApprovalWait(count: 3))
        try machine.take(Self.yes("anna"))
        try machine.take(Self.yes("anna"))
        try machine.take(Self.yes("ben"))
        #expect(machine.outcome == nil)
        #expect(machine.approvals == 2)
        #expect(machine.ending == nil)
        try machine.take(Self.yes("cleo"))
        #expect(machine.outcome == .approved)
        #expect(throws: ApprovalMachine.Refusal.decided) { try machine.take(Self.yes("dora")) }
        #expect(throws: ApprovalMachine.Refusal.decided) { try machine.take(Self.no("dora")) }
        #expect(machine.approvals == 3)
    }

    @Test("one rejection decides, whoever approved before")
    func rejection() throws {
        var machine = ApprovalMachine(ApprovalWait(count: 2))
        try machine.take(Self.yes("anna"))
        try machine.take(Self.no("ben", "not on a Friday"))
        #expect(machine.outcome == .rejected(by: "ben", comment: "not on a Friday"))
        #expect(machine.ending == .failure("rejected by ben: not on a Friday"))
        #expect(throws: ApprovalMachine.Refusal.decided) { try machine.take(Self.yes("cleo")) }
    }

    @Test("who approved cannot reject afterwards, nor the other way round")
    func changedMind() throws {
        var machine = ApprovalMachine(ApprovalWait(count: 2))
        try machine.take(Self.yes("anna"))
        #expect(throws: ApprovalMachine.Refusal.changedMind) { try machine.take(Self.no("anna")) }
        #expect(machine.outcome == nil)
    }

    @Test("a rejection lets the run go on where the plan says so")
    func rejectionContinues() throws {
        var machine = ApprovalMachine(ApprovalWait(onReject: .continue))
        try machine.take(Self.no("ben"))
        guard case .result(let result) = machine.ending else {
            Issue.record("it failed")
            return
        }
        #expect(result["approved"] == false)
        #expect(result["timed_out"] == false)
        #expect(result["decisions"]?[0]?["by"] == "ben")
    }

    @Test(
        "the end of its time fails, approves or rejects, as the plan says",
        arguments: [
            (ApprovalWait.Expiry.fail, ApprovalWait.Rejection.continue, nil),
            (.approve, .fail, true), (.reject, .fail, nil), (.reject, .continue, false),
        ] as [(ApprovalWait.Expiry, ApprovalWait.Rejection, Bool?)]
    )
    func expiry(
        expiry: ApprovalWait.Expiry,
        rejection: ApprovalWait.Rejection,
        approved: Bool?
    ) throws {
        let wait = ApprovalWait(count: 2, onTimeout: expiry, onReject: rejection)
        var machine = ApprovalMachine(wait)
        try machine.take(Self.yes("anna"))
        machine.expire()
        #expect(machine.outcome == .expired)
        switch machine.ending {
        case .result(let result):
            #expect(result["approved"] == approved.map { .bool($0) })
            #expect(result["timed_out"] == true)
        case .failure(let reason):
            #expect(approved == nil)
            #expect(reason.contains("1 of 2 approved in time"))
        default: Issue.record("it goes on waiting")
        }
        #expect(throws: ApprovalMachine.Refusal.decided) { try machine.take(Self.yes("ben")) }
    }

    @Test("the end of its time changes nothing once it is decided")
    func lateExpiry() throws {
        var machine = ApprovalMachine(ApprovalWait())
        try machine.take(Self.yes("anna"))
        machine.expire()
        #expect(machine.outcome == .approved)
    }

    @Test(
        "what approvers fill in is put together, the later over the earlier; rejecters fill in nothing"
    )
    func forms() throws {
        var machine = ApprovalMachine(ApprovalWait(count: 2))
        try machine.take(Self.yes("anna", ["window": "night", "ticket": 1]))
        try machine.take(Self.yes("ben", ["window": "day"]))
        #expect(machine.form == ["window": "day", "ticket": 1])
        var rejected = ApprovalMachine(ApprovalWait(onReject: .continue))
        var decision = Self.no("ben")
        decision.form = ["window": "never"]
        try rejected.take(decision)
        #expect(rejected.form.isEmpty)
    }

    @Test("members of a group and those who are named may decide, others may not")
    func eligibility() {
        let wait = ApprovalWait(groups: ["ops", "dba"], users: ["anna"])
        func refusal(_ person: String, _ groups: [String]) -> ApprovalMachine.Refusal? {
            ApprovalMachine.refusal(wait, person: person, groups: groups, starter: "anna")
        }
        #expect(refusal("anna", []) == nil)
        #expect(refusal("ben", ["dba"]) == nil)
        #expect(refusal("ben", ["sales"]) == .outsider)
        #expect(refusal("ben", []) == .outsider)
        let anybody = ApprovalWait()
        #expect(ApprovalMachine.refusal(anybody, person: "x", groups: [], starter: "x") == nil)
    }

    @Test("whoever started the run may not approve it where the plan wants somebody else")
    func selfApproval() {
        let wait = ApprovalWait(groups: ["ops"], users: ["anna"], allowsSelf: false)
        func refusal(_ person: String, starter: String?) -> ApprovalMachine.Refusal? {
            ApprovalMachine.refusal(wait, person: person, groups: ["ops"], starter: starter)
        }
        #expect(refusal("anna", starter: "anna") == .ownRun)
        #expect(refusal("ben", starter: "anna") == nil)
        #expect(refusal("anna", starter: nil) == nil)
    }

    @Test("people read for how many and for whom a run waits")
    func reasons() throws {
        var machine = ApprovalMachine(ApprovalWait(count: 3, groups: ["ops"]))
        try machine.take(Self.yes("anna"))
        #expect(
            machine.reason(until: "2026-11-21T22:00:00.000Z")
                == "waits for 2 of 3 approvals from group ops; until 2026-11-21T22:00:00.000Z"
        )
        let single = ApprovalMachine(ApprovalWait(groups: ["dba", "ops"], users: ["anna"]))
        #expect(
            single.reason(until: nil) == "waits for an approval from groups dba, ops or anna"
        )
    }

    @Test("whatever order decisions come in, nobody counts twice and nothing counts after the end")
    func randomOrders() {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var numbers = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let count = Int.random(in: 1...4, using: &numbers)
            var machine = ApprovalMachine(ApprovalWait(count: count))
            var approved: Set<String> = []
            var isOver = false
            for _ in 0..<12 {
                let person = "p\(Int.random(in: 0..<5, using: &numbers))"
                switch Int.random(in: 0..<12, using: &numbers) {
                case 0:
                    machine.expire()
                    isOver = true
                case 1:
                    let isNew = !machine.decisions.contains { $0.person == person }
                    try? machine.take(Self.no(person))
                    if isNew { isOver = true }
                default:
                    let isFirst = !machine.decisions.contains { $0.person == person }
                    if !isOver, isFirst { approved.insert(person) }
                    try? machine.take(Self.yes(person))
                    if approved.count == count { isOver = true }
                }
                #expect(machine.approvals == approved.count, "seed \(seed)")
                #expect((machine.outcome != nil) == isOver, "seed \(seed)")
                let people = machine.decisions.map(\.person)
                #expect(Set(people).count == people.count, "seed \(seed)")
            }
        }
    }

    @Test(
        "a signal that does not fit fails its step, one that nobody sent gives what the plan says"
    )
    func signals() {
        let wait = SignalWait(
            name: .literal(.string("go")),
            onTimeout: .continue,
            fallback: ["ok": false],
            schema: ["type": "object", "required": ["ok"]]
        )
        #expect(wait.ending(payload: ["ok": true]) == .result(["ok": true]))
        guard case .unfit(let reason) = wait.ending(payload: 5) else {
            Issue.record("it fits")
            return
        }
        #expect(
            reason.contains("is integer, not object") || reason.contains("is number, not object")
        )
        #expect(wait.expired("go") == .result(["ok": false]))
        let strict = SignalWait(name: .literal(.string("go")))
        #expect(strict.expired("go") == .failure("no signal 'go' came in time"))
        #expect(strict.ending(payload: .null) == .result(.null))
    }

    @Test("all waits of a node together look twice a second at most")
    func pace() {
        #expect(WaitPace.milliseconds(left: nil, waits: 1) == 10_000)
        #expect(WaitPace.milliseconds(left: 50, waits: 1) == 50)
        #expect(WaitPace.milliseconds(left: -5, waits: 1) == 1)
        #expect(WaitPace.milliseconds(left: nil, waits: 1_000) == 500_000)
    }
}
