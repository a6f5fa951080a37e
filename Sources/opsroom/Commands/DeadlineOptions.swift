// How a command line says until when a run must have begun or ended.

import ArgumentParser
import PulserIR
import Store

struct DeadlineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Time it out, without running it, when it has not begun by then.",
            valueName: "duration"
        )
    )
    var ttl: DurationOption?
    @Option(
        help: ArgumentHelp(
            "Time it out this long after it began first, whatever its node does.",
            valueName: "duration"
        )
    )
    var deadline: DurationOption?
    @Option(
        help: ArgumentHelp(
            "Time it out at this moment, such as 2026-11-20T12:00:00Z.",
            valueName: "time"
        ),
        transform: MomentOption.clock
    )
    var deadlineAt: MomentOption?

    func validate() throws {
        if self.deadline != nil, self.deadlineAt != nil {
            throw ValidationError("say --deadline or --deadline-at, not both")
        }
        let times = [
            self.ttl?.milliseconds, self.deadline?.milliseconds,
            self.deadlineAt?.fromNowMilliseconds,
        ]
        guard times.allSatisfy({ $0 ?? 0 <= 31_536_000_000 }) else {
            throw ValidationError(
                "a run begins and ends within a year: --ttl, --deadline and --deadline-at"
            )
        }
    }

    /// What was asked for; `nil` when nothing was.
    var value: RunDeadline? {
        guard self.ttl != nil || self.deadline != nil || self.deadlineAt != nil else { return nil }
        return RunDeadline(
            startMilliseconds: self.ttl.map { max(1, $0.milliseconds) },
            endsAt: self.deadlineAt?.milliseconds,
            runMilliseconds: self.deadline.map { max(1, $0.milliseconds) }
        )
    }
}
