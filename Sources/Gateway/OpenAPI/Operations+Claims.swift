// Claims of workers outside, described.

import PulserIR

extension OperationCatalog {
    private static let gone: Operation.Answer = .problem(
        409,
        "The claim is over: its lease ended, the run has ended, or another worker has it."
    )

    static let claims: [String: Operation] = [
        "claims.create": Operation(
            "claims",
            "Takes runs of lanes that are worked outside.",
            note: "Waits for the first run as long as wait_ms says. The lanes are asked in their "
                + "order. A worker that says nothing for lease_ms loses its runs to others. "
                + "Takes no idempotency-key: runs whose answer was lost come back when their lease ends.",
            body: Schema.object(
                [
                    "session": Schema.text, "lane": Schema.text,
                    "lanes": Schema.list(Schema.text), "worker": Schema.text,
                    "max": Schema.integer(1...ClaimsResource.runsMax),
                    "wait_ms": Schema.integer(0...ClaimsResource.waitMillisecondsMax),
                    "lease_ms": Schema.integer(ClaimsResource.leases),
                ],
                optional: ["session", "lane", "lanes", "worker", "max", "wait_ms", "lease_ms"]
            ),
            answers: [
                .json(
                    200,
                    "The runs; none when there were none in time.",
                    Schema.object([
                        "version": Schema.integer,
                        "claims": Schema.list(Schema.named("Claim")),
                    ])
                ),
                .problem(409, "The room's own nodes work the lane."),
            ]
        ),
        "claims.heartbeat": Operation(
            "claims",
            "Says that the worker lives; tells whether the run shall end or rest.",
            note: "Takes no idempotency-key: sent again it makes the lease last as long again.",
            parameters: [Self.run],
            body: Schema.object(
                ["claim_no": Schema.integer, "lease_ms": Schema.integer(ClaimsResource.leases)],
                optional: ["lease_ms"]
            ),
            answers: [.json(200, "How it stands.", Schema.named("ClaimStanding")), Self.gone]
        ),
        "claims.events": Operation(
            "claims",
            "Adds lines and progress to the run's log.",
            note:
                "Values of the plan's secrets are taken out. Takes no idempotency-key: sent again "
                + "after a lost answer they are in the log twice.",
            parameters: [Self.run],
            body: Schema.object([
                "claim_no": Schema.integer,
                "events": Schema.list(
                    Schema.object(
                        [
                            "line": Schema.text,
                            "stream": Schema.choice(["stdout", "stderr"]),
                            "step": Schema.text, "progress": Schema.any,
                        ],
                        optional: ["line", "stream", "step", "progress"]
                    )
                ),
            ]),
            answers: [.json(200, "How it stands.", Schema.named("ClaimStanding")), Self.gone]
        ),
        "claims.complete": Operation(
            "claims",
            "Ends the run, or has it tried again. The first result stands.",
            note:
                "A run that failed with a retry_after_ms is queued again, due after that time, while it "
                + "was tried less often than its plan's retry.max_attempts says and its timeout "
                + "leaves it the time; else it has failed. Takes no idempotency-key: the same "
                + "claim's result, sent again, is told of again; after a failure that was queued "
                + "again the claim is over.",
            parameters: [Self.run],
            body: Schema.object(
                [
                    "claim_no": Schema.integer,
                    "status": Schema.choice(["succeeded", "failed", "cancelled"]),
                    "outputs": Schema.inputs, "failure": Schema.text,
                    "retry_after_ms": Schema.integer(ClaimsResource.delays),
                    "steps": Schema.list(
                        Schema.object(
                            [
                                "step": Schema.text,
                                "status": Schema.choice([
                                    "succeeded", "failed", "skipped", "cancelled",
                                ]),
                                "outputs": Schema.inputs, "failure": Schema.text,
                            ],
                            optional: ["outputs", "failure"]
                        )
                    ),
                ],
                optional: ["outputs", "failure", "retry_after_ms", "steps"]
            ),
            answers: [
                .json(
                    200,
                    "It is on record. The status is queued when the run is tried again.",
                    Schema.object([
                        "version": Schema.integer, "run": Schema.text, "status": Schema.text,
                        "replayed": Schema.bool, "due_at": Schema.optional(Schema.moment),
                    ])
                ),
                Self.gone,
            ]
        ),
        "claims.release": Operation(
            "claims",
            "Gives the run back: it is queued again, where it was, or for later.",
            note:
                "With a delay_ms nobody gets it before that time is over, and it holds no place of "
                + "its lane and key meanwhile. Its timeout goes on; a delay beyond that is refused. "
                + "Takes no idempotency-key: the claim is over, so sent again it changes nothing.",
            parameters: [Self.run],
            body: Schema.object(
                [
                    "claim_no": Schema.integer, "reason": Schema.text,
                    "delay_ms": Schema.integer(ClaimsResource.delays),
                ],
                optional: ["reason", "delay_ms"]
            ),
            answers: [
                .json(
                    200,
                    "It is queued.",
                    Schema.object([
                        "version": Schema.integer, "run": Schema.text, "status": Schema.text,
                        "due_at": Schema.optional(Schema.moment),
                    ])
                ),
                Self.gone,
            ]
        ),
    ]
}

extension SchemaCatalog {
    static let claims: [String: JSONValue] = [
        "Claim": Schema.object([
            "run": Schema.text, "claim_no": Schema.integer, "session": Schema.text,
            "lane": Schema.text, "plan": Schema.inputs, "plan_digest": Schema.text,
            "inputs": Schema.inputs, "attempt": Schema.integer, "losses": Schema.integer,
            "retries": Schema.integer, "key": Schema.text,
            "priority": Schema.integer, "lease_ms": Schema.integer,
            "lease_until": Schema.moment, "deadline": Schema.moment,
        ]),
        "ClaimStanding": Schema.object([
            "version": Schema.integer, "run": Schema.text, "cancel": Schema.bool,
            "cancel_reason": Schema.optional(Schema.text), "pause": Schema.bool,
            "lease_ms": Schema.integer,
        ]),
        "Worker": Schema.object([
            "name": Schema.text, "claim_no": Schema.integer, "lease_until": Schema.moment,
        ]),
    ]
}
