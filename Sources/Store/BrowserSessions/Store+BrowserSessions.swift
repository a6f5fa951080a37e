// Browsers' sessions: each stands for the token it was made with.

internal import Postgres

/// How long a browser's session lives.
public struct BrowserSessionLifetime: Sendable, Hashable {
    /// Unused. Default 12 h.
    public var idle: Duration = .seconds(12 * 3_600)
    /// At all. Default 7 d.
    public var absolute: Duration = .seconds(7 * 86_400)

    /// The defaults.
    public init() {}

    var values: [PostgresValue] {
        [
            .int8(Int64(self.idle / .milliseconds(1))),
            .int8(Int64(self.absolute / .milliseconds(1))),
        ]
    }
}

/// A session that lets somebody in now.
public struct LiveBrowserSession: Sendable, Hashable {
    /// SHA-256 of its secret.
    public var secretHash: [UInt8]
    /// The token it stands for; its hash is empty, its time that of the session.
    public var token: LiveToken
    /// How long it lives at the most, however often it is used.
    public var timeLeftMax: Duration
}

extension Store {
    /// Stores a session.
    public func createBrowserSession(
        secretHash: [UInt8],
        token: String
    ) async throws(StoreError) {
        _ = try await self.execute(
            BrowserSessionsSQL.create,
            [.bytes(secretHash), .text(token)]
        )
    }

    /// Those of the sessions that let somebody in now.
    public func liveBrowserSessions(
        _ hashes: [[UInt8]],
        _ lifetime: BrowserSessionLifetime
    ) async throws(StoreError) -> [LiveBrowserSession] {
        let rows = try await self.execute(
            BrowserSessionsSQL.live,
            [.byteaArray(hashes)] + lifetime.values
        )
        return try rows.decode { row throws(StoreError) in
            LiveBrowserSession(
                secretHash: try row.bytes(0),
                token: LiveToken(
                    id: try row.text(1),
                    name: try row.text(2),
                    scope: try row.text(3),
                    tenant: try row.text(4),
                    secretHash: [],
                    timeLeft: .milliseconds(try row.int64(5)),
                    groups: try row.texts(6)
                ),
                timeLeftMax: .milliseconds(try row.int64(7))
            )
        }
    }

    /// Notes that sessions were used just now.
    public func touchBrowserSessions(_ hashes: [[UInt8]]) async throws(StoreError) {
        _ = try await self.execute(BrowserSessionsSQL.touch, [.byteaArray(hashes)])
    }

    /// Ends a session; one that is over already stays so.
    public func endBrowserSession(_ hash: [UInt8]) async throws(StoreError) {
        _ = try await self.execute(BrowserSessionsSQL.end, [.bytes(hash)])
    }

    /// Removes sessions that are over, at most a thousand.
    ///
    /// - Returns: How many.
    public func sweepBrowserSessions(
        _ lifetime: BrowserSessionLifetime
    ) async throws(StoreError) -> Int {
        try await self.execute(BrowserSessionsSQL.sweep, lifetime.values).count
    }
}
