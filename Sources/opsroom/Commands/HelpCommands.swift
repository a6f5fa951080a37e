// Small commands about the command line itself.

import ArgumentParser
import ControlRoom

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a completion script for bash, zsh or fish.",
        discussion: """
            Examples:
              opsroom completion bash > /etc/bash_completion.d/opsroom
              opsroom completion zsh > ~/.zfunc/_opsroom
              opsroom completion fish > ~/.config/fish/completions/opsroom.fish
            """
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish
    }

    @Argument(help: "The shell.") var shell: Shell

    func run() throws {
        let shell: CompletionShell =
            switch self.shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        Terminal.output.line(Opsroom.completionScript(for: shell))
    }
}

struct ExitCodesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exit-codes",
        abstract: "What the exit codes mean.",
        discussion: """
            \(page)

            Example:
              opsroom run plan.yaml; echo $?
            """
    )

    private static let page = """
          0  all went well
          1  the command failed
          2  the work finished, its result is bad: a run failed, doctor found something
          3  it took too long
          4  the server does not know you, or your token may not do this
          5  there is no such thing
          6  something else is in the way: a conflict, a directory in use
          7  refused without --yes
         64  the command, a plan or an input is wrong
         69  the database or the node cannot be reached
        130  interrupted
        """

    func run() throws { Terminal.output.line(Self.page) }
}
