// Decides who accuses whom, and who keeps silent.

import StateMachines
import Testing

@Suite
struct VoteMachineTests {
    private static func evidence(
        _ suspicion: PeerMachine.Suspicion,
        heardAt: Duration? = nil,
        isFit: Bool = true,
        hasOthers: Bool = true,
        hearsOthers: Bool = true,
        coordinates: Bool = false
    ) -> VoteMachine.Evidence {
        VoteMachine.Evidence(
            suspicion: suspicion,
            heardAt: heardAt,
            isFit: isFit,
            hasOthers: hasOthers,
            hearsOthers: hearsOthers,
            coordinates: coordinates
        )
    }

    @Test("a hard suspicion is voted and counted at once, and again with every new refusal")
    func hard() {
        var vote = VoteMachine()
        let first = Self.evidence(.hard(at: .seconds(10)), heardAt: .milliseconds(9_900))
        #expect(vote.decide(first, at: .seconds(10)) == .suspect(isHard: true))
        #expect(vote.decide(first, at: .seconds(10)) == nil, "one request at a time")
        vote.answered(.suspect(isHard: true), succeeded: true, at: .seconds(10))
        #expect(vote.decide(first, at: .seconds(10)) == .evict(isHard: true))
        vote.answered(.evict(isHard: true), succeeded: true, at: .seconds(10))
        #expect(vote.decide(first, at: .seconds(11)) == nil, "nothing new")
        let second = Self.evidence(.hard(at: .seconds(11)))
        #expect(vote.decide(second, at: .seconds(11)) == .suspect(isHard: true))
    }

    @Test("who is not fit, or hears nobody although there is somebody, accuses nobody")
    func unfit() {
        for suspicion in [PeerMachine.Suspicion.soft, .hard(at: .seconds(9))] {
            var vote = VoteMachine()
            let unfit = Self.evidence(suspicion, isFit: false)
            #expect(vote.decide(unfit, at: .seconds(9)) == nil)
            let deaf = Self.evidence(suspicion, hearsOthers: false)
            #expect(vote.decide(deaf, at: .seconds(9)) == nil)
        }
    }

    @Test("with two nodes only a refusal is voted: silence may be one's own")
    func twoNodes() {
        var vote = VoteMachine()
        let soft = Self.evidence(.soft, hasOthers: false, hearsOthers: false)
        #expect(vote.decide(soft, at: .seconds(9)) == nil)
        let hard = Self.evidence(.hard(at: .seconds(9)), hasOthers: false, hearsOthers: false)
        #expect(vote.decide(hard, at: .seconds(9)) == .suspect(isHard: true))
    }

    @Test(
        "what was heard within two seconds vetoes a soft vote, what came after a refusal a hard one"
    )
    func veto() {
        var vote = VoteMachine()
        let recent = Self.evidence(.soft, heardAt: .seconds(8))
        #expect(vote.decide(recent, at: .milliseconds(9_999)) == nil)
        #expect(vote.decide(recent, at: .seconds(10)) == .suspect(isHard: false))
        var other = VoteMachine()
        let disproved = Self.evidence(.hard(at: .seconds(8)), heardAt: .milliseconds(8_001))
        #expect(other.decide(disproved, at: .seconds(9)) == nil)
    }

    @Test("a vote is taken back when its reason is gone, until that is confirmed")
    func clear() {
        var vote = VoteMachine()
        #expect(vote.decide(Self.evidence(.soft), at: .seconds(5)) == .suspect(isHard: false))
        // The request failed, but the vote may stand.
        vote.answered(.suspect(isHard: false), succeeded: false, at: .seconds(6))
        #expect(vote.decide(Self.evidence(.none), at: .seconds(7)) == .clear)
        vote.answered(.clear, succeeded: false, at: .seconds(8))
        #expect(vote.decide(Self.evidence(.none), at: .seconds(8)) == nil, "a pause first")
        #expect(vote.decide(Self.evidence(.none), at: .seconds(9)) == .clear)
        vote.answered(.clear, succeeded: true, at: .seconds(9))
        #expect(vote.decide(Self.evidence(.none), at: .seconds(20)) == nil)
        #expect(vote.isIdle)
    }

    @Test("soft votes are repeated; only the coordinator asks for the end, after the grace")
    func grace() {
        for coordinates in [false, true] {
            var vote = VoteMachine()
            var decisions: [VoteMachine.Decision] = []
            var evictedAt: Duration?
            for tenth in 0..<300 {
                let now = Duration.milliseconds(100 * tenth)
                let evidence = Self.evidence(.soft, coordinates: coordinates)
                guard let decision = vote.decide(evidence, at: now) else { continue }
                vote.answered(decision, succeeded: true, at: now)
                decisions.append(decision)
                if decision == .evict(isHard: false) { evictedAt = evictedAt ?? now }
            }
            #expect(decisions.count { $0 == .suspect(isHard: false) } == 12)
            #expect(coordinates == (evictedAt != nil))
            if let evictedAt { #expect(evictedAt >= .seconds(15) && evictedAt < .seconds(18)) }
        }
    }
}
