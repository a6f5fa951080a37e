// Decides how the programs of PostgreSQL are run: to their end, their words kept for the error message.

import Subprocess

/// One run of a program.
struct Command: Sendable {
    var isSuccess: Bool
    var output: String
    var errorOutput: String

    /// The last line that says something, for a sentence about the failure.
    var lastWords: String {
        let lines = (self.output + "\n" + self.errorOutput).split(whereSeparator: \.isNewline)
        return lines.last.map(String.init) ?? "it said nothing"
    }

    /// Runs `program` from the root directory, which every user may enter.
    static func run(_ program: String, _ arguments: [String]) async -> Command {
        do {
            let result = try await Subprocess.run(
                .name("env"),
                arguments: Arguments(["--chdir=/", program] + arguments),
                environment: .inherit.updating(["LC_ALL": "C"]),
                output: .string(limit: 64 * 1024),
                error: .string(limit: 64 * 1024)
            )
            return Command(
                isSuccess: result.terminationStatus.isSuccess,
                output: result.standardOutput,
                errorOutput: result.standardError
            )
        } catch {
            return Command(
                isSuccess: false,
                output: "",
                errorOutput: "\(program) cannot be run: \(error)"
            )
        }
    }
}
