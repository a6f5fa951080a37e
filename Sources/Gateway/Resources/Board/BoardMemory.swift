// Remembers what a board need not ask again: how many steps plans have, and how far ended runs came.

import PulserIR
import Store
import Synchronization

/// What never changes about what boards show. All is forgotten when there is too much of it.
final class BoardMemory: Sendable {
    /// Plans, and runs, that are remembered.
    static let entriesMax = 8_192

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

    /// What of these is not known yet, each once.
    func unknown(
        ended: [BoardCard],
        plans: [Digest]
    ) -> (ended: [BoardCard], plans: [Digest]) {
        self.state.withLock { state in
            (
                ended.filter { state.ended[Ended(run: $0.id, claim: $0.claimNumber)] == nil },
                Set(plans).filter { state.totals[$0] == nil }.sorted { $0.hex < $1.hex }
            )
        }
    }

    /// Keeps what was asked.
    func learn(
        _ ended: [BoardCard],
        _ runs: [RunID: BoardProgress],
        _ totals: [Digest: Int]
    ) {
        self.state.withLock { state in
            if state.totals.count + totals.count > Self.entriesMax { state.totals = [:] }
            if state.ended.count + ended.count > Self.entriesMax { state.ended = [:] }
            state.totals.merge(totals) { $1 }
            for card in ended {
                let key = Ended(run: card.id, claim: card.claimNumber)
                state.ended[key] = runs[card.id] ?? BoardProgress()
            }
        }
    }

    /// How far these runs are: as `found` says, or as it is remembered.
    func progress(
        of cards: [BoardCard],
        beside found: [RunID: BoardProgress]
    ) -> BoardDocument.Progress {
        self.state.withLock { state in
            var progress = BoardDocument.Progress()
            for card in cards {
                progress.totals[card.planDigest] = state.totals[card.planDigest]
                let known = state.ended[Ended(run: card.id, claim: card.claimNumber)]
                progress.runs[card.id] = found[card.id] ?? known
            }
            return progress
        }
    }
}
