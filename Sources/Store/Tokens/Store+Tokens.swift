// API tokens: making, finding, revoking.

internal import Postgres

extension Store {
    /// Stores a token.
    ///
    /// - Returns: The row as it was stored.
    /// - Throws: `conflict` when the id is taken.
    public func createToken(_ token: NewToken) async throws(StoreError) -> TokenRow {
        let rows = try await self.execute(
            TokensSQL.create,
            [
                .text(token.id), .text(token.name.storable), .text(token.scope),
                .text(token.tenant),
                .bytes(token.secretHash),
                token.lifetime.map { .int8(Int64($0 / .milliseconds(1))) } ?? .null,
                .textArray(token.groups.map(\.storable)),
            ]
        )
        return try Self.token(try rows.first())
    }

    /// A token by its public half.
    ///
    /// - Parameters:
    ///   - id: The public half.
    ///   - tenant: Whose it must be; `nil` for anybody's.
    /// - Returns: The row.
    /// - Throws: `notFound`.
    public func token(
        _ id: String,
        tenant: String? = nil
    ) async throws(StoreError) -> TokenRow {
        let rows = try await self.execute(TokensSQL.one, [.text(id.storable), .text(tenant ?? "")])
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no such token") }
        return try Self.token(try rows.first())
    }

    /// Those of the tokens that let somebody in now.
    public func liveTokens(_ ids: [String]) async throws(StoreError) -> [LiveToken] {
        try await self.execute(TokensSQL.live, [.textArray(ids)]).decode { row throws(StoreError) in
            LiveToken(
                id: try row.text(0),
                name: try row.text(1),
                scope: try row.text(2),
                tenant: try row.text(3),
                secretHash: try row.bytes(4),
                timeLeft: try row.int64IfPresent(5).map { .milliseconds($0) },
                groups: try row.texts(6)
            )
        }
    }

    /// A page of tokens, newest first.
    ///
    /// - Parameters:
    ///   - tenant: Whose; `nil` for everybody's.
    ///   - last: The last token of the page before.
    ///   - limit: At most so many.
    ///   - includingEnded: Whether revoked and expired ones are listed too.
    /// - Returns: The tokens.
    /// - Throws: When the database cannot be asked.
    public func tokens(
        tenant: String?,
        after last: (createdMilliseconds: Int64, id: String)?,
        limit: Int,
        includingEnded: Bool
    ) async throws(StoreError) -> [TokenRow] {
        let rows = try await self.execute(
            TokensSQL.list,
            [
                .text(tenant ?? ""), last.map { .int8($0.createdMilliseconds) } ?? .null,
                .text((last?.id ?? "").storable), .int8(Int64(limit)), .bool(includingEnded),
            ]
        )
        return try rows.decode { row throws(StoreError) in try Self.token(row) }
    }

    /// Revokes a token; doing it twice changes nothing.
    ///
    /// - Parameters:
    ///   - id: The public half.
    ///   - tenant: Whose it must be; `nil` for anybody's.
    /// - Throws: `notFound`.
    public func revokeToken(_ id: String, tenant: String? = nil) async throws(StoreError) {
        let rows = try await self.execute(
            TokensSQL.revoke,
            [.text(id.storable), .text(tenant ?? "")]
        )
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no such token") }
    }

    /// Notes that tokens were used just now.
    public func touchTokens(_ ids: [String]) async throws(StoreError) {
        _ = try await self.execute(TokensSQL.touch, [.textArray(ids)])
    }

    /// Removes tokens that ended a while ago, at most a thousand.
    ///
    /// - Parameter time: Since their end.
    /// - Returns: How many.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func sweepTokens(endedFor time: Duration) async throws(StoreError) -> Int {
        try await self.execute(TokensSQL.sweep, [.int8(Int64(time / .milliseconds(1)))]).count
    }

    /// Whether there is a token that may make others.
    public func hasAdminToken() async throws(StoreError) -> Bool {
        try await self.execute(TokensSQL.hasAdmin).first().bool(0)
    }

    private static func token(_ row: StoreRow) throws(StoreError) -> TokenRow {
        TokenRow(
            id: try row.text(0),
            name: try row.text(1),
            scope: try row.text(2),
            tenant: try row.text(3),
            createdMilliseconds: try row.int64(4),
            expiresMilliseconds: try row.int64IfPresent(5),
            usedMilliseconds: try row.int64IfPresent(6),
            revokedMilliseconds: try row.int64IfPresent(7),
            groups: try row.texts(8)
        )
    }
}
