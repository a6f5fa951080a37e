// `/v1/runs`: lists, one run, its steps and its children.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct RunsResource: Sendable {
    let store: Store
    let desk: RunDesk
    let uploads: UploadFolder
    /// `nil` where nobody waits for a run.
    let ends: RunEnds?

    init(_ store: Store, uploads: UploadFolder, ends: RunEnds? = nil) {
        self.ends = ends
        self.store = store
        self.desk = RunDesk(store)
        self.uploads = uploads
    }

    /// The run of the path: its id, or the beginning of it that no other has.
    func run(_ context: GatewayContext) async throws -> RunRow {
        let id = try await self.store.resolveRun(try context.parameter("id"))
        return try await self.store.run(id)
    }

    /// The run of the path, for an action; with `if-match` only if it is as the caller saw it.
    func run(_ context: GatewayContext, as request: Request) async throws -> RunRow {
        let row = try await self.run(context)
        if let expected = try request.expectedEdits(), !expected.contains(Self.edit(row)) {
            throw Problem.edited
        }
        return row
    }

    /// The tag of a run's document, whatever it includes.
    static func tag(_ row: RunRow, _ json: JSONValue) -> EntityTag {
        EntityTag(edited: Self.edit(row), json)
    }

    /// What people change about a run, and what its own progress makes another matter.
    private static func edit(_ row: RunRow) -> String {
        "\(row.attempt)-\(row.status.rawValue)-p\(row.priority)-l\(row.lane)"
            + (row.pausedBy == nil ? "" : "-paused")
    }

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.list(request, parent: nil)
    }

    @Sendable
    func children(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.list(request, parent: try await self.run(context).id)
    }

    func list(
        _ request: Request,
        parent: RunID?,
        isDead: Bool = false
    ) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("runs", &query, request)
        let isCounted = try query.bool("count") ?? false
        let older = try query.text("before")
        var texts: [String: [String]] = [:]
        for name in RunFilterReader.names
        where (parent == nil && !isDead) || (name != "parent" && (!isDead || name != "status")) {
            // A text to search for may hold a comma.
            texts[name] =
                RunFilterReader.listed.contains(name)
                ? query.list(name) : try query.text(name).map { [$0] } ?? []
        }
        try query.finish()
        if isDead { texts["status"] = ["dead"] }
        let given = texts
        var filter = try await RunFilterReader(store: self.store).read { given[$0] ?? [] }
        if let parent { filter.parent = parent }
        var cursor = try window.number()
        if cursor == nil, let older { cursor = try await self.store.resolveRun(older).number }
        let page = try await self.store.runPage(
            filter,
            before: cursor,
            limit: window.limit
        )
        var more: [String: JSONValue] = [:]
        if isCounted { more["count"] = Self.json(try await self.store.runCount(filter)) }
        return window.answer(
            "runs",
            page.rows.map(RunDocument.json),
            next: page.next.map { [String($0)] },
            more
        )
    }

    static func json(_ count: BoundedCount) -> JSONValue {
        .object(["runs": .integer(count.count), "exact": .bool(count.isExact)])
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let parts = query.list("include")
        let wait = try query.integer("wait_ms", in: 0...RunEnds.waitMillisecondsMax) ?? 0
        try query.finish()
        for part in parts where part != "steps" && part != "artifacts" {
            throw Query.problem("include", "'include' takes steps and artifacts")
        }
        var row = try await self.run(context)
        if wait > 0, !row.status.isTerminal, let ends {
            try await ends.wait(for: row.id, upTo: .milliseconds(wait))
            row = try await self.store.run(row.id)
        }
        guard case .object(var members) = RunDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        let schedule = try await self.store.schedule(of: row.id)
        members["schedule"] = schedule.map(ScheduleDocument.json)
        members["worker"] = try await self.store.worker(of: row).map(WorkerDocument.json)
        members["deadline"] = DeadlineBody.json(try await self.store.deadlines(of: row.id))
        if parts.contains("steps") {
            members["steps"] = .array(try await self.store.journal(row.id).map(RunDocument.json))
        }
        if parts.contains("artifacts") {
            let artifacts = try await self.store.artifacts(row.id)
            members["artifacts"] = .array(artifacts.map(RunDocument.json))
        }
        let json = JSONValue.object(members)
        return .document(json, Self.tag(row, json), for: request)
    }

    @Sendable
    func steps(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("steps", parts: 3, &query, request)
        let step = try query.text("step")
        try query.finish()
        var place: JournalPlace?
        if window.cursor.count == 3 {
            guard let begun = Int64(window.cursor[0]), let attempt = Int64(window.cursor[2]) else {
                throw Query.problem("cursor", "the cursor is not one that this list gave")
            }
            place = JournalPlace(
                begunMicroseconds: begun,
                step: window.cursor[1],
                attempt: attempt
            )
        }
        let row = try await self.run(context)
        let page = try await self.store.journalPage(
            row.id,
            step: step,
            after: place,
            limit: window.limit
        )
        return window.answer(
            "steps",
            page.rows.map(RunDocument.json),
            next: page.next.map { [String($0.begunMicroseconds), $0.step, String($0.attempt)] }
        )
    }

    /// How many runs are open, and how many ended lately.
    @Sendable
    func counts(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let session = try query.text("session")
        let hours = try query.integer("hours", in: 1...744) ?? 24
        try query.finish()
        let id: Int64? =
            if let session { try await self.store.session(session).id } else { nil }
        let since = RunClock.milliseconds() - hours * 3_600_000
        let open = try await self.store.openCounts(session: id)
        let ended = try await self.store.endedCounts(session: id, since: since)
        var openMembers: [String: JSONValue] = [:]
        var endedMembers: [String: JSONValue] = [
            "since": .string(Timestamp.text(milliseconds: since))
        ]
        for status in RunStatus.allCases {
            if status.isTerminal {
                endedMembers[status.rawValue] = .integer(ended[status.rawValue] ?? 0)
            } else {
                openMembers[status.rawValue] = .integer(open[status.rawValue] ?? 0)
            }
        }
        let dead = try await self.store.deadCount(session: id.map(String.init))
        return .json(
            .object([
                "version": .integer(1), "open": .object(openMembers),
                "ended": .object(endedMembers), "dead": Self.json(dead),
            ])
        )
    }
}
