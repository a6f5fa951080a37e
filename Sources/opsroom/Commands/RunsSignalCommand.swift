// `opsroom runs signal` and `opsroom runs signals`.

import ArgumentParser
import ControlRoom
import PulserIR

extension RunsCommand {
    struct Signal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "signal",
            abstract: "Send a signal to a run, whether a step waits for it or not.",
            discussion: """
                It is kept until a step takes it, and taken by one. The payload is JSON; it becomes
                the result of the step that waits.

                Examples:
                  opsroom runs signal 7k3m deployed
                  opsroom runs signal 7k3m paid --payload '{"amount": 12}' --key order-4711
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Argument(help: "The signal's name.") var name: String
        @Option(help: ArgumentHelp("What it brings.", valueName: "json")) var payload: String?
        @Option(help: "The same key sends it once.") var key: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            var order = SignalOrder(name: self.name, payload: .null, key: self.key)
            if let payload = self.payload {
                do {
                    order.payload = try JSONValue(parsing: payload)
                } catch {
                    throw RoomError(
                        .usage,
                        "the payload is not JSON: \(error)",
                        next: "opsroom runs signal \(wanted) \(ShellWord.quoted(self.name)) "
                            + "--payload \(ShellWord.quoted(JSONValue.string(payload).canonicalText))"
                    )
                }
            }
            let sent = order
            let signal = try await self.place.access { room in
                try await room.signal(room.resolve(wanted), sent)
            }
            guard self.output.output == .table else { return self.output.printJSON(signal) }
            let run = signal["run"]?.stringValue ?? wanted
            let number = signal["seq"]?.integerValue ?? 0
            Terminal.output.line("\(run) signal \(number) '\(self.name)' sent")
        }
    }

    struct Signals: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "signals",
            abstract: "Signals of a run, and which steps took them.",
            discussion: """
                Example:
                  opsroom runs signals 7k3m -o json
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let signals = try await self.place.access { room in
                try await room.signals(room.resolve(wanted))
            }
            guard self.output.output == .table else {
                return self.output.printJSON("signals", signals)
            }
            guard !signals.isEmpty else {
                Terminal.error.line("no signals were sent to this run")
                return
            }
            var table = Table(headers: ["SEQ", "NAME", "SENT", "BY", "TAKEN BY", "PAYLOAD"])
            table.rows = signals.map { signal in
                func text(_ name: String) -> String { signal[name]?.stringValue ?? "" }
                let sent = signal["sent_at"]?.stringValue.flatMap(RunProgress.milliseconds)
                return [
                    "\(signal["seq"]?.integerValue ?? 0)", text("name"),
                    sent.map(Wording.ago) ?? "", text("sent_by"),
                    signal["taken_by"]?.stringValue ?? "nobody yet",
                    Wording.oneLine(signal["payload"]?.canonicalText ?? "", 60),
                ]
            }
            table.print()
        }
    }
}
