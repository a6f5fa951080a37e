// How a browser gets a cookie for a token, and gives it back.

import HTTP2
import HTTPTypes
import Hummingbird
import PulserIR
import Store

/// `/v1/browser-session`.
struct BrowserSessionResource: Sendable {
    let store: Store
    let desk: AccessDesk?

    /// Bytes of a body: a token and the braces around it.
    static let bodyBytesMax = 4_096

    /// Exchanges a token for a session.
    ///
    /// The token stands in the body, or in the authorization field; neither reaches a log.
    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let desk = self.desk else {
            throw Problem(.unavailable, "this gateway has no tokens")
        }
        let exchange = context.exchange
        let token: TokenText
        if case .token(let given) = Credential(exchange) {
            token = given
        } else {
            // Nobody has proved anything yet: little is read of him, and not too often.
            try desk.checkFailures(exchange)
            var body = try JSONBody(try await request.json(upTo: Self.bodyBytesMax))
            let text = body.text("token") ?? ""
            try body.finish()
            guard let given = TokenText(text[...]) else { throw desk.failure(exchange) }
            token = given
        }
        let principal = try await desk.principal(token, exchange)
        // Nobody was admitted for it, so it is counted here: each one is a row in the database.
        var fields = try desk.spend(.token(token.id))
        let secret = TokenText.secret()
        try await self.store.createBrowserSession(
            secretHash: TokenText.hash(secret.utf8),
            token: token.id
        )
        let lifetime = Int64(desk.configuration.sessions.absolute / .seconds(1))
        var document = TokensResource.json(principal)
        document["csrf_token"] = .string(Credential.csrf(secret))
        document["expires_in_seconds"] = .integer(lifetime)
        fields[.setCookie] = Self.cookie(secret, lifetime, context)
        return .json(.object(document), status: .created, fields: fields)
    }

    /// Ends the session of the cookie.
    @Sendable
    func end(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard case .cookie(let secret) = Credential(context.exchange) else {
            throw Problem(
                .conflict,
                "this request has no session, but a token",
                next: "DELETE /v1/tokens/ID revokes a token"
            )
        }
        let hash = TokenText.hash(secret.utf8)
        try await self.store.endBrowserSession(hash)
        self.desk?.forget(.session(hash))
        return .empty([.setCookie: Self.cookie("", 0, context)])
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
