// Decides whose decision counts when many come at once, early or late, against a real server.

import PulserIR
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(3)))
struct ApprovalTests {
    @Test("a decision that comes before the step asks counts when it does")
    func early() async throws {
        try await WaitBed.with { bed in
            #expect(try await bed.decide("anna") == .stored)
            let look = try await bed.ask()
            #expect(look.decisions.map(\.person) == ["anna"])
            #expect(try await bed.store.openApprovals(limit: 9).map(\.approvedBy) == [["anna"]])
            #expect(try await bed.decide("ben") == .stored)
            let later = try await bed.store.look(at: "ok", fence: bed.fence)
            #expect(later.decisions.map(\.person) == ["anna", "ben"])
            #expect(try await bed.store.openApprovals(limit: 9).isEmpty)
        }
    }

    @Test("a step whose decisions are all there before it asks waits for nobody")
    func allEarly() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.decide("anna")
            _ = try await bed.decide("ben")
            #expect(try await bed.ask().decisions.count == 2)
            #expect(try await bed.store.openApprovals(limit: 9).isEmpty)
            #expect(try await bed.decide("cleo") == .tooLate)
        }
    }

    @Test("a person decides once, saying the same again changes nothing")
    func once() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.ask()
            #expect(try await bed.decide("anna") == .stored)
            #expect(try await bed.decide("anna") == .repeated)
            #expect(try await bed.decide("anna", false) == .changedMind)
            #expect(try await bed.store.decisions(bed.run, step: "ok").count == 1)
        }
    }

    @Test("of one person at once one decision counts, of many people as many as are needed")
    func atOnce() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.ask(3)
            let outcomes = try await withThrowingTaskGroup(of: DecisionOutcome.self) { group in
                for person in ["anna", "ben", "cleo", "dora", "emil"] {
                    for _ in 0..<4 {
                        group.addTask { try await bed.decide(person, needed: 3) }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .stored } == 3)
            #expect(outcomes.allSatisfy { [.stored, .repeated, .tooLate].contains($0) })
            let people = try await bed.store.decisions(bed.run, step: "ok").map(\.person)
            #expect(Set(people).count == 3 && people.count == 3)
        }
    }

    @Test("after a rejection nobody else decides")
    func rejected() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.ask()
            #expect(try await bed.decide("anna", false) == .stored)
            #expect(try await bed.decide("ben") == .tooLate)
            #expect(try await bed.store.openApprovals(limit: 9).isEmpty)
        }
    }

    @Test(
        "what is decided in time is in the last look, what comes later is refused; takeovers give no more time"
    )
    func expiry() async throws {
        try await StoreBed.withPlayedTime { bed in
            try await WaitBed.with(bed) { bed in
                let first = try await bed.ask(within: 60_000)
                #expect((first.leftMilliseconds ?? 0) > 59_000)
                try await bed.pass(40)
                #expect(try await bed.decide("anna") == .stored)
                let again = try await bed.ask(within: 60_000)
                #expect(again.expiresMilliseconds == first.expiresMilliseconds)
                #expect((again.leftMilliseconds ?? 60_000) < 21_000)
                try await bed.pass(21)
                #expect(try await bed.decide("ben") == .tooLate)
                let last = try await bed.store.look(at: "ok", fence: bed.fence)
                #expect((last.leftMilliseconds ?? 1) <= 0)
                #expect(last.decisions.map(\.person) == ["anna"])
                #expect(try await bed.store.openApprovals(limit: 9).isEmpty)
            }
        }
    }

    @Test("an owner that lost the run neither asks nor looks")
    func fenced() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.takenOver()
            #expect(await code { _ = try await bed.ask() } == .stale)
            #expect(
                await code { _ = try await bed.store.look(at: "ok", fence: bed.fence) } == .stale
            )
            #expect(try await bed.bed.number("SELECT count(*) FROM approval") == 0)
        }
    }

    @Test("who has a run run again asks anew: earlier decisions do not count")
    func retried() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.ask()
            _ = try await bed.decide("anna")
            try await bed.owner.writer.submit(
                [.transition(transition(.waiting))],
                fence: bed.fence,
                log: bed.log
            )
            let row = try await bed.store.run(bed.run)
            try await bed.store.retry(row, steps: ["ok"], inputs: nil)
            #expect(try await bed.store.decisions(bed.run, step: "ok").isEmpty)
            #expect(try await bed.store.openApprovals(limit: 9).isEmpty)
            let fence = try await bed.owner.claimOne(bed.lane).fence
            let question = ApprovalQuestion(step: "ok", needed: 2)
            #expect(try await bed.store.ask(question, fence: fence).decisions.isEmpty)
            // Who looked at the attempt before does not decide about this one.
            #expect(try await bed.decide("ben") == .runEnded)
            #expect(try await bed.decide("anna", false, attempt: 2) == .stored)
        }
    }

    @Test("nobody decides about a run that has ended, or a step that has")
    func ended() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.ask()
            try await bed.owner.writer.submit(
                [.journal(record("ok", 1, .failed))],
                fence: bed.fence,
                log: bed.log
            )
            #expect(try await bed.decide("anna") == .tooLate)
            try await bed.owner.writer.submit(
                [.transition(transition(.failed))],
                fence: bed.fence,
                log: bed.log
            )
            #expect(try await bed.decide("anna") == .runEnded)
            #expect(try await bed.store.openApprovals(limit: 9).isEmpty)
        }
    }

    @Test("lists show what waits, oldest first, page by page, or of one run")
    func lists() async throws {
        try await WaitBed.with { bed in
            for step in ["a", "b", "c"] {
                _ = try await bed.store.ask(
                    ApprovalQuestion(
                        step: step,
                        needed: 1,
                        groups: ["ops"],
                        users: ["anna"],
                        allowsSelf: false,
                        message: "may \(step)?",
                        form: "{}"
                    ),
                    fence: bed.fence
                )
            }
            let first = try await bed.store.openApprovals(limit: 2)
            #expect(first.map(\.question.step) == ["a", "b"])
            #expect(first[0].question.groups == ["ops"])
            #expect(first[0].question.allowsSelf == false)
            #expect(first[0].question.message == "may a?")
            let last = try #require(first.last)
            let rest = try await bed.store.openApprovals(
                after: (last.askedMicroseconds, last.run),
                run: bed.run,
                limit: 9
            )
            #expect(rest.map(\.question.step) == ["c"])
            let other = RunID(bed.run.number + 1)
            #expect(try await bed.store.openApprovals(run: other, limit: 9).isEmpty)
        }
    }
}
