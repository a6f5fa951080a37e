// Decides what the tests of resources share: plans, a node that writes, random logs.

import Gateway
import HTTPTypes
import NIOCore
import PulserIR
import Store
import Testing

/// A plan that takes an input and does nothing.
let sleepPlan = """
    apiVersion: pulser/v1
    kind: Plan
    metadata: {name: nap}
    inputs:
      count: {type: integer, default: 1}
    steps:
      - id: nap
        if: inputs.count > 0
        system: {sleep: 1ms}
    """

extension GatewayBed {
    /// Creates a run and gives its id.
    func run(_ members: [String: JSONValue] = [:]) async throws -> String {
        var body: [String: JSONValue] = ["plan": .string(sleepPlan)]
        body.merge(members) { $1 }
        let answer = try await self.post("/v1/runs", .object(body))
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(try answer.json["id"]?.stringValue)
    }

    /// Patches JSON.
    func patch(
        _ path: String,
        _ json: JSONValue,
        _ fields: HTTPFields = [:]
    ) async throws -> Answer {
        try await self.change(.patch, path, json, fields)
    }

    /// Sends JSON.
    func change(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ json: JSONValue,
        _ fields: HTTPFields = [:]
    ) async throws -> Answer {
        var fields = fields
        fields[.contentType] = "application/json"
        return try await self.send(
            method,
            path,
            fields,
            body: ByteBuffer(bytes: json.canonicalBytes)
        )
    }

    /// Posts bytes.
    func upload(_ bytes: [UInt8], _ fields: HTTPFields = [:]) async throws -> Answer {
        try await self.send(.post, "/v1/uploads", fields, body: ByteBuffer(bytes: bytes))
    }
}

/// A node that claims runs and writes about them.
struct TestNode: Sendable {
    let store: Store
    let writer: WriterActor
    let shards: [Int32: OwnedShard]

    static func with(
        _ store: Store,
        _ body: @Sendable (TestNode) async throws -> Void
    ) async throws {
        let epoch = try await store.join(name: "n", address: "here", build: "test")
        let taken = try await store.takeShards(1_024, for: epoch)
        let writer = WriterActor(store: store, node: epoch)
        let node = TestNode(
            store: store,
            writer: writer,
            shards: Dictionary(uniqueKeysWithValues: taken.map { ($0.shard, $0) })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            defer { group.cancelAll() }
            try await body(node)
        }
    }

    /// Claims the next runs of a lane, with the lane's log.
    func claim(_ lane: Int64, room: Int) async throws -> (runs: [ClaimedRun], log: LaneLog) {
        let row = try #require(try await self.store.loadLanes([lane]).first)
        let shard = try #require(self.shards[row.shard])
        let runs = try await self.writer.claim([ClaimWant(lane: lane, shard: shard, room: room)])
        return (runs, LaneLog(lane: lane, shard: shard, nextSequence: row.nextSequence))
    }

    /// Ends a run.
    func end(_ run: ClaimedRun, _ log: LaneLog, _ status: RunStatus, first: Int64) async throws {
        let transition = RunTransition(
            status: status,
            retryCount: 0,
            failure: status == .succeeded ? nil : "it broke",
            firstSequence: first,
            lastSequence: max(first, log.nextSequence - 1)
        )
        try await self.writer.submit([.transition(transition)], fence: run.fence, log: log)
    }
}
