// `/v1/sessions/{session}/board`: a session's lanes as the web page shows them, in one document.

import Hummingbird
import PulserIR
import Store

struct BoardResource: Sendable {
    /// Queued cards of each lane, unless the request says so.
    static let cardsDefault: Int64 = 20

    /// Boards that are computed at once.
    static let questionsMax = 8
    /// How long after one the same board is computed again, however many look at it.
    static let gap: Duration = .milliseconds(100)

    /// What is asked for.
    struct Choice: Hashable, Sendable {
        var session: String
        var cards: Int
    }

    let store: Store
    let memory = BoardMemory()
    let gate = RequestGate(max: Self.questionsMax)
    let answers = SharedAnswers<Choice, (json: JSONValue, tag: EntityTag)>(gap: Self.gap)

    init(store: Store) { self.store = store }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let cards = try query.integer("cards", in: 0...Int64(Store.boardCardsMax))
        try query.finish()
        let choice = Choice(
            session: try context.parameter("id"),
            cards: Int(cards ?? Self.cardsDefault)
        )
        let answer = try await self.answers.answer(for: choice) { try await self.board(choice) }
        return .document(answer.json, answer.tag, for: request)
    }

    private func board(_ choice: Choice) async throws -> (json: JSONValue, tag: EntityTag) {
        guard self.gate.enter() else {
            throw Problem(
                .overloaded,
                "\(Self.questionsMax) boards are under way",
                next: "send it again in a second",
                fields: [.retryAfter: "1"]
            )
        }
        defer { self.gate.leave() }
        let board = try await self.store.board(choice.session, cards: choice.cards)
        let json = BoardDocument.json(board, try await self.progress(of: board))
        // A lease that was renewed is no news.
        return (json, EntityTag(BoardDocument.lasting(json)))
    }

    /// How far the board's runs are. What cannot change is asked for once.
    private func progress(of board: BoardRow) async throws(StoreError) -> BoardDocument.Progress {
        let cards = board.lanes.flatMap { $0.cards + $0.recent }
        let active = cards.filter { !$0.status.isTerminal && $0.status != .queued }
        // What succeeded is done, and a journal is large.
        let ended = cards.filter { $0.status.isTerminal && $0.status != .succeeded }
        var progress = self.memory.known(of: cards)
        let unknown = ended.filter { [progress] in progress.runs[$0.id] == nil }
        let plans = Set(cards.map(\.planDigest)).filter { [progress] in progress.totals[$0] == nil }
        let found = try await self.store.boardProgress(
            active: active.map(\.id),
            ended: unknown.map(\.id),
            plans: plans.sorted { $0.hex < $1.hex }
        )
        self.memory.learn(unknown, found.runs, found.totals, for: cards)
        progress.runs.merge(found.runs) { $1 }
        progress.totals.merge(found.totals) { $1 }
        return progress
    }
}
