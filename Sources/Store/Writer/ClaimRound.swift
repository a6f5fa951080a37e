// Which claims go together: a lane is asked for once in a commit, so that each run has one taker.

internal import Postgres
internal import PulserIR
internal import Synchronization

/// The claims that wait, turn by turn.
struct ClaimRound {
    /// Claims of one commit; who asks for a lane that another asks for too comes after it.
    final class Turn: Sendable {
        let wants: [ClaimWant]
        let adopting: [ClaimWant]
        let adopted: [RunID]
        /// Each asked for lanes of its own.
        let claims: [PendingClaim]
        private let isAnswered = Atomic<Bool>(false)

        fileprivate init(_ claims: [PendingClaim]) {
            func sorted(_ wants: [ClaimWant]) -> [ClaimWant] {
                wants.sorted { ($0.shard.shard, $0.lane) < ($1.shard.shard, $1.lane) }
            }
            self.wants = sorted(
                claims.filter(\.request.adopting.isEmpty).flatMap(\.request.wants)
            )
            let adopting = claims.filter { !$0.request.adopting.isEmpty }
            self.adopting = sorted(adopting.flatMap(\.request.wants))
            self.adopted = adopting.flatMap(\.request.adopting)
            self.claims = claims
        }

        /// Tells each who asked what came of it; a second answer is for nobody.
        func answer(_ answer: ClaimAnswer) {
            guard !self.isAnswered.exchange(true, ordering: .relaxed) else { return }
            guard case .success(let runs) = answer else {
                for claim in claims { claim.answer(answer) }
                return
            }
            let byLane = Dictionary(grouping: runs, by: \.fence.lane)
            for claim in claims {
                claim.answer(.success(claim.request.wants.flatMap { byLane[$0.lane] ?? [] }))
            }
        }
    }

    private var left: ArraySlice<PendingClaim>

    init(_ claims: [PendingClaim]) { self.left = claims[...] }

    /// The next commit's claims; `nil` when none are left.
    mutating func next() -> Turn? {
        guard !self.left.isEmpty else { return nil }
        var lanes: Set<Int64> = []
        let together = self.left.prefix { claim in
            let own = claim.request.wants.map(\.lane)
            defer { lanes.formUnion(own) }
            return lanes.isDisjoint(with: own)
        }
        self.left.removeFirst(together.count)
        return Turn(Array(together))
    }
}
