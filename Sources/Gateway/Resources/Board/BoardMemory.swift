// Remembers what a board need not ask again: how many steps plans have, and how far ended runs came.

import PulserIR
import Store
import Synchronization

/// What never changes about what boards show. When there is too much of it all is forgotten that the board at
/// hand does not show.
final class BoardMemory: Sendable {
    /// Plans, and runs, that are remembered.
    static let entriesMax = 8_192

    private let max: Int

    /// A run that was started again has a new claim.
    private struct Ended: Hashable {
        var run: RunID
        var claim: Int64
    }

    private struct State {
        var totals: [Digest: Int] = [:]
        var ended: [Ended: BoardProgress] = [:]
    }

    private let state = Mutex(State())

    init(max: Int = BoardMemory.entriesMax) { self.max = max }

    /// What is known of these: the answer is given once, since other boards may take its place here.
    func known(of cards: [BoardCard]) -> BoardDocument.Progress {
        self.state.withLock { state in
            var progress = BoardDocument.Progress()
            for card in cards {
                progress.totals[card.planDigest] = state.totals[card.planDigest]
                progress.runs[card.id] = state.ended[Ended(run: card.id, claim: card.claimNumber)]
            }
            return progress
        }
    }

    /// Keeps what was asked for a board with these cards.
    func learn(
        _ ended: [BoardCard],
        _ runs: [RunID: BoardProgress],
        _ totals: [Digest: Int],
        for cards: [BoardCard]
    ) {
        self.state.withLock { state in
            if state.totals.count + totals.count > self.max {
                let shown = Set(cards.map(\.planDigest))
                state.totals = state.totals.filter { shown.contains($0.key) }
            }
            if state.ended.count + ended.count > self.max {
                let shown = Set(cards.map { Ended(run: $0.id, claim: $0.claimNumber) })
                state.ended = state.ended.filter { shown.contains($0.key) }
            }
            state.totals.merge(totals) { $1 }
            for card in ended {
                let key = Ended(run: card.id, claim: card.claimNumber)
                state.ended[key] = runs[card.id] ?? BoardProgress()
            }
        }
    }
}
