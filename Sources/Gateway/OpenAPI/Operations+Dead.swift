// Dead letters, described.

import PulserIR

extension OperationCatalog {
    static let dead: [String: Operation] = [
        "dead.list": Operation(
            "dead",
            "Runs that failed for good and nobody has put aside, newest first.",
            note: "The same as runs of the status dead, which bulk actions take too.",
            parameters: Self.filters.filter { $0.name != "status" },
            answers: [Self.rows("runs", "Run", ["count": Schema.inputs], optional: ["count"])]
        ),
        "dead.get": Operation(
            "dead",
            "A run that failed for good, what of it failed, and who put it aside.",
            parameters: [Self.run],
            answers: [.json(200, "The run.", Schema.named("DeadRun"))]
        ),
        "dead.redrive": Self.change(
            "Has a run go again, from what did not succeed or from a step.",
            Schema.object(
                ["from": Schema.text, "inputs": Schema.inputs],
                optional: ["from", "inputs"]
            ),
            isKeyed: true
        ),
        "dead.discard": Operation(
            "dead",
            "Puts a run aside: nothing is to be done about it.",
            note: Self.makesNothing,
            parameters: [Self.run, Self.ifMatch],
            body: Schema.object(["note": Schema.text], optional: ["note"]),
            answers: [.json(200, "The run.", Schema.named("DeadRun"))]
        ),
    ]
}

extension SchemaCatalog {
    static let dead: [String: JSONValue] = [
        "DeadRun": Schema.object(
            [
                "version": Schema.integer, "id": Schema.text, "status": Schema.text,
                "failure": Schema.optional(Schema.text),
                "failed_steps": Schema.list(Schema.named("Step")),
                "discarded": Schema.optional(
                    Schema.object([
                        "by": Schema.text, "note": Schema.text, "at": Schema.moment,
                    ])
                ),
            ],
            isOpen: true
        )
    ]
}
