// Pauses of sessions and lanes, described.

import PulserIR
import Store

extension OperationCatalog {
    private static let lane = Operation.Parameter.path("lane", "A lane's name, else its number.")
    private static let key = Schema.text

    private static func change(
        _ tag: String,
        _ summary: String,
        _ body: [String: JSONValue],
        _ form: String
    ) -> Operation {
        Operation(
            tag,
            summary,
            note: Self.makesNothing,
            parameters: tag == "lanes" ? [Self.session, Self.lane] : [Self.session],
            body: body.isEmpty ? nil : Schema.object(body, optional: Set(body.keys)),
            answers: [.json(200, "As it is now.", Schema.named(form))]
        )
    }

    static let lanePauses: [String: Operation] = [
        "sessions.pause": Self.change(
            "sessions",
            "Has a session's lanes take no runs; what is under way goes to its end.",
            ["by": Schema.text, "reason": Schema.text],
            "Session"
        ),
        "sessions.resume": Self.change(
            "sessions",
            "Has a paused session's lanes take runs again.",
            [:],
            "Session"
        ),
        "lanes.pause": Self.change(
            "lanes",
            "Has a lane take no runs, or none of a key; what is under way goes to its end.",
            ["by": Schema.text, "reason": Schema.text, "key": Self.key],
            "Lane"
        ),
        "lanes.resume": Self.change(
            "lanes",
            "Has a paused lane take runs again, or those of a key.",
            ["key": Self.key],
            "Lane"
        ),
        "lanes.paused_keys": Operation(
            "lanes",
            "The keys of a lane that are paused.",
            parameters: [Self.session, Self.lane, Self.limit, Self.cursor],
            answers: [Self.rows("paused_keys", "PausedKey")]
        ),
    ]
}

extension SchemaCatalog {
    /// Who paused something, and why; null when nobody did.
    static let pause = Schema.optional(
        Schema.object([
            "by": Schema.text, "at": Schema.moment, "reason": Schema.optional(Schema.text),
        ])
    )

    static let pauses: [String: JSONValue] = [
        "PausedKey": Schema.object(["key": Schema.text, "paused": Self.pause]),
        "Limit": Schema.object(
            [
                "name": Schema.text, "rate": Schema.text, "wait_ms": Schema.integer,
                "lanes": Schema.integer, "version": Schema.integer,
            ],
            optional: ["version"]
        ),
    ]
}
