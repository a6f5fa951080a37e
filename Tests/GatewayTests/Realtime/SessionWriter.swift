// Decides how tests commit to a session's lanes through a node's writer, in a real database.

import PulserIR
import Store
import Synchronization
import TestKit

@testable import Gateway

/// A node's writer, and the logs of some lanes of one session, of which the gateway is told.
struct SessionWriter: Sendable {
    let lanes: [Int64]
    /// The session's number.
    let session: Int64
    private let writer: WriterActor
    private let store: Store
    private let logs: [LaneLog]
    private let fences: [RunFence]

    /// Runs `body` beside a writer.
    static func with(
        _ bed: GatewayBed,
        lanes count: Int,
        _ body: @Sendable (SessionWriter) async throws -> Void
    ) async throws {
        let node = try await bed.store.join(name: "n", address: "here", build: "test")
        let shards = try await bed.store.takeShards(1_024, for: node)
        let hub = bed.gateway.events
        let writer = WriterActor(store: bed.store, node: node) { hub.committed($0) }
        var lanes: [Int64] = []
        for number in 0..<count {
            lanes.append(try await bed.store.ensureLane(session: "default", lane: "l\(number)"))
        }
        var logs: [LaneLog] = []
        var fences: [RunFence] = []
        for row in try await bed.store.loadLanes(lanes) {
            guard let shard = shards.first(where: { $0.shard == row.shard }) else {
                throw NeverHappened(description: "the node has all shards")
            }
            logs.append(LaneLog(lane: row.id, shard: shard, nextSequence: row.nextSequence))
            fences.append(RunFence(run: RunID(1), lane: row.id, shard: shard, claimNumber: 0))
        }
        let session = try await bed.store.session("default").id
        let made = SessionWriter(
            lanes: logs.map(\.lane),
            session: session,
            writer: writer,
            store: bed.store,
            logs: logs,
            fences: fences
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            defer { group.cancelAll() }
            try await body(made)
        }
    }

    /// Commits so many events to each lane, all at once.
    func commit(_ counts: [Int], text: String = "text") async throws {
        let data = JSONValue.object(["line": .string(text), "stream": .string("stdout")])
        let event = RunEvent(
            .stepOutput,
            at: 0,
            run: RunID(1),
            step: "s",
            attempt: 1,
            data: data
        )
        for (log, count) in zip(self.logs, counts) {
            for _ in 0..<count { log.append(event) }
            self.writer.flush(log)
        }
        // Whatever the others have goes with the commit that the last one is waited for.
        try await self.writer.submit([], fence: self.fences[0], log: self.logs[0])
        for index in self.logs.indices.dropFirst() where counts[index] > 0 {
            try await self.writer.submit([], fence: self.fences[index], log: self.logs[index])
        }
    }

    /// What is stored of a lane's log: its events' lines, one behind the other.
    func stored(_ lane: Int64) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var next: Int64 = 1
        while true {
            let chunks = try await self.store.events(lane: lane, from: next)
            guard let last = chunks.last else { return bytes }
            for chunk in chunks { bytes += chunk.bytes }
            next = last.endSequence
        }
    }
}
