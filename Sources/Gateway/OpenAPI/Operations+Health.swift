// Health, metrics and this description itself, described.

import PulserIR

extension OperationCatalog {
    static let health: [String: Operation] = [
        "health.live": Operation(
            "health",
            "Whether the process answers.",
            answers: [
                .json(200, "It does.", Schema.object(["status": Schema.choice(["ok"])]))
            ]
        ),
        "health.ready": Operation(
            "health",
            "Whether this node can answer for the room, with reasons.",
            answers: [
                .json(200, "It can.", Schema.named("Readiness")),
                .json(503, "It cannot now.", Schema.named("Readiness")),
            ]
        ),
        "health.metrics": Operation(
            "health",
            "Everything counted, in the Prometheus text format 0.0.4.",
            answers: [.other(200, "The numbers.", ["text/plain"])]
        ),
        "health.migrations": Operation(
            "health",
            "This program's migrations beside those of the database.",
            answers: [
                .json(
                    200,
                    "All of both, in their order.",
                    Schema.object([
                        "version": Schema.integer,
                        "migrations": Schema.list(
                            Schema.object([
                                "name": Schema.text,
                                "state": Schema.choice([
                                    "applied", "pending", "edited", "missing",
                                ]),
                            ])
                        ),
                    ])
                )
            ]
        ),
        "openapi.get": Operation(
            "health",
            "This description.",
            answers: [.json(200, "OpenAPI 3.1.", Schema.object([:], isOpen: true))]
        ),
    ]
}

extension SchemaCatalog {
    static let health: [String: JSONValue] = [
        "Readiness": Schema.object([
            "status": Schema.choice(["ready", "not_ready"]),
            "checks": Schema.list(
                Schema.object([
                    "name": Schema.text,
                    "ok": Schema.bool,
                    "reason": Schema.optional(Schema.text),
                ])
            ),
        ])
    ]
}
