// Logs, artifacts, uploads, plans and templates, described; and the forms of all resources.

import PulserIR
import Store

extension Schema {
    /// An object of anything.
    static let inputs = Schema.object([:], isOpen: true)
}

extension OperationCatalog {
    private static let lines: [Operation.Parameter] = [
        .query("attempt", "Attempts of the step, by commas."),
        .query("level", "error, warning, info, debug, none, by commas."),
        .query("source", "Steps, or stdout and stderr, by commas."),
    ]
    private static let template = Operation.Parameter.path("template", "Its name.")
    private static let digest = Operation.Parameter.path("digest", "sha256: and 64 digits.")

    static let evidence: [String: Operation] = [
        "log.page": Operation(
            "log",
            "Lines of a run's log.",
            parameters: [
                Self.run,
                .query("from", "The first line, from 1; negative from the end.", Schema.integer),
                .query("count", "Lines at most.", Schema.integer(1...LogResource.countMax)),
            ] + Self.lines,
            answers: [
                .json(
                    200,
                    "The lines, and the line to go on with.",
                    Schema.object([
                        "version": Schema.integer, "run": Schema.text,
                        "lines": Schema.list(Schema.named("LogLine")),
                        "next": Schema.optional(Schema.integer),
                    ])
                )
            ]
        ),
        "log.search": Operation(
            "log",
            "Lines that hold a text or fit an expression.",
            parameters: [
                Self.run, .query("q", "What to look for."),
                .query("regex", "Whether it is a regular expression.", Schema.bool),
                .query("ignore_case", "Default true.", Schema.bool),
                .query("from", "The first line, from 1.", Schema.integer),
                .query("count", "Findings at most.", Schema.integer(1...LogResource.findingsMax)),
                .query("context", "Lines around each.", Schema.integer(0...LogResource.contextMax)),
            ] + Self.lines,
            answers: [
                .json(
                    200,
                    "What was found, and the line to go on with.",
                    Schema.object([
                        "version": Schema.integer, "run": Schema.text,
                        "matches": Schema.list(Schema.named("LogLine")),
                        "scanned": Schema.integer, "next": Schema.optional(Schema.integer),
                    ])
                )
            ]
        ),
        "log.numbers": Operation(
            "log",
            "How many lines a log has, and the numbers of those that are wanted.",
            note: "Levels and searches see through escape sequences.",
            parameters: [
                Self.run, .query("q", "What they hold; default anything."),
                .query("regex", "Whether it is a regular expression.", Schema.bool),
                .query("ignore_case", "Default true.", Schema.bool),
                .query("from", "The first line, from 1.", Schema.integer),
            ] + Self.lines,
            answers: [
                .json(
                    200,
                    "The counts, and the first and last line of each range.",
                    Schema.object([
                        "version": Schema.integer, "run": Schema.text,
                        "total": Schema.integer, "hits": Schema.integer,
                        "ranges": Schema.list(Schema.list(Schema.integer)),
                        "is_more": Schema.bool, "next": Schema.optional(Schema.integer),
                    ])
                )
            ]
        ),
        "log.raw": Operation(
            "log",
            "The whole log as text.",
            parameters: [
                Self.run, .query("timestamps", "Times in front.", Schema.bool),
                .query("steps", "Steps in front.", Schema.bool),
            ] + Self.lines,
            answers: [.other(200, "The lines.", ["text/plain"])]
        ),
        "artifacts.list": Operation(
            "artifacts",
            "What a run's steps left.",
            parameters: [Self.run, Self.limit, Self.cursor],
            answers: [Self.rows("artifacts", "Artifact")]
        ),
        "artifacts.get": Operation(
            "artifacts",
            "The bytes of an artifact, or a range of them.",
            parameters: [
                Self.run, .path("name", "Its name, percent-encoded."),
                .query("step", "The step that left it; default the latest."),
                .query("inline", "Whether a browser may show it.", Schema.bool),
                .query("view", "page: HTML in a sandbox that runs and loads nothing."),
                .header("range", "One range of bytes."),
            ],
            answers: [
                .other(200, "All of it.", ["*/*"]), .other(206, "The range.", ["*/*"]),
            ]
        ),
        "uploads.create": Operation(
            "uploads",
            "Takes a file in for the inputs of runs on this node.",
            note: "Takes no idempotency-key: a file is named by its digest, so the same one sent "
                + "twice is there once.",
            parameters: [
                .header("content-digest", "Its SHA-256, as RFC 9530 writes it."),
                .header("repr-digest", "The same."),
            ],
            bodyTypes: ["application/octet-stream"],
            answers: [.json(201, "Its digest and the input's value.", Schema.named("Upload"))]
        ),
        "uploads.get": Operation(
            "uploads",
            "Whether a file is here.",
            parameters: [Self.digest],
            answers: [.json(200, "It is.", Schema.named("Upload"))]
        ),
        "plans.check": Operation(
            "plans",
            "What is wrong with a plan; nothing is stored.",
            note: Self.makesNothing,
            body: Self.inline,
            bodyTypes: ["application/yaml"],
            answers: [
                .json(
                    200,
                    "Whether it is valid, and the findings.",
                    Schema.object(
                        [
                            "version": Schema.integer, "valid": Schema.bool,
                            "digest": Schema.text, "name": Schema.text, "steps": Schema.integer,
                            "diagnostics": Schema.list(Schema.named("Diagnostic")),
                        ],
                        optional: ["digest", "name", "steps"]
                    )
                )
            ]
        ),
        "plans.create": Operation(
            "plans",
            "Compiles and stores a plan with all it runs.",
            note: "Takes no idempotency-key: a plan is named by its digest, so the same one sent "
                + "twice is there once.",
            body: Self.inline,
            bodyTypes: ["application/yaml"],
            answers: [
                .json(
                    201,
                    "Its digest and its warnings.",
                    Schema.object([
                        "version": Schema.integer, "digest": Schema.text, "name": Schema.text,
                        "diagnostics": Schema.list(Schema.named("Diagnostic")),
                    ])
                )
            ]
        ),
        "plans.get": Operation(
            "plans",
            "A plan's canonical JSON.",
            parameters: [Self.digest],
            answers: [.json(200, "The plan.", Schema.inputs)]
        ),
        "templates.list": Operation(
            "templates",
            "Templates by name.",
            parameters: [Self.limit, Self.cursor],
            answers: [Self.rows("templates", "Template")]
        ),
        "templates.get": Operation(
            "templates",
            "A template.",
            parameters: [Self.template],
            answers: [.json(200, "The template.", Schema.named("Template"))]
        ),
        "templates.put": Operation(
            "templates",
            "Has a name stand for a plan.",
            parameters: [
                Self.template, Self.ifMatch,
                .header("if-none-match", "* only makes it."),
            ],
            body: Schema.object(
                Self.plan.merging(["title": Schema.text]) { $1 },
                optional: Set(Self.plan.keys).union(["title"])
            ),
            answers: [
                .json(200, "The template, changed.", Schema.named("Template")),
                .json(201, "The template, made.", Schema.named("Template")),
            ]
        ),
        "templates.delete": Operation(
            "templates",
            "Has a name stand for nothing; its versions stay.",
            parameters: [Self.template, Self.ifMatch],
            answers: [.empty(204, "It is gone.")]
        ),
        "templates.versions": Operation(
            "templates",
            "What a name stood for, newest first.",
            parameters: [Self.template, Self.limit, Self.cursor],
            answers: [Self.rows("versions", "Template")]
        ),
    ]

    private static let inline = Schema.object(
        Self.plan.filter { ["plan", "files", "main"].contains($0.key) },
        optional: ["plan", "files", "main"]
    )
}

extension SchemaCatalog {
    private static func form(_ members: [String: JSONValue]) -> JSONValue {
        Schema.object(members, isOpen: true)
    }

    private static let maybe = Schema.optional(Schema.text)

    static let work: [String: JSONValue] = [
        "Session": Self.form([
            "id": Schema.integer, "name": Schema.text, "status": Schema.text,
            "intent": Schema.text, "context": Schema.inputs, "revision": Schema.integer,
            "lanes": Schema.integer, "open_runs": Schema.integer, "created_at": Schema.moment,
            "paused": Self.pause,
        ]),
        "Lane": Self.form(
            [
                "id": Schema.integer, "name": Schema.text, "session": Schema.text,
                "width": Schema.integer, "priority": Schema.integer, "runs": Schema.inputs,
                "paused": Self.pause, "worker": Schema.text,
            ].merging(OperationCatalog.laneRules) { $1 }
        ),
        "Run": Schema.object(
            [
                "id": Schema.text, "plan": Schema.text, "plan_digest": Schema.text,
                "session": Schema.text, "lane": Schema.text,
                "status": Schema.choice(RunStatus.allCases.map(\.rawValue)),
                "attempt": Schema.integer, "retry_count": Schema.integer,
                "priority": Schema.integer, "key": Schema.text,
                "inputs": Schema.any, "outputs": Schema.any, "failure": Self.maybe,
                "wait_reason": Self.maybe, "paused_by": Self.maybe, "parent": Self.maybe,
                "unique": Schema.optional(UniqueBody.stored),
                "template": Self.maybe, "enqueued_at": Schema.moment,
                "ready_at": Schema.moment, "due_at": Schema.optional(Schema.moment),
                "started_at": Schema.optional(Schema.moment),
                "finished_at": Schema.optional(Schema.moment),
                "schedule": Schema.optional(Schema.named("RunSchedule")),
                "worker": Schema.named("Worker"),
                "deadline": Schema.optional(DeadlineBody.stored),
            ],
            optional: ["schedule", "worker", "deadline"],
            isOpen: true
        ),
        "Step": Schema.object(
            [
                "step": Schema.text, "attempt": Schema.integer, "state": Schema.text,
                "result": Schema.any, "outputs": Schema.inputs, "superseded": Schema.bool,
                "begun_at": Schema.moment, "ended_at": Schema.optional(Schema.moment),
                "failure": Self.maybe, "verifiers": Schema.list(Schema.inputs),
                "snoozed_ms": Schema.optional(Schema.integer),
                "by_hand": Schema.object([
                    "by": Schema.text, "note": Schema.text, "at": Schema.moment,
                ]),
            ],
            optional: ["by_hand"],
            isOpen: true
        ),
        "Artifact": Self.form([
            "step": Schema.text, "name": Schema.text, "digest": Schema.text,
            "size": Schema.integer, "media_type": Schema.text,
        ]),
        "LogLine": Self.form([
            "line": Schema.integer, "seq": Schema.integer, "at": Schema.moment,
            "step": Schema.text, "attempt": Schema.integer, "stream": Schema.text,
            "level": Schema.text, "text": Schema.text,
        ]),
        "Template": Self.form([
            "name": Schema.text, "plan": Schema.text, "plan_digest": Schema.text,
            "title": Schema.text, "revision": Schema.integer, "stored_at": Schema.moment,
        ]),
        "Bulk": Self.form([
            "id": Schema.text, "action": Schema.text, "filter": Schema.inputs,
            "reason": Schema.text, "by": Schema.text, "status": Schema.text,
            "revision": Schema.integer, "progress": Schema.inputs, "created_at": Schema.moment,
            "ended_at": Schema.optional(Schema.moment),
        ]),
        "BulkRun": Self.form([
            "run": Schema.text,
            "state": Schema.choice(BulkItem.State.allCases.map(\.rawValue)), "reason": Self.maybe,
        ]),
        "Node": Self.form([
            "number": Schema.integer, "name": Schema.text, "address": Schema.text,
            "status": Schema.text, "lease_ms": Schema.integer, "shards": Schema.integer,
            "runs": Schema.integer, "build": Schema.text, "started_at": Schema.moment,
        ]),
        "Diagnostic": Schema.object([
            "severity": Schema.text, "file": Schema.text, "line": Schema.integer,
            "column": Schema.integer, "message": Schema.text, "hint": Self.maybe,
        ]),
        "Upload": Self.form([
            "digest": Schema.text, "size": Schema.integer, "input": Schema.text,
        ]),
    ]
}
