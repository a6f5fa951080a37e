// Which runs a command line means: every filter that the API has, by the same names.

import ArgumentParser
import ControlRoom
import Gateway

struct RunFilterOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Any of these, by commas or repeated; with a - before it: not.",
            discussion: "One of \(RunFilterReader.statusWords.joined(separator: ", ")).",
            valueName: "status"
        ),
        completion: .list(RunFilterReader.statusWords)
    )
    var status: [String] = []
    @Option(help: "Of this session.") var session: String?
    @Option(help: "Of this lane.") var lane: String?
    @Option(name: .customLong("for"), help: "For this tenant, customer, machine.")
    var key: String?
    @Option(help: "Made from this template.") var template: String?
    @Option(help: "With a plan of this name or digest.") var plan: String?
    @Option(help: "Started by this run.", completion: .custom(RunCompletion.ids))
    var parent: String?
    @Option(help: "With this in the failure, the inputs or the plan's name.") var text: String?
    @Option(help: Self.help("Enqueued then or later."), transform: MomentOption.past)
    var enqueuedAfter: MomentOption?
    @Option(help: Self.help("Enqueued before."), transform: MomentOption.past)
    var enqueuedBefore: MomentOption?
    @Option(help: Self.help("Ended then or later."), transform: MomentOption.past)
    var finishedAfter: MomentOption?
    @Option(help: Self.help("Ended before."), transform: MomentOption.past)
    var finishedBefore: MomentOption?
    @Flag(help: "Without what a schedule made and succeeded.") var quiet = false

    private static func help(_ text: String) -> ArgumentHelp {
        ArgumentHelp("\(text)", valueName: "time|ago")
    }

    /// What was given, by the names that the API has for it.
    var texts: [String: [String]] {
        let moments = [
            "enqueued_after": self.enqueuedAfter, "enqueued_before": self.enqueuedBefore,
            "finished_after": self.finishedAfter, "finished_before": self.finishedBefore,
        ]
        var texts: [String: [String]] = moments.compactMapValues { moment in
            moment.map { [String($0.milliseconds)] }
        }
        let words = [
            "session": self.session, "lane": self.lane, "key": self.key, "plan": self.plan,
            "template": self.template, "parent": self.parent, "text": self.text,
        ]
        for (name, word) in words { texts[name] = word.map { [$0] } }
        if !self.statuses.isEmpty { texts["status"] = self.statuses }
        if self.quiet { texts["quiet"] = ["true"] }
        return texts
    }

    private var statuses: [String] {
        self.status.flatMap { $0.split(separator: ",").map(String.init) }
    }

    func validate() throws {
        let known = RunFilterReader.statusWords
        for word in self.statuses {
            let name = word.hasPrefix("-") ? String(word.dropFirst()) : word
            guard !known.contains(name) else { continue }
            let near = Nearest.word(to: name, among: known).map { "did you mean '\($0)'?" }
            throw ValidationError(
                "'\(name)' is no status; \(near ?? "there are \(known.joined(separator: ", "))")"
            )
        }
    }
}
