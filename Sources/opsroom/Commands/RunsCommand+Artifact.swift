// `opsroom runs artifact`: evidence, byte by byte.

import ArgumentParser
import ControlRoom
import Foundation

extension RunsCommand {
    struct Artifact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "artifact",
            abstract: "Write an artifact of a run to stdout, after checking its digest.",
            discussion: """
                Example:
                  opsroom runs artifact 7k3m report.json > report.json
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Argument(help: "The artifact's name.") var name: String
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let name = self.name
            let bytes = try await self.place.access { room in
                try await room.artifact(room.resolve(wanted), name)
            }
            FileHandle.standardOutput.write(Data(bytes))
        }
    }
}
