// The door of a node's API: every question a request, every run followed over its stream.

import Compiler
import ControlRoom
import Foundation
import HTTPTypes
import NIOCore
import PulserIR
import Store

/// A room somewhere.
struct RemoteAccess: RoomAccess {
    let connection: RemoteConnection
    /// How long a lost connection is waited for.
    var patience: Duration = .seconds(300)

    func resolve(_ text: String) async throws -> RunID {
        try RunFacts(try await self.connection.get(["runs", text])).id
    }

    func runs(_ query: RunQuery) async throws -> [RunFacts] {
        var pairs = query.filters.map { (name: $0.key, value: $0.value.joined(separator: ",")) }
        if let before = query.before {
            pairs.append(("before", try await self.resolve(before).description))
        }
        return try await self.all(["runs"], "runs", pairs, limit: query.limit)
            .map { try RunFacts($0) }
    }

    func run(_ id: RunID) async throws -> RunFacts {
        try RunFacts(try await self.connection.get(["runs", id.description]))
    }

    func awaitEnd(_ id: RunID, within limit: Duration) async throws -> RunFacts {
        let deadline = ContinuousClock.now + limit
        while true {
            let left = max(.zero, min(deadline - .now, Self.waitMax))
            let query = [(name: "wait_ms", value: String(Int64(left / .milliseconds(1))))]
            let run = try RunFacts(
                try await self.connection.get(["runs", id.description], query)
            )
            if run.status.isTerminal || ContinuousClock.now >= deadline { return run }
            // A node that goes away answers at once.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// The longest wait of one request, shorter than an answer may take.
    private static let waitMax: Duration = .seconds(10)

    func evidence(_ id: RunID) async throws -> JSONValue {
        try await self.connection.get(
            ["runs", id.description],
            [("include", "steps,artifacts")]
        )
    }

    func plan(_ digest: Digest) async throws -> Plan {
        let document = try await self.connection.get(["plans", digest.description])
        do {
            return try (document["plan"] ?? document).decode(Plan.self)
        } catch {
            throw RoomError(.failed, "the server's plan \(digest) cannot be read by this version")
        }
    }

    func follow(
        _ id: RunID,
        isLive: Bool,
        _ observer: RunObserver,
        _ body: @escaping @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> RunFacts {
        await observer.run(try await self.run(id))
        let stream = RemoteStream(
            self.connection,
            path: ["runs", id.description, "events"],
            query: [("from", "start")],
            patience: self.patience
        )
        let seen = Once()
        _ = try await stream.follow(
            StreamListener(
                news: { news in
                    guard case .event(let line) = news else { return }
                    if seen.isFirst, let run = try? await self.run(id) { await observer.run(run) }
                    try await body(try Self.event(line))
                },
                notice: observer.notice
            )
        )
        return try await self.run(id)
    }

    /// An event as its lane's log has it; a stream puts the lane in front.
    private static func event(_ line: String) throws -> FollowedEvent {
        let json = try JSONValue(parsing: line)
        var stored = line
        if line.hasPrefix("{\"lane\":"), let comma = line.firstIndex(of: ",") {
            stored = "{" + line[line.index(after: comma)...]
        }
        var members = json.objectValue ?? [:]
        members.removeValue(forKey: "lane")
        return FollowedEvent(
            sequence: json["seq"]?.integerValue ?? 0,
            line: stored,
            json: .object(members)
        )
    }

    func start(_ order: RunOrder) async throws -> RunID {
        // The same key again after a broken connection makes no second run.
        let key = order.key ?? "cli-\(UUID().uuidString)"
        var body: [String: JSONValue] = [
            "files": .object(order.files.mapValues { .string($0) }), "main": .string(order.path),
            "inputs": order.inputs,
            "session": .string(order.session), "lane": .string(order.lane),
            "priority": .integer(Int64(order.priority)), "key": .string(order.forKey),
        ]
        if let due = order.dueAt {
            body["due_at"] = .string(Timestamp.text(milliseconds: due))
        } else {
            body["delay_ms"] = .integer(order.delayMilliseconds)
        }
        body["deadline_at"] = order.deadline?.endsAt.map {
            .string(Timestamp.text(milliseconds: $0))
        }
        body["ttl_ms"] = order.deadline?.startMilliseconds.map { .integer($0) }
        body["deadline_ms"] = order.deadline?.runMilliseconds.map { .integer($0) }
        body["unique"] = order.unique.map(UniqueOptions.json)
        let given = JSONValue.object(body)
        let document = try await Self.telling("opsroom sessions list", [.notFound, .conflict]) {
            try await self.connection.post(
                ["runs"],
                given,
                fields: [.idempotencyKey: key],
                isIdempotent: true
            )
        }
        return try RunFacts(document).id
    }

    /// The command that tells more, where the server's advice is for programs.
    static func telling<Value>(
        _ next: String,
        _ codes: Set<RoomError.Code>,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch var failure as Failure where codes.contains(failure.error.code) {
            failure.error.next = failure.error.next ?? next
            throw failure
        }
    }

    func cancel(_ id: RunID, reason: String) async throws {
        try await self.act(id, "cancel", ["reason": .string(reason)])
    }

    func pause(_ id: RunID, by person: String) async throws {
        try await self.act(id, "pause", ["by": .string(person)])
    }

    func snooze(_ id: RunID, for milliseconds: Int64) async throws {
        try await self.act(id, "snooze", ["for_ms": .integer(milliseconds)])
    }

    func setPriority(_ id: RunID, to priority: Int) async throws {
        try await self.move(id, QueueMove(priority: priority))
    }

    func move(_ id: RunID, _ wish: QueueMove) async throws {
        var body: [String: JSONValue] = [:]
        body["priority"] = wish.priority.map { .integer(Int64($0)) }
        body["lane"] = wish.lane.map { .string($0) }
        switch wish.place {
        case .first: body["place"] = "first"
        case .last: body["place"] = "last"
        case .before(let other): body["before"] = .string(other.description)
        case nil: break
        }
        let path = ["runs", id.description]
        let request = RemoteRequest(method: .patch, path: path, body: .object(body))
        _ = try await Self.telling("opsroom runs show \(id)", [.conflict, .notFound]) {
            try await self.connection.send(request)
        }
    }

    func resume(_ id: RunID) async throws { try await self.act(id, "resume", [:]) }

    func retry(
        _ id: RunID,
        from step: String?,
        inputs: [String: String]
    ) async throws -> [String] {
        var body: [String: JSONValue] = [:]
        body["from"] = step.map { .string($0) }
        if !inputs.isEmpty { body["inputs"] = try await self.absolute(inputs, of: id) }
        // Sent again after a broken connection it is still one retry.
        let answer = try await self.act(id, "retry", body, fields: .freshKey)
        return (answer["steps"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    func skip(_ id: RunID, step: String, note: String) async throws -> [String] {
        let body: [String: JSONValue] = ["note": .string(note)]
        let answer = try await self.act(id, "skip", of: step, body, fields: .freshKey)
        return (answer["steps"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    /// Inputs of format `path` are meant from here, as everywhere in the command line.
    private func absolute(_ inputs: [String: String], of id: RunID) async throws -> JSONValue {
        let plan = try await self.plan(of: self.run(id))
        var values: [String: JSONValue] = [:]
        for (name, text) in inputs {
            let isPath = plan.inputs[name]?.format == .path && !text.hasPrefix("upload:")
            let path = isPath ? URL(fileURLWithPath: text).standardized.path : text
            values[name] = .string(path)
        }
        return .object(values)
    }

    @discardableResult
    private func act(
        _ id: RunID,
        _ verb: String,
        of step: String? = nil,
        _ body: [String: JSONValue],
        fields: HTTPFields = [:]
    ) async throws -> JSONValue {
        let place = step.map { ["steps", $0] } ?? []
        return try await Self.telling("opsroom runs show \(id)", [.conflict, .notFound]) {
            try await self.connection.post(
                ["runs", id.description] + place + [verb],
                .object(body),
                fields: fields,
                isIdempotent: fields[.idempotencyKey] != nil
            )
        }
    }

    func artifact(_ id: RunID, _ name: String) async throws -> [UInt8] {
        var request = RemoteRequest(path: ["runs", id.description, "artifacts", name])
        request.answerBytesMax = Limits.artifactBytesMax
        request.fields[.accept] = "*/*"
        return Array(try await self.connection.send(request).bytes.readableBytesView)
    }

    func sessions(all: Bool) async throws -> [JSONValue] {
        let query = all ? [] : [(name: "status", value: "active")]
        // The API lists the newest first, people read the oldest first.
        var sessions: [JSONValue] = []
        for session in try await self.all(["sessions"], "sessions", query).reversed() {
            sessions.append(try await self.likeTheStore(session))
        }
        return sessions
    }

    func session(_ name: String) async throws -> JSONValue {
        try await self.likeTheStore(try await self.connection.get(["sessions", name]))
    }

    /// The members that a session has in every list of this program.
    private func likeTheStore(_ session: JSONValue) async throws -> JSONValue {
        var session = session
        if session["open_runs"] == nil, let name = session["name"]?.stringValue {
            session = try await self.connection.get(["sessions", name])
        }
        let names: Set<String> = [
            "name", "status", "intent", "lanes", "open_runs", "created_at", "paused",
        ]
        return .object((session.objectValue ?? [:]).filter { names.contains($0.key) })
    }

    /// The number of a session.
    func sessionNumber(_ name: String) async throws -> String {
        guard let id = try await self.connection.get(["sessions", name])["id"]?.integerValue else {
            throw RoomError(.failed, "the server's session cannot be read by this version")
        }
        return String(id)
    }

    func createSession(_ name: String, intent: String, lanes: [LaneOption]) async throws {
        try await self.connection.post(
            ["sessions"],
            .object([
                "name": .string(name), "intent": .string(intent),
                "lanes": .array(
                    lanes.map {
                        .object([
                            "name": .string($0.name), "width": .integer(Int64($0.width)),
                            "priority": .integer(Int64($0.priority)),
                        ])
                    }
                ),
            ]),
            fields: .freshKey,
            isIdempotent: true
        )
    }

    func archiveSession(_ name: String) async throws {
        try await self.connection.post(["sessions", name, "archive"])
    }

    func nodes() async throws -> [JSONValue] { try await self.all(["nodes"], "nodes") }

    /// The number of a lane that is named `session/lane`.
    func laneNumber(_ text: String) async throws -> String {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return text }
        let items = try await self.all(["sessions", parts[0], "lanes"], "lanes")
        guard let lane = items.first(where: { $0["name"]?.stringValue == parts[1] }),
            let number = lane["id"]?.integerValue.map(String.init) ?? lane["id"]?.stringValue
        else {
            throw RoomError(.notFound, "session '\(parts[0])' has no lane '\(parts[1])'")
        }
        return number
    }

    /// Every row of a list, page by page.
    ///
    /// - Parameters:
    ///   - path: The list.
    ///   - name: The member that holds its rows.
    ///   - query: What is wanted of it.
    ///   - limit: Rows at most.
    /// - Returns: The rows, in the list's order.
    /// - Throws: What the server or the way to it said.
    func all(
        _ path: [String],
        _ name: String,
        _ query: [(name: String, value: String)] = [],
        limit: Int = 10_000
    ) async throws -> [JSONValue] {
        var rows: [JSONValue] = []
        var cursor: String?
        repeat {
            var pairs = query
            pairs.append(("limit", String(min(limit - rows.count, Self.pageMax))))
            if let cursor { pairs.append(("cursor", cursor)) }
            let page = try await self.connection.get(path, pairs)
            guard let items = page[name]?.arrayValue else {
                throw RoomError(.failed, "the server's list cannot be read by this version")
            }
            rows += items
            cursor = page["next"]?.stringValue
        } while cursor != nil && rows.count < limit
        return Array(rows.prefix(limit))
    }

    /// Rows of one page.
    private static let pageMax = 200
}

extension HTTPField.Name {
    /// The key under which a request happens once.
    static var idempotencyKey: HTTPField.Name { HTTPField.Name("Idempotency-Key") ?? .range }
}

extension HTTPFields {
    /// A key of one request: sent again after a broken connection, it is not done again.
    static var freshKey: HTTPFields { [.idempotencyKey: "cli-\(UUID().uuidString)"] }
}

/// True the first time only.
final class Once: Sendable {
    private let state = Latest()

    var isFirst: Bool { self.state.exchange("seen") == nil }
}
