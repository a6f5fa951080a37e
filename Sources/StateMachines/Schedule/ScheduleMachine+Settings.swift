// How stored settings become a machine: texts are read, the zone is looked up, bounds are kept.

public import PulserIR

extension ScheduleMachine {
    /// The longest time that missed ticks are caught up with: a year.
    public static let catchUpMillisecondsMax: Int64 = 366 * 86_400_000

    /// Reads settings.
    ///
    /// - Parameters:
    ///   - settings: What people said.
    ///   - id: The schedule's number.
    ///   - zones: Where its zone is found.
    /// - Throws: ``ScheduleError`` for the first thing that is wrong.
    public init(
        _ settings: ScheduleSettings,
        id: Int64,
        zones: TimeZoneLibrary
    ) throws(ScheduleError) {
        guard (1...ScheduleSettings.rulesMax).contains(settings.rules.count) else {
            throw ScheduleError(
                "a schedule has from 1 to \(ScheduleSettings.rulesMax) rules",
                hint: "write cron expressions, or an interval such as 'every 10m'"
            )
        }
        var rules: [ScheduleRule] = []
        for text in settings.rules { rules.append(try ScheduleRule(text)) }
        let moments = [settings.anchor, settings.start ?? 0, settings.end ?? 0]
        guard moments.allSatisfy({ abs($0) < TimeZoneRules.secondsMax }) else {
            throw ScheduleError("a moment is out of bounds", hint: "use years from 1 to 5000")
        }
        if let start = settings.start, let end = settings.end, end <= start {
            throw ScheduleError("it ends before it starts", hint: "set an end behind the start")
        }
        guard (0...Self.jitterMillisecondsMax).contains(settings.jitterMilliseconds) else {
            throw ScheduleError("the jitter is longer than a day", hint: "use from 0s to 1d")
        }
        guard (1...Self.catchUpMillisecondsMax).contains(settings.catchUpMilliseconds),
            (1...Self.catchUpMax).contains(settings.catchUpMax)
        else {
            throw ScheduleError(
                "that is more than can be caught up with",
                hint: "use a window up to 366d, and from 1 to \(Self.catchUpMax) ticks"
            )
        }
        self.init(
            calendar: ScheduleCalendar(
                rules,
                zone: try zones.zone(settings.zone),
                anchor: settings.anchor,
                start: settings.start,
                end: settings.end
            ),
            id: id,
            jitterMilliseconds: settings.jitterMilliseconds,
            misfire: settings.misfire,
            catchUpMilliseconds: settings.catchUpMilliseconds,
            limit: settings.catchUpMax,
            overlap: settings.overlap
        )
    }
}
