// Decides that the database's figures are those the nodes count on.

import StateMachines
import Store
import Testing

@Suite
struct ClusterRulesTests {
    @Test(
        "a lease in the database is as long as its node believes, and late means a renewal missed"
    )
    func figures() {
        #expect(ClusterRules.lease == LeaseMachine.ttl)
        #expect(ClusterRules.lateAfter > LeaseMachine.interval)
        #expect(ClusterRules.lateAfter < LeaseMachine.interval * 2)
        // A node that renews in time can always vote.
        #expect(ClusterRules.voterLeaseMin < ClusterRules.lease - LeaseMachine.interval)
        // A vote that is repeated with every renewal stands without a pause, and is fresh.
        #expect(ClusterRules.votePauseMax > LeaseMachine.interval * 2)
        #expect(ClusterRules.voteAgeMax > ClusterRules.softGrace)
    }

    @Test("the machines wait as long as the statements do, and repeat in time what these forget")
    func timing() {
        let timing = ClusterTiming()
        #expect(timing.lease == ClusterRules.lease)
        #expect(timing.grace == ClusterRules.softGrace)
        #expect(timing.handoff == ClusterRules.handOff)
        // An owner has come to rest, and its shard has started anew, before it is forced.
        #expect(timing.settle + timing.shardPoll < ClusterRules.handOff)
        // Trusted for less than it lives, and renewed long before; one renewal may be lost.
        #expect(timing.trust < ClusterRules.lease)
        #expect(timing.renewal * 2 < timing.trust)
        #expect(timing.renewal < ClusterRules.lateAfter)
        #expect(ClusterRules.lateAfter < timing.renewal * 2)
        #expect(ClusterRules.voterLeaseMin <= ClusterRules.lease - timing.renewal * 2)
        // A vote stands without a pause although two of its repetitions are lost, and is fresh.
        #expect(timing.voteRefresh * 3 < ClusterRules.votePauseMax)
        #expect(ClusterRules.votePauseMax < ClusterRules.voteAgeMax)
        // Silence is believed only after a node that fell silent has missed its lease.
        #expect(timing.grace >= ClusterRules.lease)
        // A change of membership that waits for a stuck session is made while its maker is trusted.
        #expect(ClusterRules.stuckAfter < ClusterRules.lockWaitMax)
        #expect(ClusterRules.lockWaitMax * 2 < timing.trust)
    }
}
