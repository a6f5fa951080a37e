// How a browser gets a cookie for a token or a one-time code, asks what it has, and gives it back.

import HTTP2
import HTTPTypes
import Hummingbird
import PulserIR
import Store

/// `/v1/browser-session` and `/v1/browser-codes`.
struct BrowserSessionResource: Sendable {
    let store: Store
    let desk: AccessDesk?
    let codes: BrowserCodes

    /// Bytes of a body: a token and the braces around it.
    static let bodyBytesMax = 4_096

    /// Exchanges a token, or a code that was made with one, for a session.
    ///
    /// The token stands in the body, or in the authorization field; neither reaches a log.
    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let desk = self.desk else {
            throw Problem(.unavailable, "this gateway has no tokens")
        }
        let principal = try await self.holder(request, context, desk)
        // Nobody was admitted for it, so it is counted here: each one is a row in the database.
        guard let token = principal.token else { throw desk.failure(context.exchange) }
        var fields = try desk.spend(.token(token))
        let secret = TokenText.secret()
        try await self.store.createBrowserSession(
            secretHash: TokenText.hash(secret.utf8),
            token: token
        )
        let lifetime = Int64(desk.configuration.sessions.absolute / .seconds(1))
        var document = TokensResource.json(principal)
        document["csrf_token"] = .string(Credential.csrf(secret))
        document["expires_in_seconds"] = .integer(lifetime)
        fields[.setCookie] = Self.cookie(secret, lifetime, context)
        return .json(.object(document), status: .created, fields: fields)
    }

    /// Whoever holds the token, or the code, that a request shows.
    private func holder(
        _ request: Request,
        _ context: GatewayContext,
        _ desk: AccessDesk
    ) async throws -> Principal {
        let exchange = context.exchange
        if case .token(let given) = Credential(exchange) {
            return try await desk.principal(given, exchange)
        }
        // Nobody has proved anything yet: little is read of him, and not too often.
        try desk.checkFailures(exchange)
        var body = try JSONBody(try await request.json(upTo: Self.bodyBytesMax))
        let text = body.text("token")
        let code = body.text("code")
        if text != nil, code != nil { body.note("code", "give 'token' or 'code', not both") }
        try body.finish()
        guard let code else {
            guard let given = TokenText((text ?? "")[...]) else { throw desk.failure(exchange) }
            return try await desk.principal(given, exchange)
        }
        guard let token = self.codes.take(code, at: .now),
            let principal = try await desk.principal(live: token)
        else {
            var problem = desk.failure(exchange)
            problem.detail = "the code is not valid: it was used, or is older than 60 s"
            problem.next = "opsroom open makes another one; a token lets in too"
            throw problem
        }
        return principal
    }

    /// Makes a one-time code, for an address that a browser is opened with.
    @Sendable
    func code(_ request: Request, _ context: GatewayContext) async throws -> Response {
        // A page that was broken into must not make itself a second session.
        guard let token = context.principal.token, context.principal.session == nil else {
            throw Problem(
                .conflict,
                "codes are made with a token, not with a browser's session",
                next: "send the token as 'authorization: Bearer TOKEN'"
            )
        }
        guard let code = self.codes.make(for: token, at: .now) else {
            throw Problem(
                .overloaded,
                "\(BrowserCodes.codesMax) codes wait to be used",
                next: "try again in a minute",
                fields: [.retryAfter: "60"]
            )
        }
        return .json(
            .object([
                "version": .integer(1),
                "code": .string(code),
                "expires_in_seconds": .integer(Int64(BrowserCodes.lifetime / .seconds(1))),
            ]),
            status: .created
        )
    }

    /// What the cookie's session is, for a page that is loaded again.
    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard case .cookie(let secret) = Credential(context.exchange) else {
            throw Self.noSession("GET /v1/me tells whose a token is")
        }
        let principal = context.principal
        let timeLeft = principal.sessionEndsAt.map { max(.zero, $0 - .now) } ?? .zero
        return .json(
            .object([
                "version": .integer(1),
                "name": .string(principal.name),
                "scope": principal.scope.map { .string($0.rawValue) } ?? .null,
                "tenant": .string(principal.tenant),
                "csrf_token": .string(Credential.csrf(secret)),
                "expires_in_seconds": .integer(Int64(timeLeft / .seconds(1))),
            ])
        )
    }

    /// Ends the session of the cookie.
    @Sendable
    func end(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard case .cookie(let secret) = Credential(context.exchange) else {
            throw Self.noSession("DELETE /v1/tokens/ID revokes a token")
        }
        let hash = TokenText.hash(secret.utf8)
        try await self.store.endBrowserSession(hash)
        self.desk?.forget(.session(hash))
        return .empty([.setCookie: Self.cookie("", 0, context)])
    }

    private static func noSession(_ next: String) -> Problem {
        Problem(.conflict, "this request has no session, but a token", next: next)
    }

    private static func cookie(
        _ value: String,
        _ seconds: Int64,
        _ context: GatewayContext
    ) -> String {
        let isTLS = context.exchange.origin.isTLS
        return "\(Credential.cookieName(isTLS: isTLS))=\(value); Path=/; Max-Age=\(seconds); "
            + "HttpOnly; SameSite=Strict" + (isTLS ? "; Secure" : "")
    }
}
