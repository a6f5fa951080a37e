// What the web page asks for beside the resources themselves, described: boards, drawings, sources.

import PulserIR
import StateMachines
import Store

extension OperationCatalog {
    static let board: [String: Operation] = [
        "sessions.board": Operation(
            "sessions",
            "A session's lanes with what each does, did last and will do next.",
            note: "Queued runs come in the order in which they are claimed; whose turn it is among "
                + "keys is not told, then those for later, then paused ones. Counts go up to "
                + "\(Store.boardCountMax). The etag stays the same while a lease is renewed. A board "
                + "has at most \(Store.boardCardsInAllMax) cards, shared among its lanes; "
                + "cards_is_more says that this left some out. recent is what ended last of the "
                + "lane's newest \(Store.boardEndedMax) runs that have ended, and of all that ended "
                + "within the hour, or minute, unless those are more than \(Store.boardLateMax).",
            parameters: [
                Self.session,
                .query(
                    "cards",
                    "Queued runs of each lane. Default \(BoardResource.cardsDefault).",
                    Schema.integer(0...Int64(Store.boardCardsMax))
                ),
                .header("if-none-match", "The etag of the board that is there."),
            ],
            answers: [
                .json(200, "The board.", Schema.named("Board")),
                .empty(304, "It is as it was."),
            ]
        ),
        "stats.get": Operation(
            "runs",
            "How runs ended, how long they took and waited, in buckets, by lane and by template.",
            note: "All that ended is counted, from the newest bucket on, up to "
                + "\(Store.statsRunsMax) runs or a few seconds. Figures of buckets that were not reached are null, lanes and "
                + "templates are those of the others, and is_partial is true. Where more than "
                + "\(Store.statsSampleMax) ended times are those of so many, spread evenly, and "
                + "is_sampled is true. Times are in milliseconds. queue is of now, and of any "
                + "template; where queued_is_more the oldest has waited for at least oldest_ms.",
            parameters: [
                .query(
                    "hours",
                    "How far back. Default 24.",
                    Schema.integer(1...StatsResource.hoursMax)
                ),
                .query("session", "Only of this session, its name or number."),
                .query("lane", "Only of lanes with this name or number."),
                .query("template", "Only of runs made from this template."),
            ],
            answers: [.json(200, "The figures.", Schema.named("Stats"))]
        ),
        "plans.graph": Operation(
            "plans",
            "A plan's steps as they are drawn, in layers from top to bottom.",
            note: "In pixels. Where there are very many lines those that follow from others are "
                + "left out; more than \(GraphLayout.edgesMax) are never told.",
            parameters: [.path("digest", "sha256: and 64 digits.")],
            answers: [.json(200, "The drawing.", Schema.named("Graph"))]
        ),
        "templates.source": Operation(
            "templates",
            "A template as it was written.",
            note: "Null where it was made of a plan that was stored already, or long ago.",
            parameters: [
                .path("template", "Its name."),
                .query(
                    "revision",
                    "Which version. Default: the one that the name stands for.",
                    Schema.integer
                ),
            ],
            answers: [.json(200, "Its files.", Schema.named("TemplateSource"))]
        ),
    ]
}

extension SchemaCatalog {
    private static let maybe = Schema.optional(Schema.text)
    private static let moment = Schema.optional(Schema.moment)

    private static func figures(
        _ names: [String: JSONValue],
        count: JSONValue = Schema.integer
    ) -> JSONValue {
        let time = Schema.optional(Schema.integer)
        let members: [String: JSONValue] = [
            "succeeded": count, "failed": count, "cancelled": count, "timed_out": count,
            "run_p50_ms": time, "run_p95_ms": time,
            "wait_p50_ms": time, "wait_p95_ms": time,
        ]
        return Schema.object(members.merging(names) { $1 })
    }

    static let board: [String: JSONValue] = [
        "Board": Schema.object([
            "version": Schema.integer,
            "session": Schema.object([
                "id": Schema.integer, "name": Schema.text, "status": Schema.text,
                "intent": Schema.text, "open_runs": Schema.integer,
                "open_runs_is_more": Schema.bool, "created_at": Schema.moment,
                "ended_at": Self.moment, "paused": Self.pause,
            ]),
            "waiting": Schema.integer, "waiting_is_more": Schema.bool,
            "cards_is_more": Schema.bool, "lanes_is_more": Schema.bool,
            "lanes": Schema.list(
                Schema.object([
                    "id": Schema.integer, "name": Schema.text, "width": Schema.integer,
                    "priority": Schema.integer, "paused": Self.pause, "worker": Schema.text,
                    "active": Schema.integer, "active_is_more": Schema.bool,
                    "queued": Schema.integer, "queued_is_more": Schema.bool,
                    "cards": Schema.list(Schema.named("Card")),
                    "recent": Schema.list(Schema.named("Card")),
                ])
            ),
            "nodes": Schema.list(
                Schema.object([
                    "name": Schema.text, "status": Schema.text, "lease_ms": Schema.integer,
                ])
            ),
        ]),
        "Card": Schema.object([
            "id": Schema.text, "plan": Schema.text, "plan_digest": Schema.text,
            "template": Self.maybe, "status": Schema.choice(RunStatus.allCases.map(\.rawValue)),
            "attempt": Schema.integer, "retry_count": Schema.integer, "priority": Schema.integer,
            "key": Schema.text, "enqueued_at": Schema.moment, "ready_at": Schema.moment,
            "due_at": Self.moment, "started_at": Self.moment, "finished_at": Self.moment,
            "failure": Self.maybe, "failed_step": Self.maybe, "wait_reason": Self.maybe,
            "wait": Schema.optional(
                Schema.object([
                    "kind": Schema.choice(BoardCard.Wait.Kind.allCases.map(\.rawValue)),
                    "step": Self.maybe, "since": Self.moment,
                ])
            ),
            "paused_by": Self.maybe, "parent": Self.maybe, "node": Self.maybe,
            "progress": Schema.object(["done": Schema.integer, "total": Schema.integer]),
            "step": Self.maybe,
        ]),
        "Stats": Schema.object([
            "version": Schema.integer, "from": Schema.moment, "to": Schema.moment,
            "bucket_ms": Schema.integer, "is_partial": Schema.bool, "is_sampled": Schema.bool,
            "lanes_is_more": Schema.bool, "templates_is_more": Schema.bool,
            "queue_is_more": Schema.bool,
            "buckets": Schema.list(
                Self.figures(["at": Schema.moment], count: Schema.optional(Schema.integer))
            ),
            "lanes": Schema.list(Self.figures(["session": Schema.text, "lane": Schema.text])),
            "templates": Schema.list(Self.figures(["template": Self.maybe, "plan": Schema.text])),
            "queue": Schema.list(
                Schema.object([
                    "session": Schema.text, "lane": Schema.text, "queued": Schema.integer,
                    "queued_is_more": Schema.bool, "oldest_ms": Schema.integer,
                ])
            ),
        ]),
        "Graph": Schema.object([
            "version": Schema.integer, "digest": Schema.text, "name": Schema.text,
            "width": Schema.integer, "height": Schema.integer, "edges_is_more": Schema.bool,
            "nodes": Schema.list(
                Schema.object([
                    "id": Schema.text, "kind": Schema.text, "x": Schema.integer,
                    "y": Schema.integer, "width": Schema.integer, "height": Schema.integer,
                    "rank": Schema.integer, "needs": Schema.list(Schema.text),
                    "effects": Schema.choice(Effects.allCases.map(\.rawValue)),
                    "verifiers": Schema.integer, "title": Self.maybe, "item_kind": Self.maybe,
                    "runs_plan": Self.maybe,
                ])
            ),
            "edges": Schema.list(
                Schema.object([
                    "from": Schema.text, "to": Schema.text,
                    "points": Schema.list(Schema.list(Schema.integer)),
                ])
            ),
        ]),
        "TemplateSource": Schema.object([
            "version": Schema.integer, "name": Schema.text, "plan_digest": Schema.text,
            "title": Schema.text, "revision": Schema.integer, "source": Self.maybe,
            "files": Schema.optional(Schema.inputs), "main": Self.maybe,
        ]),
    ]
}
