// Starts a server as a process of its own, learns its port, ends it.

import FoundationEssentials
import Glibc

/// A server under measurement that belongs to this harness.
final class FloorProcess: Sendable {
    let process: pid_t
    let port: Int
    /// Held open: the server ends when it is closed.
    private let input: Int32

    /// Starts a program, by its absolute path, that prints its port or is told one.
    init(_ program: String, _ arguments: [String], port known: Int? = nil) throws {
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        guard pipe(&input) == 0, pipe(&output) == 0 else {
            throw LoadError("no pipe for \(program)")
        }
        // Or the next server would hold this one's input open.
        for end in input + output { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var variables = [strdup("PATH=/usr/local/bin:/usr/bin:/bin"), nil]
        defer { for word in words + variables { free(word) } }
        var process = pid_t()
        let code = posix_spawn(&process, program, &actions, nil, &words, &variables)
        close(input[0])
        close(output[1])
        self.input = input[1]
        self.process = process
        defer { close(output[0]) }
        guard code == 0 else {
            close(input[1])
            throw LoadError("\(program) cannot be started: \(String(cString: strerror(code)))")
        }
        if let known {
            self.port = known
            return
        }
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while read(output[0], &byte, 1) == 1, byte != 10, text.count < 16 { text.append(byte) }
        guard let port = Int(String(decoding: text, as: UTF8.self)), port > 0 else {
            self.port = 0
            self.end()
            throw LoadError("\(program) printed no port")
        }
        self.port = port
    }

    /// Ends it and waits for its end.
    func end() {
        close(self.input)
        kill(self.process, SIGTERM)
        var status: Int32 = 0
        while waitpid(self.process, &status, 0) == -1, errno == EINTR {}
    }

    /// Where a program lies, if it is installed.
    static func path(of name: String) -> String? {
        ["/usr/local/bin", "/usr/bin", "/bin"].map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    /// The harness's own program.
    static func harness() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}
