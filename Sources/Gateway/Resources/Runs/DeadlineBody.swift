// How a request says until when a run must have begun or ended, and how a run's document says it.

import PulserIR
import Store

enum DeadlineBody {
    static let time = Schema.integer(1...RunsResource.delayMillisecondsMax)
    /// As a run's document has it.
    static let stored = Schema.object([
        "start_by": Schema.optional(Schema.moment), "end_by": Schema.optional(Schema.moment),
        "after_ms": Schema.optional(Schema.integer),
    ])

    /// Reads `ttl_ms`, `deadline_ms` and `deadline_at`.
    ///
    /// - Parameter body: The request; the caller ends it.
    /// - Returns: What was asked for; `nil` when nothing was.
    static func read(_ body: inout JSONBody) -> RunDeadline? {
        let start = Self.time("ttl_ms", &body)
        let after = Self.time("deadline_ms", &body)
        var end: Int64?
        if let text = body.text("deadline_at") {
            do throws(Problem) {
                end = try RunFilterReader.time("deadline_at", text)
            } catch {
                body.note("deadline_at", error.detail, hint: error.next)
            }
            if let end, end - RunClock.milliseconds() > RunsResource.delayMillisecondsMax {
                body.note("deadline_at", "'deadline_at' is at most a year from now")
            }
            if after != nil {
                body.note("deadline_at", "say deadline_ms or deadline_at, not both")
            }
        }
        guard start != nil || after != nil || end != nil else { return nil }
        return RunDeadline(startMilliseconds: start, endsAt: end, runMilliseconds: after)
    }

    /// Reads a time within its bounds.
    static func time(_ name: String, _ body: inout JSONBody) -> Int64? {
        guard let time = body.integer(name) else { return nil }
        if !(1...RunsResource.delayMillisecondsMax).contains(time) {
            body.note(
                name,
                "'\(name)' is from 1 to \(RunsResource.delayMillisecondsMax) milliseconds"
            )
        }
        return time
    }

    /// What is to come of a run's deadlines; null when there are none.
    static func json(_ deadlines: [StandingDeadline]) -> JSONValue {
        guard !deadlines.isEmpty else { return .null }
        let start = deadlines.first { $0.isStart }
        let end = deadlines.first { !$0.isStart }
        return .object([
            "start_by": RunDocument.time(start?.milliseconds),
            "end_by": RunDocument.time(end?.milliseconds),
            "after_ms": end?.afterMilliseconds.map { .integer($0) } ?? .null,
        ])
    }
}
