// Decides what is known of attempts that never began: the next claim knows it, no other one.

import PulserIR
import StateMachines
import Testing

@Suite("Attempts that never began")
struct UnbegunIntentsTests {
    @Test(
        "only the next claim knows of them",
        arguments: [(5, false), (6, false), (7, true), (8, false), (9, false)] as [(Int64, Bool)]
    )
    func next(claim: Int64, isKnown: Bool) {
        let intents: Set = [Intent(StepRecord(step: "a", attempt: 1, state: .intent))]
        let left = UnbegunIntents(intents, claimNumber: 6)
        #expect(left.after(claimNumber: claim) == (isKnown ? intents : []))
    }

    @Test("an intent is one of its attempt, whatever became of it")
    func same() {
        let intent = Intent(StepRecord(step: "a", attempt: 1, state: .intent))
        #expect(intent == Intent(StepRecord(step: "a", attempt: 1, state: .unknown)))
        #expect(intent != Intent(StepRecord(step: "a", attempt: 2, state: .intent)))
        #expect(intent != Intent(StepRecord(step: "a[0]", attempt: 1, state: .intent)))
    }
}
