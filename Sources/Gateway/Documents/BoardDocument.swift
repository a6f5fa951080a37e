// A session's board as JSON.

import PulserIR
import Store

enum BoardDocument {
    /// How far the runs of a board are.
    struct Progress: Sendable {
        /// What is known of runs.
        var runs: [RunID: BoardProgress] = [:]
        /// How many steps plans have.
        var totals: [Digest: Int] = [:]
    }

    static func json(_ board: BoardRow, _ progress: Progress) -> JSONValue {
        let session = board.session
        let open = board.lanes.reduce(0) { $0 + $1.active + $1.queued }
        return .object([
            "version": .integer(1),
            "session": .object([
                "id": .integer(session.id), "name": .string(session.name),
                "status": .string(session.status), "intent": .string(session.intent),
                "open_runs": .integer(open),
                "open_runs_is_more": .bool(
                    board.lanesAreMore
                        || board.lanes.contains { $0.activeIsMore || $0.queuedIsMore }
                ),
                "created_at": .moment(session.createdMilliseconds),
                "ended_at": .moment(session.endedMilliseconds),
                "paused": SessionDocument.json(session.pause),
            ]),
            "waiting": .integer(board.waiting),
            "waiting_is_more": .bool(board.waitingIsMore),
            "cards_is_more": .bool(board.cardsAreMore),
            "lanes": .array(board.lanes.map { Self.json($0, progress) }),
            "lanes_is_more": .bool(board.lanesAreMore),
            "nodes": .array(
                board.nodes.map { node in
                    .object([
                        "name": .string(node.name), "status": .string(node.status),
                        "lease_ms": .integer(node.leaseMilliseconds),
                    ])
                }
            ),
        ])
    }

    /// The document without what changes at every moment: only whether a lease is over.
    static func lasting(_ json: JSONValue) -> JSONValue {
        guard case .object(var members) = json else { return json }
        members["nodes"] = .array(
            (members["nodes"]?.arrayValue ?? []).map { node in
                guard case .object(var members) = node else { return node }
                members["lease_ms"] = .bool((members["lease_ms"]?.integerValue ?? 0) > 0)
                return .object(members)
            }
        )
        return .object(members)
    }

    private static func json(_ row: BoardLane, _ progress: Progress) -> JSONValue {
        .object([
            "id": .integer(row.lane.id), "name": .string(row.lane.name),
            "width": .integer(Int64(row.lane.width)),
            "priority": .integer(Int64(row.lane.priority)),
            "paused": SessionDocument.json(row.lane.pause),
            "worker": .string(row.lane.worker.rawValue), "active": .integer(row.active),
            "active_is_more": .bool(row.activeIsMore),
            "queued": .integer(row.queued), "queued_is_more": .bool(row.queuedIsMore),
            "cards": .array(row.cards.map { Self.json($0, progress) }),
            "recent": .array(row.recent.map { Self.json($0, progress) }),
        ])
    }

    private static func json(_ card: BoardCard, _ progress: Progress) -> JSONValue {
        let known = progress.runs[card.id]
        let total = progress.totals[card.planDigest] ?? 0
        let done = card.status == .succeeded ? total : min(known?.done ?? 0, total)
        var members: [String: JSONValue] = [
            "id": .string(card.id.description), "plan": .string(card.planName),
            "plan_digest": .string(card.planDigest.description),
            "status": .string(card.status.rawValue), "attempt": .integer(Int64(card.attempt)),
            "retry_count": .integer(Int64(card.retryCount)),
            "priority": .integer(Int64(card.priority)), "key": .string(card.key),
            "enqueued_at": .moment(card.enqueuedMilliseconds),
            "ready_at": .moment(card.readyMilliseconds),
            "due_at": .moment(card.dueMilliseconds),
            "started_at": .moment(card.startedMilliseconds),
            "finished_at": .moment(card.finishedMilliseconds),
            "progress": .object([
                "done": .integer(Int64(done)), "total": .integer(Int64(total)),
            ]),
        ]
        members["template"] = Self.text(card.template)
        members["failure"] = Self.text(card.failure)
        members["failed_step"] = Self.text(known?.failedStep)
        members["wait_reason"] = Self.text(card.waitReason)
        members["wait"] =
            card.wait.map { wait in
                .object([
                    "kind": .string(wait.kind.rawValue), "step": Self.text(wait.step),
                    "since": .moment(wait.sinceMilliseconds),
                ])
            } ?? .null
        members["paused_by"] = Self.text(card.pausedBy)
        members["parent"] = Self.text(card.parent?.description)
        members["node"] = Self.text(card.node)
        members["step"] = Self.text(known?.step)
        return .object(members)
    }

    private static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}
