// `opsroom why`: what a run waits for.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Why a run does not run: which gate, which node, since when.",
        discussion: """
            Examples:
              opsroom why 7k3m
              opsroom why 7k3m --watch
            """
    )

    @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
    @OptionGroup var watch: WatchOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
        let wanted = self.run
        let output = self.output
        try await self.watch.show(self.place, output) { room in
            let why = try await room.why(room.resolve(wanted))
            return output.output == .table ? Picture(lines: Self.lines(why)) : Picture(why)
        }
    }

    private static func lines(_ why: JSONValue) -> [String] {
        func text(_ name: String) -> String { ClusterPicture.text(why, name) }
        let terminal = Terminal.output
        let isFine = ["ended", "under_way", "ready"].contains(text("gate"))
        let since = why["since_ms"]?.integerValue.map {
            terminal.styled(" (for \(Wording.duration(milliseconds: $0)))", .dim)
        }
        let owner = why["owner"].flatMap { $0.objectValue == nil ? nil : $0 }
        let node = owner.map {
            "\(ClusterPicture.text($0, "name")), \(ClusterPicture.text($0, "status")), lease "
                + ClusterPicture.time($0, "lease_ms")
        }
        func row(_ name: String, _ value: String) -> String {
            terminal.styled("  " + name.padding(toLength: 7, withPad: " ", startingAt: 0), .dim)
                + value
        }
        return [
            "\(terminal.styled("run \(text("run"))", .bold)) is \(text("status")): "
                + terminal.styled(text("reason"), isFine ? .green : .yellow) + (since ?? ""),
            row(
                "lane",
                "\(text("session"))/\(text("lane")): \(ClusterPicture.number(why, "lane_active")) of "
                    + "\(ClusterPicture.number(why, "lane_width")) under way, "
                    + "\(ClusterPicture.number(why, "ahead")) before it"
            ),
            row(
                "shard",
                "\(ClusterPicture.number(why, "shard")), \(text("shard_state")), generation "
                    + "\(ClusterPicture.number(why, "generation"))"
            ),
            row("node", node ?? "none"),
        ] + (DeadlineNote.text(why).map { [row("until", $0)] } ?? [])
    }
}
