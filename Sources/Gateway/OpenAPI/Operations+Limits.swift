// Limits that lanes share, described.

import PulserIR
import Store

extension OperationCatalog {
    private static let name = Operation.Parameter.path("limit", "A limit's name.")

    /// The settings of a lane that can be changed.
    static let laneRules: [String: JSONValue] = [
        "key_width": Schema.optional(Schema.integer(1...Int64(Store.widthMax))),
        "rate": Schema.optional(Schema.text), "key_rate": Schema.optional(Schema.text),
        "ageing_ms": Schema.optional(Schema.integer(1...LaneRules.ageingMillisecondsMax)),
        "limits": Schema.list(Schema.text),
    ]

    static let limits: [String: Operation] = [
        "limits.list": Operation(
            "limits",
            "Rates that lanes share, by name.",
            parameters: [Self.limit, Self.cursor],
            answers: [Self.rows("limits", "Limit")]
        ),
        "limits.get": Operation(
            "limits",
            "A rate that lanes share, and how long until a run may begin by it.",
            parameters: [Self.name],
            answers: [.json(200, "The limit.", Schema.named("Limit"))]
        ),
        "limits.put": Operation(
            "limits",
            "Makes a limit or changes it; what has begun counts on.",
            note: "A rate is \(Rate.form).",
            parameters: [Self.name, .header("if-none-match", "* only makes it.")],
            body: Schema.object(["rate": Schema.text]),
            answers: [
                .json(200, "The limit as it is now.", Schema.named("Limit")),
                .problem(412, "There is one of that name already."),
            ]
        ),
        "limits.delete": Operation(
            "limits",
            "Removes a limit that no lane names.",
            parameters: [Self.name],
            answers: [
                .empty(204, "It is gone."), .problem(409, "Lanes name it."),
            ]
        ),
    ]
}
