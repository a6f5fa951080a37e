// Decides how a test starts a program of ours, reads what it says, and ends it.

import Foundation
import Glibc
import Synchronization
import TestBed

/// A process of this package's own `opsroom`, with its output in files.
final class Program: Sendable {
    /// Where the executables of this build lie: beside the test bundle.
    static let folder: String = {
        guard let path = realpath("/proc/self/exe", nil) else { return "." }
        defer { free(path) }
        return URL(fileURLWithPath: String(cString: path)).deletingLastPathComponent().path
    }()

    let processID: pid_t
    private let files: (output: String, error: String)
    private let waitStatus = Mutex<Int32?>(nil)

    /// Starts `opsroom`, another program of this package or of this machine, with these arguments and no other environment than this.
    init(
        _ arguments: [String],
        environment: [String: String],
        outputs: String,
        program: String = "opsroom"
    ) throws {
        self.files = (outputs + ".out", outputs + ".err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let create = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, self.files.output, create, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, self.files.error, create, 0o600)
        let words = [program] + arguments
        let variables = environment.map { "\($0.key)=\($0.value)" }
        var argumentPointers = words.map { strdup($0) } + [nil]
        var environmentPointers = variables.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var process = pid_t()
        let code = posix_spawn(
            &process,
            program.hasPrefix("/") ? program : "\(Self.folder)/\(program)",
            &actions,
            nil,
            &argumentPointers,
            &environmentPointers
        )
        guard code == 0 else {
            throw NeverHappened(
                description: "\(program) was started: \(String(cString: strerror(code)))"
            )
        }
        self.processID = process
        TestProcesses.killAtExit(process)
    }

    /// What it wrote to stdout so far.
    var output: String { Self.text(self.files.output) }
    /// The bytes of stdout so far.
    var outputBytes: [UInt8] {
        [UInt8](FileManager.default.contents(atPath: self.files.output) ?? Data())
    }
    /// What it wrote to stderr so far.
    var errorOutput: String { Self.text(self.files.error) }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    /// The exit code once it has ended, 128 and more for a signal; collects the process.
    var exitCode: Int32? {
        self.waitStatus.withLock { kept in
            if kept == nil {
                var status: Int32 = 0
                if waitpid(self.processID, &status, WNOHANG) == self.processID { kept = status }
            }
            guard let status = kept else { return nil }
            let signal = status & 0x7F
            return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
        }
    }

    /// Waits for its end.
    func end(within limit: Duration = .seconds(60)) async throws -> Int32 {
        try await eventually("process \(self.processID) ended: \(self.errorOutput)", within: limit)
        {
            self.exitCode != nil
        }
        return self.exitCode ?? -1
    }

    /// Sends a signal; a process that was collected already gets none.
    func send(_ signal: Int32) {
        if self.exitCode == nil { kill(self.processID, signal) }
    }

    /// Ends it as a power failure would, and collects it.
    func killHard() async throws {
        self.send(SIGKILL)
        _ = try await self.end()
    }
}
