// Sessions, lanes and runs, described.

import PulserIR
import Store

extension OperationCatalog {
    private static let statuses =
        RunStatus.allCases.map(\.rawValue).joined(separator: ", ") + ", open, ended or paused"
    static let cursor = Operation.Parameter.query(
        "cursor",
        "Where the page before ended: its next."
    )
    static let limit = Operation.Parameter.query(
        "limit",
        "Rows at most. Default \(ListWindow.limitDefault).",
        Schema.integer(1...Int64(ListWindow.limitMax))
    )
    static let ifMatch = Operation.Parameter.header(
        "if-match",
        "The etag that the editor saw, or several by commas; * if it only has to be there."
    )
    static let session = Operation.Parameter.path(
        "id",
        "A session's name, else its number."
    )
    static let run = Operation.Parameter.path("id", "A run's id, or a beginning no other has.")
    private static let reason = Schema.object(["reason": Schema.text], optional: ["reason"])
    private static let inputs = Schema.object([:], isOpen: true)

    static let filters: [Operation.Parameter] = [
        .query(
            "status",
            "Any of \(Self.statuses), by commas; with a - before it: not. Or dead: what failed for "
                + "good and nobody put aside."
        ),
        .query("session", "A session's name or number."),
        .query("lane", "A lane's name or number."),
        .query("key", "Whom or what they are for."),
        .query("template", "The template they were made from."),
        .query("plan", "Their plan's name, or its digest."),
        .query(
            "text",
            "Part of the plan's name, the failure or the inputs unless sealed; an id's beginning."
        ),
        .query("enqueued_after", "From then on."), .query("enqueued_before", "Before then."),
        .query("finished_after", "From then on."), .query("finished_before", "Before then."),
        .query("run", "These runs, by their whole ids; commas between."),
        .query("quiet", "Leaves out what a schedule made and succeeded.", Schema.bool),
        .query("before", "Only runs older than this one."),
        .query("count", "Counts what fits too, up to a bound.", Schema.bool), Self.limit,
        Self.cursor,
    ]

    /// The members that say which plan is meant.
    static let plan: [String: JSONValue] = [
        "plan": Schema.any, "files": Schema.inputs, "main": Schema.text,
        "plan_digest": Schema.text, "template": Schema.text,
    ]

    private static let batch = Schema.object([
        "version": Schema.integer, "runs": Schema.list(RunsResource.queued),
    ])

    private static let lane: [String: JSONValue] = [
        "name": Schema.text, "width": Schema.integer(1...Int64(Store.widthMax)),
        "priority": Schema.integer,
        "worker": Schema.choice(LaneWorker.allCases.map(\.rawValue)),
    ]

    static func rows(
        _ member: String,
        _ name: String,
        _ more: [String: JSONValue] = [:],
        optional: Set<String> = []
    ) -> Operation.Answer {
        var members = more
        members["version"] = Schema.integer
        members[member] = Schema.list(Schema.named(name))
        members["next"] = Schema.optional(Schema.text)
        return .json(200, "A page.", Schema.object(members, optional: optional))
    }

    static func change(
        _ summary: String,
        _ body: JSONValue? = nil,
        isKeyed: Bool = false,
        with more: [Operation.Parameter] = []
    ) -> Operation {
        var answers = [Operation.Answer.json(202, "The run as it is now.", Schema.named("Run"))]
        if isKeyed {
            answers.append(.json(200, "The same request was sent before.", Schema.named("Run")))
        }
        return Operation(
            "runs",
            summary,
            note: isKeyed ? nil : Self.makesNothing,
            parameters: [Self.run] + more + [Self.ifMatch] + (isKeyed ? [Self.onceKey] : []),
            body: body,
            answers: answers
        )
    }

    /// A request that makes something once.
    static let onceKey = Operation.Parameter.header(
        "idempotency-key",
        "The same key and body at the same path make it once; kept for a day at least."
    )

    /// Why a change takes no key.
    static let makesNothing =
        "Takes no idempotency-key: it makes nothing, and sent twice it changes nothing twice."

    private static func made(_ summary: String, _ schema: JSONValue) -> [Operation.Answer] {
        [
            .json(201, summary, schema),
            .json(200, "What the same request made before.", schema),
        ]
    }

    private static func end(_ summary: String) -> Operation {
        Operation(
            "sessions",
            summary,
            note: Self.makesNothing,
            parameters: [Self.session, Self.ifMatch],
            body: Self.reason,
            answers: [.json(200, "The session.", Schema.named("Session"))]
        )
    }

    static let sessions: [String: Operation] = [
        "sessions.list": Operation(
            "sessions",
            "Sessions, newest first.",
            parameters: [
                .query("status", "active, completed, cancelled, archived, by commas."),
                .query("text", "Part of the name or the intent."), Self.limit, Self.cursor,
            ],
            answers: [Self.rows("sessions", "Session")]
        ),
        "sessions.create": Operation(
            "sessions",
            "Makes a session with its lanes, all of it or nothing.",
            parameters: [Self.onceKey],
            body: Schema.object(
                [
                    "name": Schema.text, "intent": Schema.text, "context": Self.inputs,
                    "lanes": Schema.list(
                        Schema.object(Self.lane, optional: ["width", "priority"])
                    ),
                ],
                optional: ["intent", "context", "lanes"]
            ),
            answers: Self.made("The session.", Schema.named("Session")) + [
                .problem(409, "The name is taken, or the key was used for another request.")
            ]
        ),
        "sessions.get": Operation(
            "sessions",
            "A session with its lanes.",
            parameters: [Self.session],
            answers: [.json(200, "The session.", Schema.named("Session"))]
        ),
        "sessions.update": Operation(
            "sessions",
            "Changes a session's intent or context.",
            parameters: [Self.session, Self.ifMatch],
            body: Schema.object(
                ["intent": Schema.text, "context": Self.inputs],
                optional: ["intent", "context"]
            ),
            answers: [.json(200, "The session.", Schema.named("Session"))]
        ),
        "sessions.complete": Self.end("Ends a session whose work is done."),
        "sessions.cancel": Self.end("Ends a session, and asks its open runs to end."),
        "sessions.archive": Self.end("Puts a session without open runs away."),
        "lanes.list": Operation(
            "lanes",
            "A session's lanes, each with its open runs and what its latest 200 came to.",
            parameters: [
                Self.session, .query("children", "Those of child runs too.", Schema.bool),
                Self.limit, Self.cursor,
            ],
            answers: [Self.rows("lanes", "Lane")]
        ),
        "lanes.create": Operation(
            "lanes",
            "Makes a lane; of several who do so at once, one does.",
            parameters: [Self.session, Self.onceKey],
            body: Schema.object(Self.lane, optional: ["width", "priority", "worker"]),
            answers: Self.made("The lane.", Schema.named("Lane")) + [
                .problem(409, "The session has such a lane, or takes no more lanes.")
            ]
        ),
        "lanes.get": Operation(
            "lanes",
            "A lane.",
            parameters: [Self.session, .path("lane", "A lane's name, else its number.")],
            answers: [.json(200, "The lane.", Schema.named("Lane"))]
        ),
        "lanes.update": Operation(
            "lanes",
            "Changes a lane's settings while it works; null takes a limit away.",
            parameters: [
                Self.session, .path("lane", "A lane's name, else its number."), Self.ifMatch,
            ],
            body: Schema.object(
                Self.lane.filter { $0.key != "name" }.merging(Self.laneRules) { $1 },
                optional: Set(Self.lane.keys).union(Self.laneRules.keys)
            ),
            answers: [.json(200, "The lane.", Schema.named("Lane"))]
        ),
    ]

    static let runs: [String: Operation] = [
        "runs.counts": Operation(
            "runs",
            "How many runs are open, and how many ended lately.",
            parameters: [
                .query("session", "A session's name or number."),
                .query("hours", "How far back. Default 24.", Schema.integer(1...744)),
            ],
            answers: [
                .json(
                    200,
                    "The numbers by status.",
                    Schema.object([
                        "version": Schema.integer, "open": Self.inputs, "ended": Self.inputs,
                        "dead": Self.inputs,
                    ])
                )
            ]
        ),
        "runs.list": Operation(
            "runs",
            "Runs, newest first.",
            parameters: Self.filters + [.query("parent", "The run they are children of.")],
            answers: [Self.rows("runs", "Run", ["count": Self.inputs], optional: ["count"])]
        ),
        "runs.create": Operation(
            "runs",
            "Makes a run, once per idempotency key.",
            parameters: [Self.onceKey],
            body: Schema.object(
                Self.plan.merging([
                    "inputs": Self.inputs, "session": Schema.text, "lane": Schema.text,
                    "priority": Schema.integer, "key": Schema.text,
                    "delay_ms": Schema.integer(0...RunsResource.delayMillisecondsMax),
                    "due_at": Schema.moment, "unique": UniqueBody.schema,
                    "ttl_ms": DeadlineBody.time, "deadline_ms": DeadlineBody.time,
                    "deadline_at": Schema.moment,
                ]) { $1 },
                optional: Set(Self.plan.keys).union([
                    "inputs", "session", "lane", "priority", "key", "delay_ms", "due_at",
                    "unique", "ttl_ms", "deadline_ms", "deadline_at",
                ])
            ),
            answers: [
                .json(201, "The run.", Schema.named("Run")),
                .json(
                    200,
                    "What the same request made before; or the run that has the unique key, as "
                        + "unique_outcome says.",
                    Schema.named("Run")
                ),
                .problem(409, "Another run has the unique key: it is named as run."),
            ]
        ),
        "runs.create_batch": Operation(
            "runs",
            "Makes up to \(RunBatch.runsMax) runs in one transaction: all of them, or none.",
            note:
                "A problem names the run it is about, as in runs[3].inputs. An idempotency_key is "
                + "the lane's: where it is taken, the run that has it is the answer and made is "
                + "false. A run of a batch has no unique, ttl_ms, deadline_ms or deadline_at.",
            parameters: [Self.onceKey],
            body: Schema.object(["runs": Schema.list(RunsResource.batched)]),
            answers: [
                .json(201, "The runs, in the order they were asked for.", Self.batch),
                .json(200, "The same where all of them were there already.", Self.batch),
                .problem(409, "A session has ended, or the key was used for another request."),
            ]
        ),
        "runs.get": Operation(
            "runs",
            "A run.",
            parameters: [
                Self.run, .query("include", "steps, artifacts, by commas."),
                .query(
                    "wait_ms",
                    "Answers when the run has ended, else after so long, with what it is then.",
                    Schema.integer(0...RunEnds.waitMillisecondsMax)
                ),
            ],
            answers: [.json(200, "The run.", Schema.named("Run"))]
        ),
        "runs.update": Operation(
            "runs",
            "Changes a queued run's priority, its lane, or its place there.",
            note: "Without a place it has that of its priority. In a lane with keys it is a place "
                + "among the runs of its key: one of another key is no place for it, since keys "
                + "take turns. Before a run that is for later is behind all that can begin. A run "
                + "that has begun before stays in its lane, where its log is, and so does one with "
                + "a unique key of its lane.",
            parameters: [Self.run, Self.ifMatch],
            body: Schema.object(
                [
                    "priority": Schema.integer(-1_000_000...1_000_000), "lane": Schema.text,
                    "before": Schema.text, "place": Schema.choice(["first", "last"]),
                ],
                optional: ["priority", "lane", "before", "place"]
            ),
            answers: [
                .json(200, "The run.", Schema.named("Run")),
                .problem(409, "The run is not queued any more, or may not go there."),
            ]
        ),
        "runs.steps": Operation(
            "runs",
            "The attempts of a run's steps, in the order they began.",
            note: "Those of a run that has not ended come all at once, whatever the limit: an "
                + "attempt may be told when it ends, and then stands before others that were told "
                + "already.",
            parameters: [
                Self.run, .query("step", "Only this step."), Self.limit, Self.cursor,
            ],
            answers: [Self.rows("steps", "Step")]
        ),
        "runs.children": Operation(
            "runs",
            "The runs that a run started.",
            parameters: [Self.run] + Self.filters,
            answers: [Self.rows("runs", "Run", ["count": Self.inputs], optional: ["count"])]
        ),
        "runs.cancel": Self.change("Asks for a run's end.", Self.reason),
        "runs.retry": Self.change(
            "Has a run go again, from what did not succeed or from a step.",
            Schema.object(
                ["from": Schema.text, "inputs": Self.inputs],
                optional: ["from", "inputs"]
            ),
            isKeyed: true
        ),
        "runs.pause": Self.change(
            "Holds a run before its next step.",
            Schema.object(["by": Schema.text], optional: ["by"])
        ),
        "runs.resume": Self.change("Has a paused run go on."),
        "runs.snooze": Self.change(
            "Has a queued run, or the next attempt of one that failed and waits for it, begin later: "
                + "after for_ms, or at the moment until.",
            Schema.object(
                [
                    "for_ms": Schema.integer(0...RunsResource.delayMillisecondsMax),
                    "until": Schema.moment,
                ],
                optional: ["for_ms", "until"]
            )
        ),
    ]
}
