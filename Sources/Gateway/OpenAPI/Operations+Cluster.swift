// Nodes, shards and the cluster, described.

import PulserIR
import Store

extension OperationCatalog {
    private static let node = Operation.Parameter.path("node", "A node's number, or its name.")

    private static func change(_ summary: String, _ note: String) -> Operation {
        Operation(
            "cluster",
            summary,
            note: "\(note) \(Self.makesNothing)",
            parameters: [Self.node],
            answers: [.json(200, "The node.", Schema.named("NodeStanding"))]
        )
    }

    static let cluster: [String: Operation] = [
        "nodes.list": Operation(
            "nodes",
            "The nodes that share the work.",
            parameters: [
                .query("dead", "Those that are gone too.", Schema.bool), Self.limit, Self.cursor,
            ],
            answers: [
                Self.rows(
                    "nodes",
                    "Node",
                    ["active": Schema.integer, "free_shards": Schema.integer]
                )
            ]
        ),
        "nodes.get": Operation(
            "nodes",
            "A node with what it holds.",
            parameters: [Self.node],
            answers: [.json(200, "The node.", Schema.named("NodeStanding"))]
        ),
        "nodes.drain": Self.change(
            "Has a node give its shards away and take no more.",
            "The answer comes before they are gone; the node goes on until it is ended."
        ),
        "nodes.undrain": Self.change(
            "Has a draining node take part again.",
            "What it gave away comes back as shares are made equal."
        ),
        "nodes.evict": Self.change(
            "Declares a node dead: its shards are free at once.",
            "For a node that is gone for good; one that lives learns it within seconds and starts "
                + "over. The answer is the node as it was."
        ),
        "cluster.get": Operation(
            "cluster",
            "Who coordinates, who holds what, who is suspected, what moves.",
            answers: [.json(200, "The cluster.", Schema.named("Cluster"))]
        ),
        "shards.list": Operation(
            "cluster",
            "Where shards are.",
            parameters: [
                .query("node", "Only those of this node: its number or name."),
                .query("state", "Only those.", Schema.choice(ShardState.allCases.map(\.rawValue))),
            ],
            answers: [
                .json(
                    200,
                    "The shards.",
                    Schema.object([
                        "version": Schema.integer, "shards": Schema.list(Schema.named("Shard")),
                    ])
                )
            ]
        ),
        "shards.move": Operation(
            "cluster",
            "Has shards go to a node.",
            note: "The answer comes before they are there: an owner ends what is under way first. "
                + "Shards that nobody serves are passed over. \(Self.makesNothing)",
            body: Schema.object(
                [
                    "shards": Schema.list(Schema.integer(0...1_023)), "to": Schema.text,
                    "dry_run": Schema.bool,
                ],
                optional: ["dry_run"]
            ),
            answers: [.json(200, "What becomes of each.", Schema.named("ShardMoves"))]
        ),
        "shards.rebalance": Operation(
            "cluster",
            "Moves at most one round of shards, so that loads become even.",
            note: "The coordinator does the same by itself. Takes no idempotency-key: sent again "
                + "while its round is under way it moves nothing, and after it the next round.",
            body: Schema.object(["dry_run": Schema.bool], optional: ["dry_run"]),
            answers: [
                .json(200, "What moves, or why nothing does.", Schema.named("ShardMoves"))
            ]
        ),
        "retention.get": Operation(
            "cluster",
            "For how long ended runs and events are kept, how much there is, what goes next.",
            answers: [.json(200, "What is kept.", Schema.named("History"))]
        ),
        "retention.update": Operation(
            "cluster",
            "Changes for how long something is kept.",
            note:
                "Whole days, as 30d, or forever. A day (UTC) that is wholly older is dropped as a "
                + "whole, within the hour; a run goes with its journal and its artifacts. "
                + Self.makesNothing,
            parameters: [Self.ifMatch],
            body: Schema.object(
                ["runs": Schema.text, "events": Schema.text, "dry_run": Schema.bool],
                optional: ["runs", "events", "dry_run"]
            ),
            answers: [.json(200, "What is kept, or would be.", Schema.named("History"))]
        ),
        "runs.why": Operation(
            "runs",
            "Why a run does not run: which gate, since when.",
            parameters: [Self.run],
            answers: [.json(200, "What it waits for.", Schema.named("Why"))]
        ),
    ]
}

extension SchemaCatalog {
    private static let maybe = Schema.optional(Schema.text)
    private static let kept = Schema.object([
        "keep": Schema.text, "rows": Schema.integer, "bytes": Schema.integer,
        "days": Schema.integer, "oldest": Self.maybe, "newest": Self.maybe,
        "next_drop": Schema.optional(Schema.moment),
    ])

    static let cluster: [String: JSONValue] = [
        "NodeStanding": Schema.object(
            [
                "number": Schema.integer, "name": Schema.text, "address": Schema.text,
                "endpoint": Schema.text, "zone": Schema.text, "build": Schema.text,
                "status": Schema.choice(NodeStatus.allCases.map(\.rawValue)),
                "status_ms": Schema.integer, "lease_ms": Schema.integer,
                "assigned": Schema.integer, "running": Schema.integer,
                "handing_off": Schema.integer,
            ],
            isOpen: true
        ),
        "Shard": Schema.object([
            "shard": Schema.integer(0...1_023),
            "state": Schema.choice(ShardState.allCases.map(\.rawValue)), "owner": Self.maybe,
            "target": Self.maybe, "generation": Schema.integer, "state_ms": Schema.integer,
        ]),
        "ShardMoves": Schema.object([
            "version": Schema.integer, "dry_run": Schema.bool, "reason": Self.maybe,
            "more": Schema.bool,
            "moves": Schema.list(
                Schema.object([
                    "shard": Schema.integer(0...1_023),
                    "outcome": Schema.choice(["moves", "under_way", "there", "kept", "passed_over"]
                    ),
                    "reason": Schema.text, "from": Self.maybe, "to": Schema.text,
                    "state": Schema.choice(ShardState.allCases.map(\.rawValue)),
                    "generation": Schema.integer,
                ])
            ),
        ]),
        "History": Schema.object([
            "version": Schema.integer, "revision": Schema.integer, "dry_run": Schema.bool,
            "runs": Self.kept, "events": Self.kept,
            "drops": Schema.list(
                Schema.object([
                    "kind": Schema.choice(HistoryKind.allCases.map(\.rawValue)),
                    "day": Self.maybe, "rows": Schema.integer, "bytes": Schema.integer,
                ])
            ),
        ]),
        "Cluster": Schema.object([
            "version": Schema.integer, "view": Schema.integer, "protocol": Schema.integer,
            "coordinator": Schema.optional(
                Schema.object([
                    "node": Schema.integer, "name": Schema.text, "epoch": Schema.integer,
                    "left_ms": Schema.integer,
                ])
            ),
            "free_shards": Schema.integer, "nodes": Schema.list(Schema.named("NodeStanding")),
            "suspicions": Schema.list(
                Schema.object([
                    "target": Schema.text, "voter": Schema.text, "refused": Schema.bool,
                    "age_ms": Schema.integer, "repeated_ms": Schema.integer,
                ])
            ),
            "moves": Schema.list(Schema.named("Shard")),
        ]),
        "Why": Schema.object([
            "version": Schema.integer, "run": Schema.text,
            "status": Schema.choice(RunStatus.allCases.map(\.rawValue)), "session": Schema.text,
            "lane": Schema.text, "gate": Schema.text, "reason": Schema.text,
            "since_ms": Schema.optional(Schema.integer), "lane_width": Schema.integer,
            "lane_active": Schema.integer, "ahead": Schema.integer, "child": Self.maybe,
            "shard": Schema.integer, "shard_state": Schema.text, "generation": Schema.integer,
            "owner": Schema.optional(
                Schema.object([
                    "name": Schema.text, "status": Schema.text, "status_ms": Schema.integer,
                    "lease_ms": Schema.integer,
                ])
            ),
            "target": Self.maybe, "worker": Schema.optional(Schema.named("Worker")),
            "deadline": Schema.optional(DeadlineBody.stored),
        ]),
    ]
}
