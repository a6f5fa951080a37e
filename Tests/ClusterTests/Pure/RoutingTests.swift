// Where calls go: what the receiver says, what the caller makes of it.

import PulserIR
import Testing

@testable import Cluster

@Suite("Routing")
struct RoutingTests {
    private static let me = NodeEpoch(7)
    private static let other = NodeEpoch(8)

    private func verdict(
        _ generation: Int64,
        _ place: ShardPlace?,
        isFresh: Bool = true
    )
        -> ShardGate.Verdict
    {
        ShardGate.verdict(generation: generation, place: place, node: Self.me, isFresh: isFresh)
    }

    private func redirect(
        _ reason: Redirect.Reason,
        _ owner: NodeEpoch?,
        _ generation: Int64
    ) -> ShardGate.Verdict {
        .redirect(Redirect(reason: reason, owner: owner, generation: generation))
    }

    @Test("a shard's owner admits its own generation and no other")
    func gate() {
        let mine = ShardPlace(owner: Self.me, generation: 5)
        #expect(self.verdict(5, mine) == .admit)
        #expect(self.verdict(4, mine) == self.redirect(.stale, Self.me, 5))
        #expect(self.verdict(6, mine, isFresh: false) == .refresh)
        #expect(self.verdict(6, mine) == self.redirect(.moving, nil, 6))
        #expect(self.verdict(1, nil, isFresh: false) == .refresh)
        #expect(self.verdict(1, nil) == self.redirect(.moving, nil, 1))
    }

    @Test("who does not own a shard names the owner; who gives it away says so")
    func elsewhere() {
        let theirs = ShardPlace(owner: Self.other, generation: 5)
        #expect(self.verdict(5, theirs) == self.redirect(.moved, Self.other, 5))
        let leaving = ShardPlace(owner: Self.me, generation: 5, isHandingOff: true)
        #expect(self.verdict(5, leaving) == self.redirect(.moving, Self.me, 5))
        let free = ShardPlace(owner: nil, generation: 5)
        #expect(self.verdict(5, free) == self.redirect(.moving, nil, 5))
    }

    private func machine(
        _ place: ActorPlace = .shard(3),
        isRepeatable: Bool = false
    ) -> RouteMachine {
        RouteMachine(place: place, isRepeatable: isRepeatable, attemptsMax: 3)
    }

    private func isWait(_ action: RouteMachine.Action) -> Bool {
        if case .wait = action { true } else { false }
    }

    private func code(_ action: RouteMachine.Action) -> ClusterError.Code? {
        if case .fail(let error) = action { error.code } else { nil }
    }

    @Test("a call follows two redirects and no third")
    func redirects() {
        var route = self.machine()
        let first = route.again(ShardPlace(owner: Self.me, generation: 1))
        #expect(first == .send(Self.me, generation: 1))
        let moved = Redirect(reason: .moved, owner: Self.other, generation: 2)
        #expect(route.redirected(moved) == .send(Self.other, generation: 2))
        let stale = Redirect(reason: .stale, owner: Self.me, generation: 3)
        #expect(route.redirected(stale) == .send(Self.me, generation: 3))
        let third = Redirect(reason: .moved, owner: Self.other, generation: 4)
        #expect(self.code(route.redirected(third)) == .misplaced)
    }

    @Test("what is older than what was heard is not followed: the directory is asked")
    func oldNews() {
        var route = self.machine()
        #expect(
            route.again(ShardPlace(owner: Self.me, generation: 5))
                == .send(Self.me, generation: 5)
        )
        let old = Redirect(reason: .moved, owner: Self.other, generation: 4)
        #expect(self.isWait(route.redirected(old)))
        #expect(self.isWait(route.again(ShardPlace(owner: Self.other, generation: 4))))
        #expect(
            route.again(ShardPlace(owner: Self.other, generation: 6))
                == .send(Self.other, generation: 6)
        )
    }

    @Test("a shard between two owners is waited for, longer each time, up to half a second")
    func moving() {
        var route = self.machine()
        let moving = Redirect(reason: .moving, owner: nil, generation: 1)
        var pauses: [Duration] = []
        for _ in 0..<9 {
            guard case .wait(let pause) = route.redirected(moving) else {
                Issue.record("a call gave up on a shard that moves")
                return
            }
            pauses.append(pause)
        }
        #expect(pauses == pauses.sorted() && pauses.first == .milliseconds(20))
        #expect(pauses.last == .milliseconds(500))
        #expect(self.isWait(route.again(ShardPlace(owner: nil, generation: 1))))
        let leaving = ShardPlace(owner: Self.me, generation: 1, isHandingOff: true)
        #expect(self.isWait(route.again(leaving)))
    }

    @Test(
        "only what was certainly not executed is sent again, unless it may be repeated",
        arguments: ClusterError.Code.allCases
    )
    func failures(code: ClusterError.Code) {
        let error = ClusterError(code, "test")
        var once = self.machine()
        let isSentAgain = self.isWait(once.failed(error))
        #expect(isSentAgain == [.unreachable, .ended].contains(code))
        if isSentAgain { #expect(error.isUnprocessed) }

        var often = self.machine(isRepeatable: true)
        let isRepeated = self.isWait(often.failed(error))
        let repeatable: [ClusterError.Code] = [.unreachable, .ended, .unknownOutcome, .timedOut]
        #expect(isRepeated == repeatable.contains(code))
        // The third failure is the last.
        if isRepeated {
            #expect(self.isWait(often.failed(error)))
            #expect(self.code(often.failed(error)) == code)
        }
    }

    @Test("a node that leaves is not tried again for an actor of its own")
    func leaving() {
        var route = self.machine(.node(Self.other))
        #expect(route.again(nil) == .send(Self.other, generation: 0))
        #expect(self.code(route.failed(ClusterError(.ended, "test"))) == .ended)
    }

    @Test("a call that may be repeated keeps time for it")
    func patience() {
        let once = self.machine()
        #expect(once.patience(.seconds(9)) == .seconds(9))
        var often = self.machine(isRepeatable: true)
        #expect(often.patience(.seconds(9)) == .seconds(3))
        _ = often.failed(ClusterError(.timedOut, "test"))
        _ = often.failed(ClusterError(.timedOut, "test"))
        #expect(often.patience(.seconds(9)) == .seconds(9))
    }
}
