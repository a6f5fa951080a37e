// Decides when a node trusts its lease.

import StateMachines
import Testing

@Suite
struct LeaseMachineTests {
    @Test("a lease is trusted from the start of its renewal until the margin before its end")
    func trust() {
        var lease = LeaseMachine(sentAt: .zero)
        #expect(lease.trustedUntil == .seconds(8))
        #expect(lease.handle(.tick, at: .milliseconds(7_999)) == nil)
        #expect(lease.handle(.tick, at: .seconds(8)) == .distrust)
        #expect(lease.handle(.tick, at: .seconds(9)) == nil)
        #expect(lease.handle(.renewed(sentAt: .seconds(9)), at: .seconds(10)) == .trust)
        #expect(lease.trustedUntil == .seconds(17))
    }

    @Test("an answer that took longer than the lease gives no trust")
    func lateAnswer() {
        var lease = LeaseMachine(sentAt: .zero)
        #expect(lease.handle(.renewed(sentAt: .seconds(2)), at: .seconds(11)) == .distrust)
        #expect(lease.handle(.tick, at: .seconds(12)) == nil)
    }

    @Test("answers out of order never shorten the trust")
    func order() {
        var lease = LeaseMachine(sentAt: .zero)
        _ = lease.handle(.renewed(sentAt: .seconds(5)), at: .seconds(6))
        _ = lease.handle(.renewed(sentAt: .seconds(3)), at: .seconds(7))
        #expect(lease.trustedUntil == .seconds(13))
    }

    @Test("dead is for ever")
    func dead() {
        var lease = LeaseMachine(sentAt: .zero)
        #expect(lease.handle(.refused, at: .seconds(1)) == .dead)
        #expect(lease.handle(.renewed(sentAt: .seconds(2)), at: .seconds(2)) == nil)
        #expect(lease.handle(.refused, at: .seconds(3)) == nil)
    }
}
