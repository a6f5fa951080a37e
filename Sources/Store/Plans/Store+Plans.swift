// Plans, stored once by digest.

internal import Postgres
public import PulserIR

/// A plan in the form the store keeps it.
public struct PlanRow: Sendable, Hashable {
    /// SHA-256 of `body`.
    public var digest: Digest
    /// The plan's name.
    public var name: String
    /// The canonical JSON.
    public var body: String

    /// Describes a plan to store.
    public init(digest: Digest, name: String, body: String) {
        self.digest = digest
        self.name = name
        self.body = body
    }
}

extension Store {
    static func insert(_ plans: [PlanRow]) -> PostgresRequest {
        PostgresRequest(
            PlansSQL.insert,
            [
                .byteaArray(plans.map(\.digest.bytes)),
                .textArray(plans.map(\.name)),
                .textArray(plans.map(\.body)),
            ]
        )
    }

    /// Reads a plan.
    ///
    /// - Throws: `notFound`, or `corrupt` when the stored text is no plan.
    public func plan(_ digest: Digest) async throws(StoreError) -> Plan {
        let rows = try await self.execute(PlansSQL.get, [.bytes(digest.bytes)])
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no plan \(digest)")
        }
        do {
            return try JSONValue(parsing: try rows.first().text(0)).decode(Plan.self)
        } catch {
            throw StoreError(.corrupt, "plan \(digest) cannot be read: \(error)")
        }
    }

    /// A plan's canonical JSON as it is stored.
    ///
    /// - Throws: `notFound`.
    public func planText(_ digest: Digest) async throws(StoreError) -> String {
        let rows = try await self.execute(PlansSQL.get, [.bytes(digest.bytes)])
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no plan \(digest)")
        }
        return try rows.first().text(0)
    }
}
