// API tokens over the API: made, listed, revoked; and who one is.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

/// `/v1/tokens` and `/v1/me`.
struct TokensResource: Sendable {
    let store: Store
    let desk: AccessDesk?

    /// The longest name.
    static let nameBytesMax = 100
    /// Groups of one token.
    static let groupsMax = 50
    /// The longest life: ten years.
    static let lifetimeSecondsMax: Int64 = 315_360_000

    /// Makes a token; its secret is in this answer and nowhere else.
    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var body = try JSONBody(try await request.json())
        let name = body.text("name")
        let scopeName = body.text("scope") ?? Principal.Scope.run.rawValue
        let tenant = body.text("tenant") ?? context.principal.tenant
        let seconds = body.integer("expires_in_seconds")
        let groups = Self.groups(&body)
        if name.map({ $0.isEmpty || $0.utf8.count > Self.nameBytesMax }) ?? true {
            body.note("name", "'name' must be a text of 1 to \(Self.nameBytesMax) bytes")
        }
        let scope = Principal.Scope(rawValue: scopeName)
        if scope == nil {
            let known = Principal.Scope.allCases.map(\.rawValue).joined(separator: ", ")
            body.note("scope", "'scope' must be one of \(known)")
        }
        if !Self.isTenant(tenant) {
            body.note("tenant", "'tenant' takes 1 to 64 letters, digits, '-' and '_'")
        }
        if let seconds, !(1...Self.lifetimeSecondsMax).contains(seconds) {
            body.note(
                "expires_in_seconds",
                "'expires_in_seconds' must be an integer from 1 to \(Self.lifetimeSecondsMax)"
            )
        }
        try body.finish()
        guard tenant == context.principal.tenant || Self.isAboveTenants(context.principal) else {
            throw Problem(
                .forbidden,
                "a token of tenant '\(context.principal.tenant)' makes no tokens of other tenants"
            )
        }
        // Else the groups of one tenant were anybody's who may make tokens of another.
        guard
            Self.isAboveTenants(context.principal)
                || Set(groups).isSubset(of: context.principal.groups)
        else {
            throw Problem(
                .forbidden,
                "a token of tenant '\(context.principal.tenant)' gives others its own groups only"
            )
        }
        let (text, stored) = TokenText.mint(
            name: name ?? "",
            scope: scope ?? .read,
            tenant: tenant,
            groups: groups,
            lifetime: seconds.map { .seconds($0) }
        )
        let row = try await self.store.createToken(stored)
        var document = Self.json(row)
        document["token"] = .string(text)
        return .json(
            .object(document),
            status: .created,
            fields: [.location: "/v1/tokens/\(row.id)"]
        )
    }

    /// Lists tokens, newest first.
    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("tokens", parts: 2, &query, request)
        let includingEnded = try query.bool("all") ?? false
        try query.finish()
        let rows = try await self.store.tokens(
            tenant: Self.tenant(context),
            after: try Self.place(window),
            limit: window.limit + 1,
            includingEnded: includingEnded
        )
        let last = rows.count > window.limit ? rows.dropLast().last : nil
        return window.answer(
            "tokens",
            rows.prefix(window.limit).map { .object(Self.json($0)) },
            next: last.map { [String($0.createdMilliseconds), $0.id] }
        )
    }

    /// One token.
    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.parameter("id")
        let row = try await self.store.token(id, tenant: Self.tenant(context))
        return .json(.object(Self.json(row)))
    }

    /// Revokes a token.
    @Sendable
    func revoke(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.parameter("id")
        try await self.store.revokeToken(id, tenant: Self.tenant(context))
        self.desk?.forget(.token(id))
        return .empty()
    }

    /// Says who asks.
    @Sendable
    func me(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var document = Self.json(context.principal)
        if case .cookie(let secret) = Credential(context.exchange) {
            document["csrf_token"] = .string(Credential.csrf(secret))
        }
        return .json(.object(document))
    }

    static func json(_ principal: Principal) -> [String: JSONValue] {
        [
            "token": principal.token.map { .string($0) } ?? .null,
            "name": .string(principal.name),
            "scope": principal.scope.map { .string($0.rawValue) } ?? .null,
            "tenant": .string(principal.tenant),
            "groups": .array(principal.groups.map { .string($0) }),
        ]
    }

    private static func json(_ row: TokenRow) -> [String: JSONValue] {
        [
            "id": .string(row.id),
            "name": .string(row.name),
            "scope": .string(row.scope),
            "tenant": .string(row.tenant),
            "groups": .array(row.groups.map { .string($0) }),
            "created_at": .moment(row.createdMilliseconds),
            "expires_at": .moment(row.expiresMilliseconds),
            "last_used_at": .moment(row.usedMilliseconds),
            "revoked_at": .moment(row.revokedMilliseconds),
        ]
    }

    /// The groups of a token to be made, each once.
    private static func groups(_ body: inout JSONBody) -> [String] {
        let items = body.array("groups") ?? []
        let groups = items.compactMap(\.stringValue)
        let isSound =
            groups.count == items.count && groups.count <= Self.groupsMax
            && groups.allSatisfy { (1...Self.nameBytesMax).contains($0.utf8.count) }
        if !isSound {
            body.note(
                "groups",
                "'groups' takes up to \(Self.groupsMax) texts of 1 to \(Self.nameBytesMax) bytes"
            )
        }
        return Set(groups).sorted()
    }

    /// Whose tokens the caller sees; those of the default tenant see all.
    private static func tenant(_ context: GatewayContext) -> String? {
        Self.isAboveTenants(context.principal) ? nil : context.principal.tenant
    }

    private static func isAboveTenants(_ principal: Principal) -> Bool {
        principal.tenant == Principal.defaultTenant
    }

    private static func isTenant(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }

    private static func place(
        _ window: ListWindow
    ) throws(Problem) -> (createdMilliseconds: Int64, id: String)? {
        guard let created = try window.number(), let id = window.cursor.last else { return nil }
        return (created, id)
    }
}
