// Signals and approvals, described.

import PulserIR

extension OperationCatalog {
    private static let step = Operation.Parameter.path("step", "The step's id.")
    private static let once =
        "Takes no idempotency-key: of each person one decision counts, and the same one sent twice "
        + "is told of again. A decision may come before the step asks."

    static let waits: [String: Operation] = [
        "signals.send": Operation(
            "waits",
            "Sends a signal to a run, whether a step waits for it or not.",
            note: "It is kept until a step takes it, and taken by one. At most "
                + "\(Limits.signalsOpenMax) wait in a run, each of at most "
                + "\(Limits.signalBytesMax) bytes.",
            parameters: [
                Self.run,
                .header(
                    "idempotency-key",
                    "The same key and signal send it once, as long as the run is known."
                ),
            ],
            body: Schema.object(
                ["name": Schema.text, "payload": Schema.any],
                optional: ["payload"]
            ),
            answers: [
                .json(201, "The signal.", Schema.named("Signal")),
                .json(200, "What the same request sent before.", Schema.named("Signal")),
                .problem(409, "The run has ended, or too many signals wait in it."),
            ]
        ),
        "signals.list": Operation(
            "waits",
            "Signals of a run in their order, with the steps that took them.",
            parameters: [Self.run, Self.limit, Self.cursor],
            answers: [Self.rows("signals", "Signal")]
        ),
        "approvals.list": Operation(
            "waits",
            "Steps that wait for whoever asks, oldest first.",
            note: "What is not for the caller is left out of a page after it was cut: a page with "
                + "a next may have fewer rows than its limit.",
            parameters: [
                .query("all", "Those that wait for others too.", Schema.bool),
                .query("run", "Only those of this run."), Self.limit, Self.cursor,
            ],
            answers: [Self.rows("approvals", "Approval")]
        ),
        "approvals.approve": Operation(
            "waits",
            "Approves a step, and fills in its form.",
            note: Self.once,
            parameters: [Self.run, Self.step],
            body: Schema.object(
                ["form": Schema.inputs, "comment": Schema.text],
                optional: ["form", "comment"]
            ),
            answers: Self.decision
        ),
        "approvals.reject": Operation(
            "waits",
            "Rejects a step: nobody else decides about it then.",
            note: Self.once,
            parameters: [Self.run, Self.step],
            body: Schema.object(["comment": Schema.text], optional: ["comment"]),
            answers: Self.decision
        ),
        "runs.skip": Self.change(
            "Says that a step was done by hand: the run goes on as if it had succeeded.",
            Schema.object(["note": Schema.text]),
            isKeyed: true,
            with: [Self.step]
        ),
    ]

    private static let decision: [Operation.Answer] = [
        .json(200, "What became of it.", Schema.named("Decision")),
        .problem(403, "The caller may not decide: the answer names the groups that may."),
        .problem(409, "It is decided already, its time is over, or the run has ended."),
    ]
}

extension SchemaCatalog {
    static let waits: [String: JSONValue] = [
        "Signal": Schema.object(
            [
                "version": Schema.integer, "run": Schema.text, "seq": Schema.integer,
                "name": Schema.text, "payload": Schema.any, "sent_by": Schema.text,
                "sent_at": Schema.moment, "taken_by": Schema.optional(Schema.text),
                "taken_attempt": Schema.optional(Schema.integer),
                "taken_at": Schema.optional(Schema.moment),
            ],
            optional: ["version"]
        ),
        "Approval": Schema.object([
            "run": Schema.text, "step": Schema.text, "plan": Schema.text,
            "session": Schema.text, "lane": Schema.text, "message": Schema.text,
            "needed": Schema.integer, "approved_by": Schema.list(Schema.text),
            "groups": Schema.list(Schema.text), "users": Schema.list(Schema.text),
            "self_approval": Schema.bool, "form": Schema.any,
            "started_by": Schema.optional(Schema.text), "asked_at": Schema.moment,
            "expires_at": Schema.optional(Schema.moment), "may_decide": Schema.bool,
            "why_not": Schema.optional(Schema.text),
        ]),
        "Decision": Schema.object([
            "version": Schema.integer, "run": Schema.text, "step": Schema.text,
            "by": Schema.text, "decision": Schema.choice(["approved", "rejected"]),
            "approvals": Schema.integer, "needed": Schema.integer, "decided": Schema.bool,
            "repeated": Schema.bool,
        ]),
    ]
}
