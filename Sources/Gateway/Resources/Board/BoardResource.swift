// `/v1/sessions/{session}/board`: a session's lanes as the web page shows them, in one document.

import Hummingbird
import PulserIR
import Store

struct BoardResource: Sendable {
    /// Queued cards of each lane, unless the request says so.
    static let cardsDefault: Int64 = 20

    let store: Store
    let memory: BoardMemory

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let cards = try query.integer("cards", in: 0...Int64(Store.boardCardsMax))
        try query.finish()
        let board = try await self.store.board(
            try context.parameter("id"),
            cards: Int(cards ?? Self.cardsDefault)
        )
        let progress = try await self.progress(of: board)
        let json = BoardDocument.json(board, progress)
        // A lease that was renewed is no news.
        return .document(json, EntityTag(BoardDocument.lasting(json)), for: request)
    }

    /// How far the board's runs are. What cannot change is asked for once.
    private func progress(of board: BoardRow) async throws(StoreError) -> BoardDocument.Progress {
        let cards = board.lanes.flatMap { $0.cards + $0.recent }
        let active = cards.filter { !$0.status.isTerminal && $0.status != .queued }
        // What succeeded is done, and a journal is large.
        let ended = cards.filter { $0.status.isTerminal && $0.status != .succeeded }
        let unknown = self.memory.unknown(ended: ended, plans: cards.map(\.planDigest))
        let found = try await self.store.boardProgress(
            active: active.map(\.id),
            ended: unknown.ended.map(\.id),
            plans: unknown.plans
        )
        self.memory.learn(unknown.ended, found.runs, found.totals)
        return self.memory.progress(of: cards, beside: found.runs)
    }
}
