// The door of a data directory: the store, as ever.

import Compiler
import ControlRoom
import Gateway
import PulserIR
import Store

/// A room on this machine.
struct LocalAccess: RoomAccess {
    let client: RoomClient

    func resolve(_ text: String) async throws -> RunID {
        try await self.client.store.resolveRun(text)
    }

    func runs(_ query: RunQuery) async throws -> [RunFacts] {
        let store = self.client.store
        var rows: [RunRow] = []
        do {
            let choice = try await RunFilterReader(store: store).read { query.filters[$0] ?? [] }
            var cursor: Int64?
            if let before = query.before { cursor = try await self.resolve(before).number }
            repeat {
                let limit = min(query.limit - rows.count, Self.pageMax)
                let page = try await store.runPage(choice, before: cursor, limit: limit)
                rows += page.rows
                cursor = page.next
            } while cursor != nil && rows.count < query.limit
        } catch let problem as Problem {
            throw RemoteProblem.failure(problem.status, problem.json(trace: ""))
        }
        return try rows.map { try RunFacts($0) }
    }

    /// Rows of one page.
    private static let pageMax = 200

    func run(_ id: RunID) async throws -> RunFacts {
        try RunFacts(try await self.client.store.run(id))
    }

    func evidence(_ id: RunID) async throws -> JSONValue {
        try await RunDocument.full(try await self.client.store.run(id), self.client.store)
    }

    func plan(_ digest: Digest) async throws -> Plan {
        try await self.client.store.plan(digest)
    }

    func follow(
        _ id: RunID,
        isLive: Bool,
        _ observer: RunObserver,
        _ body: @escaping @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> RunFacts {
        try RunFacts(
            try await self.client.follow(
                id,
                isLive: isLive,
                onChange: { row in
                    if let run = try? RunFacts(row) { await observer.run(run) }
                },
                body
            )
        )
    }

    func start(_ order: RunOrder) async throws -> RunID {
        try await self.client.start(
            order.compiled,
            inputs: order.inputs,
            session: order.session,
            lane: order.lane,
            priority: order.priority,
            delayMilliseconds: order.delayMilliseconds,
            dueAt: order.dueAt,
            unique: order.unique,
            deadline: order.deadline,
            startedBy: Person.local.name,
            idempotencyKey: order.key,
            key: order.forKey
        )
    }

    func pause(_ id: RunID, by person: String) async throws {
        try await Self.telling(id) {
            _ = try await self.client.store.requestPause(id, by: person)
        }
    }

    func snooze(_ id: RunID, for milliseconds: Int64) async throws {
        try await Self.telling(id) { _ = try await self.client.store.snooze(id, for: milliseconds) }
    }

    func setPriority(_ id: RunID, to priority: Int) async throws {
        try await Self.telling(id) { try await self.client.store.setPriority(id, to: priority) }
    }

    func move(_ id: RunID, _ wish: QueueMove) async throws {
        try await Self.telling(id) { _ = try await self.client.store.move(id, wish) }
    }

    func resume(_ id: RunID) async throws {
        try await Self.telling(id) { _ = try await self.client.store.requestResume(id) }
    }

    func nodes() async throws -> [JSONValue] {
        let page = try await self.client.store.nodePage(
            after: nil,
            includingDead: false,
            limit: 1_000
        )
        return page.rows.map(NodeDocument.json)
    }

    func cancel(_ id: RunID, reason: String) async throws {
        try await Self.telling(id) {
            _ = try await self.client.store.requestCancel(id, reason: reason)
        }
    }

    func retry(
        _ id: RunID,
        from step: String?,
        inputs: [String: String]
    ) async throws -> [String] {
        do {
            return try await Self.telling(id) {
                let row = try await self.client.store.run(id)
                let person = Person.local.name
                return try await self.client.retry(row, from: step, inputs: inputs, by: person)
            }
        } catch let error as InputError {
            throw Failure(error, next: "opsroom runs show \(id) -o json")
        }
    }

    func skip(_ id: RunID, step: String, note: String) async throws -> [String] {
        try await Self.telling(id) {
            try await self.client.skip(id, step: step, note: note, by: Person.local.name)
        }
    }

    /// Somebody else was faster: what the run is now says the rest.
    private static func telling<Value>(
        _ id: RunID,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as StoreError where error.code == .conflict {
            var failure = RoomError(error)
            failure.next = "opsroom runs show \(id)"
            throw failure
        }
    }

    func artifact(_ id: RunID, _ name: String) async throws -> [UInt8] {
        let artifacts = try await self.client.store.artifacts(id)
        guard let artifact = artifacts.last(where: { $0.name == name }) else {
            throw Self.noArtifact(id, name, known: artifacts.map(\.name))
        }
        let bytes = try await self.client.artifact(id, artifact)
        guard Digest(of: bytes) == artifact.digest else {
            throw RoomError(.failed, "artifact '\(name)' does not have its digest any more")
        }
        return bytes
    }

    static func noArtifact(_ id: RunID, _ name: String, known: [String]) -> RoomError {
        RoomError(
            .notFound,
            "run \(id) has no artifact '\(name)'; it has: "
                + (known.isEmpty ? "none" : known.joined(separator: ", ")),
            next: "opsroom runs show \(id)"
        )
    }

    func sessions(all: Bool) async throws -> [JSONValue] {
        try await self.client.store.sessions(includingEnded: all).map(SessionDocument.json)
    }

    func createSession(_ name: String, intent: String, lanes: [LaneOption]) async throws {
        try await self.client.store.createSession(
            name: name,
            intent: intent,
            lanes: lanes.map {
                NewLane(name: $0.name, width: $0.width, priority: $0.priority)
            }
        )
    }

    func session(_ name: String) async throws -> JSONValue {
        let sessions = try await self.sessions(all: true)
        guard let session = sessions.last(where: { $0["name"]?.stringValue == name }) else {
            throw RoomError(.notFound, "there is no session '\(name)'")
        }
        return session
    }

    func lanes(_ session: String) async throws -> [JSONValue] {
        let store = self.client.store
        let session = try await store.session(session).id
        var lanes: [LaneRow] = []
        var cursor: Int64?
        repeat {
            let page = try await store.lanePage(
                session: session,
                after: cursor,
                includingChildren: false,
                limit: 200
            )
            lanes += page.rows
            cursor = page.next
        } while cursor != nil
        let counts = try await store.laneCounts(lanes.map(\.id))
        return lanes.map { SessionDocument.json($0, counts: counts[$0.id] ?? [:]) }
    }

    func archiveSession(_ name: String) async throws {
        try await self.client.store.archiveSession(name: name)
    }
}

extension RunFacts {
    init(_ row: RunRow) throws(RoomError) { try self.init(RunDocument.json(row)) }
}

/// A node as JSON: the shape that `-o json` promises.
enum NodeDocument {
    static func json(_ row: NodeDetail) -> JSONValue {
        .object([
            "number": .integer(row.node.epoch.number), "name": .string(row.node.name),
            "address": .string(row.node.address), "status": .string(row.node.status),
            "lease_ms": .integer(row.node.leaseMilliseconds),
            "shards": .integer(row.node.shards), "runs": .integer(row.runs),
            "build": .string(row.node.build),
            "started_at": .string(Timestamp.text(milliseconds: row.startedMilliseconds)),
        ])
    }
}
