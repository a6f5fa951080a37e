// Schedules, described.

import PulserIR
import StateMachines

extension OperationCatalog {
    private static let schedule = Operation.Parameter.path(
        "schedule",
        "A schedule's name, else its number."
    )
    private static let key = Operation.Parameter.header(
        "idempotency-key",
        "The same key and body at the same path make it once; kept for a day at least."
    )

    /// What people say about a schedule.
    private static let said: [String: JSONValue] = Self.plan.merging([
        "name": Schema.text, "title": Schema.text, "session": Schema.text, "lane": Schema.text,
        "inputs": Schema.object([:], isOpen: true), "priority": Schema.integer,
        "rules": Schema.list(Schema.text), "zone": Schema.text,
        "anchor": Schema.optional(Schema.moment), "start": Schema.optional(Schema.moment),
        "end": Schema.optional(Schema.moment),
        "jitter_ms": Schema.integer(0...ScheduleMachine.jitterMillisecondsMax),
        "misfire": Schema.choice(MisfirePolicy.allCases.map(\.rawValue)),
        "catch_up_ms": Schema.integer(1...ScheduleMachine.catchUpMillisecondsMax),
        "catch_up_max": Schema.integer(1...Int64(ScheduleMachine.catchUpMax)),
        "overlap": Schema.choice(OverlapPolicy.allCases.map(\.rawValue)), "key": Schema.text,
        "delay_ms": Schema.integer(0...RunsResource.delayMillisecondsMax),
        "unique": Schema.optional(UniqueBody.schema),
        "ttl_ms": Schema.optional(DeadlineBody.time),
        "deadline_ms": Schema.optional(DeadlineBody.time),
    ]) { $1 }

    private static let rulesNote = """
        A rule is a cron expression (five fields, or six with the second first; names, ranges, steps, \
        lists, L, friL, fri#2, @hourly and the like) by the clocks of the zone, or an interval such \
        as 'every 10m' counted from the anchor. A tick whose expression does not name every hour \
        happens once a day at its time: at the first moment behind a gap when clocks leave the time \
        out, the first time when they show it twice. One for every hour goes by what clocks show. \
        'key', 'delay_ms', 'unique', 'ttl_ms' and 'deadline_ms' are those of a run, and hold for each \
        run of the schedule. A tick is dropped by 'overlap' first; for one whose run meets another of \
        its kind no run is made, 'dropped' counts it, and the schedule goes on.
        """

    private static func one(_ summary: String) -> Operation.Answer {
        .json(200, summary, Schema.named("Schedule"))
    }

    static let schedules: [String: Operation] = [
        "schedules.list": Operation(
            "schedules",
            "Schedules, by name.",
            parameters: [
                .query("session", "Only those of this session."),
                .query("paused", "Only those that are paused, or are not.", Schema.bool),
                Self.limit, Self.cursor,
            ],
            answers: [Self.rows("schedules", "Schedule")]
        ),
        "schedules.create": Operation(
            "schedules",
            "Has runs of a plan begin by themselves.",
            note: Self.rulesNote,
            parameters: [Self.key],
            body: Schema.object(
                Self.said.merging(["paused": Schema.bool, "reason": Schema.text]) { $1 },
                optional: Set(Self.said.keys).subtracting(["name", "rules"])
                    .union(["paused", "reason"])
            ),
            answers: [
                .json(201, "The schedule.", Schema.named("Schedule")),
                Self.one("What the same request made before."),
            ]
        ),
        "schedules.get": Operation(
            "schedules",
            "A schedule.",
            parameters: [Self.schedule],
            answers: [Self.one("The schedule.")]
        ),
        "schedules.update": Operation(
            "schedules",
            "Changes what is given about a schedule; new times tick from now on.",
            note: Self.makesNothing,
            parameters: [Self.schedule, Self.ifMatch],
            body: Schema.object(Self.said, optional: Set(Self.said.keys)),
            answers: [Self.one("The schedule as it is now.")]
        ),
        "schedules.delete": Operation(
            "schedules",
            "Deletes a schedule; its runs stay.",
            note: Self.makesNothing,
            parameters: [Self.schedule, Self.ifMatch],
            answers: [.empty(204, "It is gone.")]
        ),
        "schedules.pause": Operation(
            "schedules",
            "Has a schedule make no runs until it is resumed.",
            note: Self.makesNothing,
            parameters: [Self.schedule, Self.ifMatch],
            body: Schema.object(["reason": Schema.text], optional: ["reason"]),
            answers: [Self.one("The schedule as it is now.")]
        ),
        "schedules.resume": Operation(
            "schedules",
            "Has a paused schedule go on; ticks of the pause are not made up.",
            note: Self.makesNothing,
            parameters: [Self.schedule, Self.ifMatch],
            answers: [Self.one("The schedule as it is now.")]
        ),
    ].merging(Self.ticks) { $1 }

    private static let ticks: [String: Operation] = [
        "schedules.trigger": Operation(
            "schedules",
            "Has a schedule make a run now, also while it is paused.",
            parameters: [Self.schedule, Self.key],
            body: Schema.object(
                ["overlap": Schema.choice(OverlapPolicy.allCases.map(\.rawValue))],
                optional: ["overlap"]
            ),
            answers: [
                .json(201, "The run.", Schema.named("Run")),
                .json(
                    200,
                    "The run that the same request made before; or the one that has the unique key, "
                        + "as unique_outcome says.",
                    Schema.named("Run")
                ),
                .problem(
                    409,
                    "A run is open and the policy is to skip, or another one has the unique key: it "
                        + "is named as run."
                ),
            ]
        ),
        "schedules.backfill": Operation(
            "schedules",
            "Has ticks of the past make their runs; a tick that has one gets no other.",
            note: "At most \(ScheduleDesk.backfillMax) ticks; both ends belong to the range. Where "
                + "runs are unique, 'not_unique' is for how many ticks another run had the key.",
            parameters: [Self.schedule, Self.key],
            body: Schema.object(["from": Schema.moment, "to": Schema.moment]),
            answers: [
                .json(201, "How many runs were made, of how many ticks.", Self.backfilled),
                .json(200, "What the same request made before.", Self.backfilled),
            ]
        ),
        "schedules.preview": Operation(
            "schedules",
            "The next ticks of a schedule, as if it were not paused.",
            parameters: [
                Self.schedule,
                .query(
                    "count",
                    "How many. Default 10.",
                    Schema.integer(1...Int64(ScheduleDesk.previewMax))
                ),
                .query("from", "From then on instead of from now on."),
            ],
            answers: [
                .json(
                    200,
                    "The ticks, when their runs begin, and what the zone's clocks show.",
                    Schema.object([
                        "version": Schema.integer, "zone": Schema.text,
                        "ticks": Schema.list(
                            Schema.object([
                                "tick": Schema.moment, "due": Schema.moment, "local": Schema.text,
                            ])
                        ),
                    ])
                )
            ]
        ),
        "schedules.runs": Operation(
            "schedules",
            "Runs that a schedule made, latest first.",
            parameters: [Self.schedule, Self.limit, Self.cursor],
            answers: [Self.rows("runs", "ScheduledRun")]
        ),
    ]

    private static let backfilled = Schema.object([
        "version": Schema.integer, "made": Schema.integer,
        "ticks": Schema.optional(Schema.integer), "not_unique": Schema.optional(Schema.integer),
    ])
}

extension SchemaCatalog {
    static let schedules: [String: JSONValue] = [
        "Schedule": Schema.object(
            [
                "version": Schema.integer, "id": Schema.integer, "name": Schema.text,
                "title": Schema.text, "session": Schema.text, "lane": Schema.text,
                "template": Schema.optional(Schema.text),
                "plan_digest": Schema.optional(Schema.text),
                "inputs": Schema.object([:], isOpen: true), "priority": Schema.integer,
                "rules": Schema.list(Schema.text), "zone": Schema.text, "anchor": Schema.moment,
                "start": Schema.optional(Schema.moment), "end": Schema.optional(Schema.moment),
                "jitter_ms": Schema.integer,
                "misfire": Schema.choice(MisfirePolicy.allCases.map(\.rawValue)),
                "catch_up_ms": Schema.integer, "catch_up_max": Schema.integer,
                "overlap": Schema.choice(OverlapPolicy.allCases.map(\.rawValue)),
                "key": Schema.text, "delay_ms": Schema.integer,
                "unique": Schema.optional(UniqueBody.asked),
                "ttl_ms": Schema.optional(Schema.integer),
                "deadline_ms": Schema.optional(Schema.integer),
                "revision": Schema.integer, "has_open_run": Schema.bool,
                "next_at": Schema.optional(Schema.moment),
                "paused": Schema.optional(
                    Schema.object([
                        "by": Schema.text, "at": Schema.moment,
                        "reason": Schema.optional(Schema.text),
                    ])
                ),
                "dropped": Schema.object([
                    "count": Schema.integer, "last_at": Schema.optional(Schema.moment),
                    "last_reason": Schema.optional(
                        Schema.choice(TickDrop.allCases.map(\.rawValue))
                    ),
                ]),
                "created_at": Schema.moment, "updated_at": Schema.moment,
                "changed_by": Schema.text,
            ],
            optional: ["version"]
        ),
        "RunSchedule": Schema.object([
            "id": Schema.integer, "name": Schema.optional(Schema.text), "tick": Schema.moment,
            "manual": Schema.bool,
        ]),
        "ScheduledRun": Schema.object([
            "run": Schema.text, "tick": Schema.moment, "manual": Schema.bool,
        ]),
    ]
}
