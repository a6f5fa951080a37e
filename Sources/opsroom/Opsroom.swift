// The program: which commands there are.

import ArgumentParser
import ControlRoom
import Glibc

/// `opsroom`: the node and the command line of a control room.
@main
struct Opsroom: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsroom",
        abstract: "Runs operations plans: durable, verified, with evidence.",
        discussion: """
            Examples:
              opsroom run examples/release-check.yaml
              opsroom plan check my-plan.yaml
              opsroom runs list --status failed
              opsroom up

            More: opsroom help exit-codes · opsroom <command> --help
            """,
        version: BuildInfo.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Work",
                subcommands: [RunCommand.self, PlanCommand.self, SchedulesCommand.self]
            ),
            CommandGroup(
                name: "Look",
                subcommands: [
                    RunsCommand.self, ApprovalsCommand.self, DeadCommand.self, WhyCommand.self,
                    SessionsCommand.self,
                    LanesCommand.self, LimitsCommand.self,
                    EventsCommand.self,
                ]
            ),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    UpCommand.self, OpenCommand.self, NodeCommand.self, NodesCommand.self,
                    ShardsCommand.self,
                    ClusterCommand.self,
                    CertsCommand.self,
                    ContextCommand.self,
                    TokensCommand.self, BulkCommand.self, RetentionCommand.self,
                    SealCommand.self, MigrateCommand.self,
                    DoctorCommand.self, BenchCommand.self, CompletionCommand.self,
                    ExitCodesCommand.self,
                ]
            ),
        ]
    )

    static func main() async {
        // A closed pipe ends the output, not the work: writes fail instead of ending the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try await Self.asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(with: error)
        }
    }
}
