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
}
