// Where schedules are asked for: the API and the command line both come here.

public import PulserIR
import StateMachines
public import Store

/// Makes, changes and shows schedules; requests and answers are the API's documents.
///
/// What it refuses it refuses with a ``Problem``.
public struct ScheduleDesk: Sendable {
    /// Ticks of one backfill.
    public static let backfillMax = 1_000
    /// Ticks of one preview.
    public static let previewMax = 100

    /// Where they are.
    public let store: Store
    let zones: TimeZoneLibrary

    /// Opens the desk.
    ///
    /// - Parameters:
    ///   - store: Where schedules are.
    ///   - zones: Time zones of this machine.
    public init(_ store: Store, zones: TimeZoneLibrary) {
        self.store = store
        self.zones = zones
    }

    /// A schedule's document.
    public func document(_ row: ScheduleRow) -> JSONValue {
        ScheduleDocument.json(row, next: self.next(row))
    }

    /// A schedule by its name or number.
    ///
    /// - Throws: `notFound`.
    public func get(_ name: String) async throws -> JSONValue {
        self.document(try await self.store.schedule(name))
    }

    /// When the next run begins; `nil` for a schedule that is paused, over, or cannot be read here.
    private func next(_ row: ScheduleRow) -> Int64? {
        guard row.pausedBy == nil, let machine = try? self.machine(row) else { return nil }
        return machine.nextMilliseconds(after: row.cursor)
    }

    /// What decides about a schedule.
    func machine(_ row: ScheduleRow) throws(Problem) -> ScheduleMachine {
        do {
            return try ScheduleMachine(row.said.settings, id: row.id, zones: self.zones)
        } catch {
            throw Problem(
                .conflict,
                "schedule '\(row.said.name)': \(error.message)",
                next: error.hint
            )
        }
    }

    /// Makes a schedule.
    ///
    /// - Parameters:
    ///   - json: What it shall be.
    ///   - person: Who asks.
    ///   - key: Under which it happens once.
    /// - Returns: The schedule, and whether an earlier request with the key made it.
    /// - Throws: ``Problem``, `CompileError` or `InputError` for what does not fit, or what the store
    ///   threw.
    public func create(
        _ json: JSONValue,
        by person: String,
        key: RequestKey? = nil
    ) async throws -> (row: ScheduleRow, made: MadeRow) {
        var body = try JSONBody(json)
        let wish = ScheduleWish(&body, over: nil)
        let isPaused = body.bool("paused") ?? false
        let reason = RunsResource.reason(&body)
        try body.finish()
        if let made = try await self.store.replayed(key) {
            return (try await self.store.schedule(String(made.id)), made)
        }
        let new = try await self.new(wish, over: nil, by: person)
        let made: MadeRow
        do throws(StoreError) {
            made = try await self.store.createSchedule(
                new,
                pausedBy: isPaused ? person : nil,
                reason: reason,
                key: key
            )
        } catch {
            // A key that was used at the same time is told as such.
            if error.code == .conflict { _ = try await self.store.replayed(key) }
            throw error
        }
        return (try await self.store.schedule(String(made.id)), made)
    }

    /// Changes what is given about a schedule.
    ///
    /// - Parameters:
    ///   - row: The schedule as its editor saw it.
    ///   - json: What shall be different.
    ///   - person: Who asks.
    /// - Returns: The schedule as it is then.
    /// - Throws: `stale` when somebody changed it meanwhile; else as ``create(_:by:key:)``.
    public func edit(
        _ row: ScheduleRow,
        _ json: JSONValue,
        by person: String
    ) async throws -> ScheduleRow {
        var body = try JSONBody(json)
        let wish = ScheduleWish(&body, over: row)
        try body.finish()
        let new = try await self.new(wish, over: row, by: person)
        do throws(StoreError) {
            try await self.store.updateSchedule(row.id, new, revision: row.revision)
        } catch {
            guard error.code == .conflict else { throw error }
            throw Problem(
                .conflict,
                "there is a schedule '\(new.name)' already",
                next: "GET /v1/schedules/\(new.name)"
            )
        }
        return try await self.store.schedule(String(row.id))
    }

    /// What is stored for a wish: its zone, plan, inputs and lane are there and fit.
    private func new(
        _ wish: ScheduleWish,
        over row: ScheduleRow?,
        by person: String
    ) async throws -> NewSchedule {
        do throws(ScheduleError) {
            _ = try ScheduleMachine(wish.settings, id: row?.id ?? 0, zones: self.zones)
        } catch {
            throw Problem(.invalidBody, error.message, next: error.hint)
        }
        var (template, digest) = (row?.said.template, row?.said.plan)
        let plan: Plan
        if let source = wish.source {
            let found = try await source.find(in: self.store)
            plan = found.plan
            template = source.template
            digest = template == nil ? found.digest : nil
            if !found.rows.isEmpty { try await self.store.storePlans(found.rows) }
        } else if let known = row?.plan {
            plan = try await self.store.plan(known)
        } else {
            throw Problem(
                .conflict,
                "its template is gone",
                next: "name another template or plan together with this change"
            )
        }
        var given = wish.inputs ?? [:]
        if wish.inputs == nil, let row {
            let text = try self.store.inputs(of: row)
            given = (try? JSONValue(parsing: text))?.objectValue ?? [:]
        }
        let inputs = Self.typed(given, plan)
        _ = try plan.bound(inputs)
        for (name, declaration) in plan.inputs where declaration.format == .path {
            guard let text = inputs[name]?.stringValue, !text.hasPrefix("/") else { continue }
            throw InputError(problems: ["input '\(name)' must be an absolute path on the node"])
        }
        var new = NewSchedule(
            name: wish.name,
            title: wish.title,
            lane: try await RunDesk(self.store).lane(wish.session, wish.lane),
            template: template,
            plan: digest,
            inputs: JSONValue.object(inputs).canonicalText,
            priority: wish.priority,
            settings: wish.settings,
            by: person
        )
        new.key = wish.runs.key
        new.delayMilliseconds = wish.runs.delay
        new.deadline = wish.runs.deadline
        new.unique = wish.runs.unique
        return new
    }

    /// A text for an input of another type is read as the command line reads it.
    private static func typed(
        _ given: [String: JSONValue],
        _ plan: Plan
    ) -> [String: JSONValue] {
        var values = given
        for (name, declaration) in plan.inputs where declaration.type != .string {
            guard case .string(let text)? = given[name], let value = try? JSONValue(parsing: text),
                declaration.type.accepts(value)
            else { continue }
            values[name] = value
        }
        return values
    }
}
