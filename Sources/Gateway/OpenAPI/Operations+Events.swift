// Event streams, described.

import PulserIR

extension OperationCatalog {
    static let events: [String: Operation] = [
        "events.all": Self.stream("Live events of all active sessions.", hasLanes: true),
        "events.session": Self.stream(
            "Live events of a session, of lanes made later too.",
            path: .path("id", "The session's number, or its name where that is no number."),
            hasLanes: true
        ),
        "events.lane": Self.stream(
            "Live events of a lane.",
            path: .path("id", "The lane's number.")
        ),
        "events.run": Self.stream(
            "Events of a run from its first on, until `end` says how it ended.",
            path: .path("id", "The run's id."),
            hasRuns: false
        ),
    ]

    private static func stream(
        _ summary: String,
        path: Operation.Parameter? = nil,
        hasLanes: Bool = false,
        hasRuns: Bool = true
    ) -> Operation {
        var parameters = path.map { [$0] } ?? []
        parameters += [
            .query("types", "Kinds of events, such as `run.failed` or `step.*`; commas between."),
            .query("levels", "`info`, `warning`, `error`; commas between."),
            .query(
                "from",
                "The id of an event to go on behind; `start`, or `now`. Without it a run's stream "
                    + "begins at its first event, any other now."
            ),
            .query(
                "mode",
                "What happens to a slow reader: it keeps its place, gets the newest of each kind "
                    + "and run, jumps to the newest, or is sent away.",
                Schema.choice(["park", "conflate", "drop", "close"])
            ),
            .header("last-event-id", "As `from`, and before it."),
        ]
        if hasLanes { parameters.append(.query("lanes", "Numbers of lanes; commas between.")) }
        if hasRuns {
            parameters.append(.query("runs", "Ids of runs; commas between."))
            parameters.append(
                .query(
                    "watch",
                    "Ids of runs whose output is wanted, commas between: of others `step.output` is "
                        + "left out, and of all when it is empty. Nothing else is left out."
                )
            )
        }
        return Operation(
            "events",
            summary,
            parameters: parameters,
            answers: [
                .other(
                    200,
                    "Events with their lane and sequence, and the frames hello, reset, snapshot, "
                        + "snapshot-end, gap, bookmark, heartbeat, end, bye.",
                    StreamFormat.allCases.map(\.rawValue)
                )
            ]
        )
    }
}
