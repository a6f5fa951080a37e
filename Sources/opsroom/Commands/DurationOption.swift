// Lengths of time on the command line: one number and one unit, as in plans.

import ArgumentParser

/// `500ms`, `30s`, `5m`, `12h`, `30d`.
struct DurationOption: ExpressibleByArgument, Sendable {
    /// The length.
    let duration: Duration
    /// As it was written.
    let defaultValueDescription: String

    /// Its whole seconds, at least one.
    var seconds: Int64 { max(1, self.duration.components.seconds) }

    /// Its whole milliseconds.
    var milliseconds: Int64 { Int64(self.duration / .milliseconds(1)) }

    init?(argument: String) {
        guard let match = argument.wholeMatch(of: /([0-9]{1,9})(ms|s|m|h|d)/),
            let number = Int64(match.1)
        else { return nil }
        self.defaultValueDescription = argument
        self.duration =
            switch match.2 {
            case "ms": .milliseconds(number)
            case "s": .seconds(number)
            case "m": .seconds(number * 60)
            case "h": .seconds(number * 3_600)
            default: .seconds(number * 86_400)
            }
    }

    init(seconds: Int64) {
        self.duration = .seconds(seconds)
        self.defaultValueDescription = seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}

/// How long a lost connection is waited for.
struct PatienceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long to try when the connection is lost.",
            valueName: "duration"
        )
    )
    var reconnect = DurationOption(seconds: 300)
}
