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

    /// What was asked for; `nil` when nothing was.
    var value: RunDeadline? {
        guard self.ttl != nil || self.deadline != nil else { return nil }
        return RunDeadline(
            startMilliseconds: self.ttl.map { max(1, $0.milliseconds) },
            runMilliseconds: self.deadline.map { max(1, $0.milliseconds) }
        )
    }
}
