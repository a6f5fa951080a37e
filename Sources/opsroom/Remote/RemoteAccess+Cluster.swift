// Operating a cluster over a node's API.

import ControlRoom
import HTTPTypes
import PulserIR
import Store

extension RemoteAccess {
    func cluster() async throws -> JSONValue { try await self.connection.get(["cluster"]) }

    func shards(of node: String?, in state: ShardState?) async throws -> [JSONValue] {
        var query: [(name: String, value: String)] = []
        if let node { query.append(("node", node)) }
        if let state { query.append(("state", state.rawValue)) }
        let answer = try await Self.naming { try await self.connection.get(["shards"], query) }
        return answer["shards"]?.arrayValue ?? []
    }

    func move(_ shards: [Int32], to node: String, isDry: Bool) async throws -> JSONValue {
        // Sent again after a broken connection it changes nothing more.
        try await Self.naming {
            try await self.connection.post(
                ["shards", "move"],
                .object([
                    "shards": .array(shards.map { .integer(Int64($0)) }), "to": .string(node),
                    "dry_run": .bool(isDry),
                ]),
                isIdempotent: true
            )
        }
    }

    func rebalance(isDry: Bool) async throws -> JSONValue {
        try await self.connection.post(
            ["shards", "rebalance"],
            .object(["dry_run": .bool(isDry)]),
            isIdempotent: isDry
        )
    }

    func retention() async throws -> JSONValue { try await self.connection.get(["retention"]) }

    func setRetention(
        runs: Retention?,
        events: Retention?,
        isDry: Bool
    ) async throws -> JSONValue {
        var body: [String: JSONValue] = ["dry_run": .bool(isDry)]
        body["runs"] = runs.map { .string($0.description) }
        body["events"] = events.map { .string($0.description) }
        return try await self.connection.send(
            RemoteRequest(method: .patch, path: ["retention"], body: .object(body))
        ).json()
    }

    func why(_ id: RunID) async throws -> JSONValue {
        try await self.connection.get(["runs", id.description, "why"])
    }

    func node(_ name: String) async throws -> JSONValue {
        try await Self.naming { try await self.connection.get(["nodes", name]) }
    }

    func change(_ name: String, _ verb: NodeVerb) async throws -> JSONValue {
        // Sent again after a broken connection it changes nothing more.
        try await Self.naming {
            try await self.connection.post(
                ["nodes", name, verb.rawValue],
                isIdempotent: verb != .evict
            )
        }
    }

    /// The command that lists nodes, where the server's advice is for programs.
    private static func naming(
        _ body: () async throws -> JSONValue
    ) async throws -> JSONValue {
        do {
            return try await body()
        } catch var failure as Failure where [.notFound, .conflict].contains(failure.error.code) {
            failure.error.next = failure.error.next ?? "opsroom nodes list"
            throw failure
        }
    }
}
