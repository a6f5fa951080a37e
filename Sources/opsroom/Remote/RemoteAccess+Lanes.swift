// Lanes over a node's API.

import ControlRoom
import HTTPTypes
import PulserIR

extension RemoteAccess {
    func lanes(_ session: String) async throws -> [JSONValue] {
        try await self.all(["sessions", session, "lanes"], "lanes")
    }

    func setLane(
        _ lane: String,
        of session: String,
        _ settings: [String: JSONValue]
    ) async throws -> JSONValue {
        let request = RemoteRequest(
            method: .patch,
            path: ["sessions", session, "lanes", lane],
            body: .object(settings)
        )
        return try await self.connection.send(request).json()
    }

    func limits() async throws -> [JSONValue] { try await self.all(["limits"], "limits") }

    func setLimit(_ name: String, _ rate: Rate) async throws -> JSONValue {
        let request = RemoteRequest(
            method: .put,
            path: ["limits", name],
            body: .object(["rate": .string(rate.description)])
        )
        return try await self.connection.send(request).json()
    }

    func deleteLimit(_ name: String) async throws {
        let request = RemoteRequest(method: .delete, path: ["limits", name])
        _ = try await Self.telling("opsroom limits list", [.conflict, .notFound]) {
            try await self.connection.send(request)
        }
    }
}
