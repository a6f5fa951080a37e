// Signals and approvals over the network.

import ControlRoom
import Foundation
import HTTPTypes
import PulserIR

extension RemoteAccess {
    func signal(_ id: RunID, _ order: SignalOrder) async throws -> JSONValue {
        // Sent again after a broken connection it is still one signal.
        let key = order.key ?? "cli-\(UUID().uuidString)"
        return try await Self.telling("opsroom runs show \(id)", [.conflict]) {
            let answer = try await self.connection.post(
                ["runs", id.description, "signals"],
                .object(["name": .string(order.name), "payload": order.payload]),
                fields: [.idempotencyKey: key],
                isIdempotent: true
            )
            return .object((answer.objectValue ?? [:]).filter { $0.key != "version" })
        }
    }

    func signals(_ id: RunID) async throws -> [JSONValue] {
        try await self.all(["runs", id.description, "signals"], "signals")
    }

    func approvals(all: Bool, run: RunID?) async throws -> [JSONValue] {
        var query: [(name: String, value: String)] = []
        if all { query.append(("all", "true")) }
        if let run { query.append(("run", run.description)) }
        return try await self.all(["approvals"], "approvals", query)
    }

    func decide(_ id: RunID, _ order: DecisionOrder) async throws -> JSONValue {
        var body: [String: JSONValue] = [:]
        if !order.form.isEmpty { body["form"] = .object(order.form) }
        if !order.comment.isEmpty { body["comment"] = .string(order.comment) }
        let verb = order.isApproval ? "approve" : "reject"
        let members = body
        return try await Self.telling("opsroom approvals list --all", [.conflict, .notFound]) {
            try await self.connection.post(
                ["runs", id.description, "steps", order.step, verb],
                .object(members),
                // Of a person one decision counts, however often it is sent.
                isIdempotent: true
            )
        }
    }
}
