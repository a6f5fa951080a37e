// Actions on many runs, described.

import PulserIR
import Store

extension OperationCatalog {
    static let bulk: [String: Operation] = [
        "bulk.list": Operation(
            "bulk",
            "Actions on many runs, newest first.",
            parameters: [Self.limit, Self.cursor],
            answers: [Self.rows("bulk", "Bulk")]
        ),
        "bulk.create": Operation(
            "bulk",
            "Does something to all runs that fit a filter now.",
            note: "{} means all; an empty list or text is refused. The answer's filter tells of "
                + "'run' how many were named, not their ids.",
            parameters: [
                .query("preview", "Only counts and shows some.", Schema.bool), Self.onceKey,
            ],
            body: Schema.object(
                [
                    "action": Schema.choice(BulkAction.allCases.map(\.rawValue)),
                    "filter": Schema.inputs, "expected_count": Schema.integer,
                    "reason": Schema.text,
                ],
                optional: ["expected_count", "reason"]
            ),
            answers: [
                .json(202, "The action, under way.", Schema.named("Bulk")),
                .json(
                    200,
                    "The preview, or the action that the same request made before.",
                    .object([
                        "oneOf": .array([
                            Schema.object([
                                "version": Schema.integer, "action": Schema.text,
                                "count": Schema.inputs, "sample": Schema.list(Schema.named("Run")),
                            ]), Schema.named("Bulk"),
                        ])
                    ])
                ),
            ]
        ),
        "bulk.get": Operation(
            "bulk",
            "An action with its progress.",
            parameters: [.path("bulk", "Its number.")],
            answers: [.json(200, "The action.", Schema.named("Bulk"))]
        ),
        "bulk.runs": Operation(
            "bulk",
            "What came of each run.",
            parameters: [
                .path("bulk", "Its number."),
                .query(
                    "state",
                    "Only these.",
                    Schema.choice(BulkItem.State.allCases.map(\.rawValue))
                ), Self.limit, Self.cursor,
            ],
            answers: [Self.rows("runs", "BulkRun")]
        ),
        "bulk.cancel": Operation(
            "bulk",
            "Stops an action; what is done stays done.",
            note: Self.makesNothing,
            parameters: [.path("bulk", "Its number."), Self.ifMatch],
            answers: [.json(200, "The action.", Schema.named("Bulk"))]
        ),
    ]
}
