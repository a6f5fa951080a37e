// How the guard is called: `opsroom-guard [--grace ms] [--stdin FILE] -- argv…`.

import Glibc

/// What the command line asks for.
struct Invocation {
    /// Time between SIGTERM and SIGKILL.
    var graceMilliseconds: Int64 = 5_000
    /// What the program reads as standard input.
    var standardInput = "/dev/null"
    /// The program and its arguments; never empty.
    var arguments: [String] = []

    /// A command line that makes no sense.
    struct UsageError: Error {
        /// What is wrong, one sentence.
        var message: String
    }

    /// Reads the command line; its first word is the guard itself.
    static func parse(_ words: [String]) -> Result<Invocation, UsageError> {
        var invocation = Invocation()
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            switch word {
            case "--grace":
                guard let text = rest.popFirst(), let value = Int64(text),
                    (0...600_000).contains(value)
                else { return .failure(.init(message: "--grace takes 0 to 600000 milliseconds")) }
                invocation.graceMilliseconds = value
            case "--stdin":
                guard let path = rest.popFirst() else {
                    return .failure(.init(message: "--stdin takes a file"))
                }
                invocation.standardInput = path
            case "--":
                invocation.arguments = Array(rest)
                guard !invocation.arguments.isEmpty else {
                    return .failure(.init(message: "no program after --"))
                }
                return .success(invocation)
            default:
                return .failure(.init(message: "unknown option \(word)"))
            }
        }
        return .failure(
            .init(message: "usage: opsroom-guard [--grace ms] [--stdin FILE] -- program …")
        )
    }
}

/// Sentences for people.
enum StandardError {
    /// Writes one line; a closed stderr is nobody's loss.
    static func write(_ message: String) {
        let line = Array("opsroom-guard: \(message)\n".utf8)
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
}
