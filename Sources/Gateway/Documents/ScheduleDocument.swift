// A schedule as JSON: the shape that the API and `-o json` of the command line promise.

public import PulserIR
public import Store

/// A schedule's documents.
public enum ScheduleDocument {
    /// A schedule.
    ///
    /// - Parameters:
    ///   - row: The schedule.
    ///   - next: When the next run begins, in milliseconds since 1970; `nil` for none.
    /// - Returns: The document.
    public static func json(_ row: ScheduleRow, next: Int64?) -> JSONValue {
        let settings = row.said.settings
        func second(_ value: Int64?) -> JSONValue { .moment(value.map { $0 * 1_000 }) }
        var members: [String: JSONValue] = [
            "id": .integer(row.id), "name": .string(row.said.name),
            "title": .string(row.said.title), "session": .string(row.session),
            "lane": .string(row.lane), "priority": .integer(Int64(row.said.priority)),
            "rules": .array(settings.rules.map { .string($0) }), "zone": .string(settings.zone),
            "anchor": second(settings.anchor), "start": second(settings.start),
            "end": second(settings.end), "jitter_ms": .integer(settings.jitterMilliseconds),
            "misfire": .string(settings.misfire.rawValue),
            "catch_up_ms": .integer(settings.catchUpMilliseconds),
            "catch_up_max": .integer(Int64(settings.catchUpMax)),
            "overlap": .string(settings.overlap.rawValue), "revision": .integer(row.revision),
            "has_open_run": .bool(row.hasOpenRun), "next_at": .moment(next),
            "created_at": .moment(row.createdMilliseconds),
            "updated_at": .moment(row.updatedMilliseconds),
            "changed_by": .string(row.said.person),
        ]
        members["key"] = .string(row.said.key)
        members["delay_ms"] = .integer(row.said.delayMilliseconds)
        members["ttl_ms"] = row.said.deadline.startMilliseconds.map { .integer($0) } ?? .null
        members["deadline_ms"] = row.said.deadline.runMilliseconds.map { .integer($0) } ?? .null
        members["unique"] = row.said.unique.map(UniqueBody.json) ?? .null
        members["template"] = row.said.template.map { .string($0) } ?? .null
        members["plan_digest"] = row.plan.map { .string($0.description) } ?? .null
        members["inputs"] = (try? JSONValue(parsing: row.said.inputs)) ?? .object([:])
        members["paused"] =
            row.pausedBy.map { person in
                .object([
                    "by": .string(person), "at": .moment(row.pausedMilliseconds),
                    "reason": row.pauseReason.map { .string($0) } ?? .null,
                ])
            } ?? .null
        members["dropped"] = .object([
            "count": .integer(row.dropped), "last_at": .moment(row.lastDropMilliseconds),
            "last_reason": row.lastDrop.map { .string($0) } ?? .null,
        ])
        return .object(members)
    }

    /// A run of a schedule.
    public static func json(_ run: ScheduledRun) -> JSONValue {
        .object([
            "run": .string(run.run.description), "tick": .moment(run.tickMilliseconds),
            "manual": .bool(run.isManual),
        ])
    }

    /// Which schedule and tick made a run.
    public static func json(_ schedule: RunSchedule) -> JSONValue {
        .object([
            "id": .integer(schedule.id),
            "name": schedule.name.map { .string($0) } ?? .null,
            "tick": .moment(schedule.tickMilliseconds), "manual": .bool(schedule.isManual),
        ])
    }

    /// What clocks show, such as `2026-03-29T03:00:00+02:00`.
    static func wall(_ second: Int64, offset: Int64) -> String {
        let text = JSONValue.moment((second + offset) * 1_000).stringValue ?? ""
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
        let ahead = abs(offset)
        let zone = "\(offset < 0 ? "-" : "+")\(two(ahead / 3_600)):\(two(ahead / 60 % 60))"
        return String(text.dropLast(5)) + zone
    }
}
