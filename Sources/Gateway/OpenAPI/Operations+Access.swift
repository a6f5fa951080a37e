// Tokens and sessions, described.

import PulserIR

extension OperationCatalog {
    static let access: [String: Operation] = [
        "me.get": Operation(
            "access",
            "Who asks.",
            answers: [.json(200, "The token, or the session's token.", Schema.named("Principal"))]
        ),
        "tokens.list": Operation(
            "access",
            "Tokens, newest first.",
            parameters: [
                .query("all", "Revoked and expired ones too.", Schema.bool), Self.limit,
                Self.cursor,
            ],
            answers: [Self.rows("tokens", "Token")]
        ),
        "tokens.create": Operation(
            "access",
            "Makes a token; its secret is in this answer and nowhere else.",
            note:
                "Takes no idempotency-key: the secret is not kept, so it could not be told again. "
                + "Whoever did not hear the answer revokes that token and makes another one.",
            body: Schema.object(
                [
                    "name": Schema.text,
                    "scope": Schema.choice(Principal.Scope.allCases.map(\.rawValue)),
                    "tenant": Schema.text, "groups": Schema.list(Schema.text),
                    "expires_in_seconds": Schema.integer(1...TokensResource.lifetimeSecondsMax),
                ],
                optional: ["scope", "tenant", "groups", "expires_in_seconds"]
            ),
            answers: [.json(201, "The token with its secret.", Schema.named("NewToken"))]
        ),
        "tokens.get": Operation(
            "access",
            "One token.",
            parameters: [.path("id", "The token's public half.")],
            answers: [.json(200, "The token.", Schema.named("Token"))]
        ),
        "tokens.revoke": Operation(
            "access",
            "Revokes a token, and with it its sessions and streams.",
            parameters: [.path("id", "The token's public half.")],
            answers: [.empty(204, "It is revoked.")]
        ),
        "browser_session.create": Operation(
            "access",
            "Exchanges a token, or a one-time code, for a cookie.",
            note:
                "Takes no idempotency-key: the cookie is not kept, so it could not be told again.",
            body: Schema.object(
                ["token": Schema.text, "code": Schema.text],
                optional: ["token", "code"]
            ),
            answers: [
                .json(
                    201,
                    "The cookie is in set-cookie; csrf_token goes into x-csrf-token of changes.",
                    Schema.named("BrowserSession")
                )
            ]
        ),
        "browser_session.get": Operation(
            "access",
            "What the cookie's session is, for a page that is loaded again.",
            answers: [
                .json(
                    200,
                    "Whose it is; csrf_token goes into x-csrf-token of changes; "
                        + "expires_in_seconds is when it ends however often it is used.",
                    Schema.object([
                        "version": Schema.integer, "name": Schema.text,
                        "scope": Schema.optional(
                            Schema.choice(Principal.Scope.allCases.map(\.rawValue))
                        ),
                        "tenant": Schema.text, "csrf_token": Schema.text,
                        "expires_in_seconds": Schema.integer,
                    ])
                )
            ]
        ),
        "browser_codes.create": Operation(
            "access",
            "Makes a code that a browser can be opened with, once.",
            note:
                "For this node alone: kept in its memory. With more than "
                + "\(BrowserCodes.codesOfTokenMax) of one token the oldest of them is no code any "
                + "more. Takes no idempotency-key: the code is not kept, so it could not be told again.",
            answers: [
                .json(
                    201,
                    "The code, for POST /v1/browser-session; it stands behind the # of an address.",
                    Schema.object([
                        "version": Schema.integer, "code": Schema.text,
                        "expires_in_seconds": Schema.integer,
                    ])
                )
            ]
        ),
        "browser_session.end": Operation(
            "access",
            "Ends the session of the cookie.",
            answers: [.empty(204, "It is over.")]
        ),
        "problems.get": Operation(
            "access",
            "What a problem's code means.",
            parameters: [.path("code", "The code.")],
            answers: [
                .json(
                    200,
                    "Its status and title, and what to do about it.",
                    Schema.object([
                        "code": Schema.text, "status": Schema.integer, "title": Schema.text,
                        "next": Schema.text,
                    ])
                )
            ]
        ),
    ]
}

extension SchemaCatalog {
    private static let principal: [String: JSONValue] = [
        "token": Schema.optional(Schema.text),
        "name": Schema.text,
        "scope": Schema.optional(Schema.choice(Principal.Scope.allCases.map(\.rawValue))),
        "tenant": Schema.text,
        "groups": Schema.list(Schema.text),
        "csrf_token": Schema.text,
    ]

    private static let token: [String: JSONValue] = [
        "id": Schema.text,
        "name": Schema.text,
        "scope": Schema.choice(Principal.Scope.allCases.map(\.rawValue)),
        "tenant": Schema.text,
        "groups": Schema.list(Schema.text),
        "created_at": Schema.moment,
        "expires_at": Schema.optional(Schema.moment),
        "last_used_at": Schema.optional(Schema.moment),
        "revoked_at": Schema.optional(Schema.moment),
    ]

    static let access: [String: JSONValue] = [
        "Principal": Schema.object(Self.principal, optional: ["csrf_token"]),
        "BrowserSession": Schema.object(
            Self.principal.merging(["expires_in_seconds": Schema.integer]) { $1 }
        ),
        "Token": Schema.object(Self.token),
        "NewToken": Schema.object(Self.token.merging(["token": Schema.text]) { $1 }),
    ]

    static let common: [String: JSONValue] = [
        "Problem": Schema.object(
            [
                "type": Schema.text,
                "title": Schema.text,
                "status": Schema.integer,
                "code": Schema.choice(Problem.Code.allCases.map(\.rawValue)),
                "detail": Schema.text,
                "next": Schema.text,
                "trace_id": Schema.text,
                "errors": Schema.list(Schema.named("Finding")),
            ],
            optional: ["errors"]
        ),
        "Finding": Schema.object(
            [
                "message": Schema.text,
                "field": Schema.text,
                "line": Schema.integer,
                "column": Schema.integer,
                "hint": Schema.text,
            ],
            optional: ["field", "line", "column", "hint"]
        ),
    ]
}
