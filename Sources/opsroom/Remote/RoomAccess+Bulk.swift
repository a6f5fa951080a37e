// Actions on many runs, behind both doors.

import ControlRoom
import Gateway
import PulserIR
import Store

extension LocalAccess {
    /// Rows of one page.
    private static let bulkPageMax = 200

    func bulkActions(limit: Int) async throws -> [JSONValue] {
        var rows: [BulkRow] = []
        var cursor: Int64?
        repeat {
            let page = try await self.client.store.bulkPage(
                before: cursor,
                limit: min(limit - rows.count, Self.bulkPageMax)
            )
            rows += page.rows
            cursor = page.next
        } while cursor != nil && rows.count < limit
        return rows.map { BulkDocument.json($0) }
    }

    func bulkAction(_ number: Int64) async throws -> JSONValue {
        BulkDocument.json(try await self.client.store.bulk(number))
    }

    func bulkRuns(
        _ number: Int64,
        _ state: BulkItem.State,
        limit: Int
    ) async throws -> [JSONValue] {
        var rows: [BulkItem] = []
        var cursor: Int64?
        repeat {
            let page = try await self.client.store.bulkItems(
                number,
                state: state,
                after: cursor,
                limit: min(limit - rows.count, Self.bulkPageMax)
            )
            rows += page.rows
            cursor = page.next
        } while cursor != nil && rows.count < limit
        return rows.map { BulkDocument.json($0) }
    }

    func stopBulk(_ number: Int64) async throws -> JSONValue {
        do throws(StoreError) {
            try await self.client.store.cancelBulk(number, revision: nil)
            return BulkDocument.json(try await self.client.store.bulk(number))
        } catch {
            throw RoomError(error)
        }
    }
}

extension RemoteAccess {
    func bulkActions(limit: Int) async throws -> [JSONValue] {
        try await self.all(["bulk"], "bulk", limit: limit)
    }

    func bulkAction(_ number: Int64) async throws -> JSONValue {
        try await self.connection.get(["bulk", String(number)])
    }

    func bulkRuns(
        _ number: Int64,
        _ state: BulkItem.State,
        limit: Int
    ) async throws -> [JSONValue] {
        let query = [(name: "state", value: state.rawValue)]
        return try await self.all(["bulk", String(number), "runs"], "runs", query, limit: limit)
    }

    func stopBulk(_ number: Int64) async throws -> JSONValue {
        try await self.connection.post(["bulk", String(number), "cancel"])
    }
}
