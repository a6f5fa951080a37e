// Keys that make a request happen once: found, kept for a day, swept.

internal import Postgres
public import PulserIR

/// What makes a request happen once.
public struct RequestKey: Sendable, Hashable {
    /// Whose key it is.
    public var tenant: String
    /// The key.
    public var key: String
    /// Of what the request asks for.
    public var digest: Digest

    /// Describes a key.
    public init(tenant: String, key: String, digest: Digest) {
        self.tenant = tenant
        self.key = key.storable
        self.digest = digest
    }

    /// Its values as statements take them; nulls for no key.
    static func values(_ key: RequestKey?) -> [PostgresValue] {
        [
            key.map { .text($0.tenant) } ?? .null, key.map { .text($0.key) } ?? .null,
            key.map { .bytes($0.digest.bytes) } ?? .null,
        ]
    }
}

/// What a request made, now or when it was sent before.
public struct MadeRow: Sendable, Hashable {
    /// The number of what was made.
    public var id: Int64
    /// What else its answer said.
    public var detail: String
    /// Whether an earlier request with the same key made it.
    public var isReplay: Bool
}

extension Store {
    /// How long a key is kept at least.
    public static let keyLifetime: Duration = .seconds(86_400)

    /// What an earlier request with this key made.
    ///
    /// - Returns: `nil` when the key is new.
    /// - Throws: `conflict` when the key was used for another request.
    public func made(_ key: RequestKey) async throws(StoreError) -> MadeRow? {
        let rows = try await self.execute(
            RequestKeysSQL.get,
            [.text(key.tenant), .text(key.key)]
        )
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        guard try row.bytes(1) == key.digest.bytes else {
            throw StoreError(.conflict, "the key was used for another request")
        }
        return MadeRow(id: try row.int64(0), detail: try row.text(2), isReplay: true)
    }

    /// Makes something once.
    ///
    /// - Parameters:
    ///   - key: Under which it happens once.
    ///   - body: Makes it and keeps the key, in one transaction; `nil` when it is there already.
    /// - Returns: What was made; `nil` when it was there already, and not by a request with this key.
    /// - Throws: `conflict` when the key was used for another request; what `body` threw.
    func making(
        _ key: RequestKey?,
        _ body: () async throws(StoreError) -> Int64?
    ) async throws(StoreError) -> MadeRow? {
        if let key, let made = try await self.made(key) { return made }
        do throws(StoreError) {
            if let id = try await body() { return MadeRow(id: id, detail: "", isReplay: false) }
        } catch {
            // The same request at the same time: the key is what was there already.
            guard error.code == .conflict, let key, let made = try await self.made(key) else {
                throw error
            }
            return made
        }
        guard let key else { return nil }
        return try await self.made(key)
    }

    /// Keys that are forgotten at once, at most.
    public static let requestKeysSweptMax = 10_000

    /// Forgets keys that are older than ``keyLifetime``, at most ``requestKeysSweptMax``.
    ///
    /// - Returns: How many.
    @discardableResult
    public func sweepRequestKeys() async throws(StoreError) -> Int {
        let age = Int64(Self.keyLifetime / .milliseconds(1))
        let most = Int64(Self.requestKeysSweptMax)
        return try await self.execute(RequestKeysSQL.sweep, [.int8(age), .int8(most)]).count
    }
}
