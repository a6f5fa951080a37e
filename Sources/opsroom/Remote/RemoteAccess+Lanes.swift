// Lanes over a node's API.

import HTTPTypes
import PulserIR

extension RemoteAccess {
    func lanes(_ session: String) async throws -> [JSONValue] {
        try await self.all(["sessions", session, "lanes"], "lanes")
    }

    func setLane(
        _ lane: String,
        of session: String,
        width: Int?,
        priority: Int?
    ) async throws -> JSONValue {
        var body: [String: JSONValue] = [:]
        body["width"] = width.map { .integer(Int64($0)) }
        body["priority"] = priority.map { .integer(Int64($0)) }
        let request = RemoteRequest(
            method: .patch,
            path: ["sessions", session, "lanes", lane],
            body: .object(body)
        )
        return try await self.connection.send(request).json()
    }
}
