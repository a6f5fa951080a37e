// What a request says about each run of a schedule: the members of `POST /v1/runs`, laid over what is there.

import PulserIR
import Store

/// What each run of a schedule shall be.
struct ScheduledRunWish {
    /// Whom or what it is for.
    var key: String
    /// How long it waits, in milliseconds.
    var delay: Int64
    /// Until when it must have begun or ended.
    var deadline: RunDeadline
    /// What makes it the only one of its kind.
    var unique: Uniqueness?

    /// Reads the members; the caller ends the body. What is null is taken away, where nothing can be said.
    ///
    /// - Parameters:
    ///   - body: The request.
    ///   - said: What was said before; `nil` when a schedule is made.
    init(_ body: inout JSONBody, over said: NewSchedule?) {
        self.key = RunsResource.key(&body) ?? said?.key ?? ""
        self.delay = RunsResource.delay(&body) ?? said?.delayMilliseconds ?? 0
        self.deadline = said?.deadline ?? RunDeadline()
        self.unique = said?.unique
        if body.json["ttl_ms"] != nil {
            self.deadline.startMilliseconds = DeadlineBody.time("ttl_ms", &body)
        }
        if body.json["deadline_ms"] != nil {
            self.deadline.runMilliseconds = DeadlineBody.time("deadline_ms", &body)
        }
        if body.value("deadline_at") != nil {
            body.note(
                "deadline_at",
                "no moment is the deadline of every run of a schedule",
                hint: "say deadline_ms: how long each has; 'end' is when the schedule itself ends"
            )
        }
        if body.json["unique"] != nil { self.unique = UniqueBody.read(&body) }
        UniqueBody.check(self.unique, delay: self.delay, &body)
    }
}
