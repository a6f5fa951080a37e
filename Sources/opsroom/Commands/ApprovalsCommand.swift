// `opsroom approvals`: steps that wait for people, and what people decide.

import ArgumentParser
import ControlRoom
import PulserIR

struct ApprovalsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approvals",
        abstract: "List, approve and reject steps that wait for people.",
        discussion: """
            Each person decides once. A decision may come before its step asks. Over the network the
            token tells who decides and with which groups; without a server it is your account with
            its groups.

            Examples:
              opsroom approvals list
              opsroom approvals approve 7k3m release --form window=night
              opsroom approvals reject 7k3m release --comment "not on a Friday"
            """,
        subcommands: [List.self, Approve.self, Reject.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Steps that wait for you, oldest first.",
            discussion: """
                Examples:
                  opsroom approvals list
                  opsroom approvals list --all -o json
                """
        )

        @Flag(help: "Those that wait for others too.") var all = false
        @Option(help: "Only those of this run.") var run: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let (wanted, isForAll) = (self.run, self.all)
            let approvals = try await self.place.access { room in
                var run: RunID?
                if let wanted { run = try await room.resolve(wanted) }
                return try await room.approvals(all: isForAll, run: run)
            }
            guard self.output.output == .table else {
                return self.output.printJSON("approvals", approvals)
            }
            if approvals.isEmpty {
                let hint = self.all ? "" : "; for others: opsroom approvals list --all"
                Terminal.error.line(
                    "nothing waits for \(self.all ? "anybody" : "you")\(hint)"
                )
                return
            }
            var table = Table(headers: ["RUN", "STEP", "PLAN", "HAS", "FOR", "UNTIL", "MESSAGE"])
            table.rows = approvals.map { ApprovalLine(json: $0).cells }
            table.print()
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve",
            abstract: "Approve a step, and fill in its form.",
            discussion: """
                Examples:
                  opsroom approvals approve 7k3m
                  opsroom approvals approve 7k3m release --form window=night --form ticket=4711
                """
        )

        @OptionGroup var wish: DecisionOptions
        @Option(
            help: ArgumentHelp("A field of the form; repeat for more.", valueName: "name=value")
        )
        var form: [String] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            var fields = InputOptions()
            fields.inputs = self.form
            try await self.wish.decide(
                isApproval: true,
                form: fields.values(),
                self.output,
                self.place
            )
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reject",
            abstract: "Reject a step: nobody else decides about it then.",
            discussion: """
                Example:
                  opsroom approvals reject 7k3m release --comment "not on a Friday"
                """
        )

        @OptionGroup var wish: DecisionOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            try await self.wish.decide(isApproval: false, form: [:], self.output, self.place)
        }
    }
}

/// What is decided.
struct DecisionOptions: ParsableArguments {
    @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
    @Argument(help: "The step; not needed when only one of the run waits.") var step: String?
    @Option(help: "What you say to it.") var comment = ""

    func decide(
        isApproval: Bool,
        form: [String: String],
        _ output: OutputOptions,
        _ place: PlaceOptions
    ) async throws {
        let (wanted, named, comment) = (self.run, self.step, self.comment)
        let receipt = try await place.access { room in
            let id = try await room.resolve(wanted)
            var step = named ?? ""
            if named == nil { step = try await Self.step(of: id, room) }
            let filled = form.isEmpty ? [:] : try await Self.filled(form, id, step, room)
            return try await room.decide(
                id,
                DecisionOrder(
                    step: step,
                    isApproval: isApproval,
                    form: filled,
                    comment: comment
                )
            )
        }
        guard output.output == .table else { return output.printJSON(receipt) }
        func number(_ name: String) -> Int64 { receipt[name]?.integerValue ?? 0 }
        let step = receipt["step"]?.stringValue ?? ""
        let word = isApproval ? "approved" : "rejected"
        let rest =
            receipt["decided"] == .bool(true)
            ? "" : "; \(number("approvals")) of \(number("needed")) so far"
        let again = receipt["repeated"] == .bool(true) ? " already" : ""
        Terminal.output.line(
            "\(receipt["run"]?.stringValue ?? wanted) \(step) \(word)\(again) by "
                + "\(receipt["by"]?.stringValue ?? "you")\(rest)"
        )
    }

    /// The only step of a run that waits for people.
    private static func step(of run: RunID, _ room: any RoomAccess) async throws -> String {
        let steps = try await room.approvals(all: true, run: run)
            .compactMap { $0["step"]?.stringValue }
        guard let step = steps.first, steps.count == 1 else {
            throw RoomError(
                .usage,
                steps.isEmpty
                    ? "no step of run \(run) waits for people"
                    : "several steps of run \(run) wait: \(steps.joined(separator: ", "))",
                next: "opsroom approvals list --all --run \(run)"
            )
        }
        return step
    }

    /// Texts as the form's fields take them.
    private static func filled(
        _ texts: [String: String],
        _ run: RunID,
        _ step: String,
        _ room: any RoomAccess
    ) async throws -> [String: JSONValue] {
        let plan = try await room.plan(of: room.run(run))
        var fields: [String: JSONValue] = [:]
        if case .wait(.approval(let wait))? = plan.steps.first(where: { $0.id == step })?.action {
            fields = wait.form?["properties"]?.objectValue ?? [:]
        }
        return texts.reduce(into: [:]) { filled, pair in
            let type = fields[pair.key]?["type"]
            let isText = type == nil || type == .string("string")
            let parsed = isText ? nil : try? JSONValue(parsing: pair.value)
            filled[pair.key] = parsed ?? .string(pair.value)
        }
    }
}

/// A step that waits, for people.
private struct ApprovalLine {
    let json: JSONValue

    private func text(_ name: String) -> String { self.json[name]?.stringValue ?? "" }

    private func texts(_ name: String) -> [String] {
        (self.json[name]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    var cells: [String] {
        let whom = self.texts("groups") + self.texts("users")
        let until = self.json["expires_at"]?.stringValue.flatMap(RunProgress.milliseconds)
        let mine = self.json["may_decide"] == .bool(true) ? "" : " (not you)"
        return [
            self.text("run"), self.text("step"), self.text("plan"),
            "\(self.texts("approved_by").count) of \(self.json["needed"]?.integerValue ?? 0)",
            (whom.isEmpty ? "anybody" : whom.joined(separator: ", ")) + mine,
            until.map(Wording.ahead) ?? "", Wording.oneLine(self.text("message"), 60),
        ]
    }
}
