// How a shell action becomes a program: its arguments, its environment, its time.

import Glibc
import PulserIR
import Subprocess

/// Runs programs, never through a shell.
struct ShellTool: Sendable {
    let configuration: ToolsConfiguration

    /// Runs the program to its end, its deadline or the caller's cancellation.
    func run(
        _ action: ShellAction,
        in context: ToolContext,
        redactor: Redactor
    ) async throws(ToolFailure) -> ToolResult {
        let process = try await self.start(action, in: context, redactor: redactor)
        let isLate = await withTaskCancellationHandler {
            await Self.wait(for: process, until: context.deadline)
        } onCancel: {
            process.terminate()
        }
        var result = Self.result(of: await process.waitForEnd())
        if Task.isCancelled { throw .cancelled }
        if isLate {
            result.failure = ToolFailure(
                .timeout,
                "the program did not end in time and was stopped"
            )
        }
        return result
    }

    /// Starts the program and returns once it runs.
    func start(
        _ action: ShellAction,
        in context: ToolContext,
        redactor: Redactor
    ) async throws(ToolFailure) -> GuardedProcess {
        if Task.isCancelled { throw .cancelled }
        var launch = try self.launch(action, in: context)
        let temporary = context.workspace + "/tmp"
        _ = await BlockingWork.run { mkdir(temporary, 0o700) }
        if let template = action.stdin {
            let text = try Sink(scope: context.scope).text(template, for: "stdin")
            launch.standardInput = try await Self.write(text, in: temporary)
        }
        let collector = OutputCollector(redactor: redactor, emit: context.emit)
        defer {
            // The guard has it open, or never will.
            if let file = launch.standardInput { unlink(file) }
        }
        return try await GuardedProcess.start(launch, collector: collector)
    }

    /// `{"exit", "stdout", "stderr", "output", "truncated"}`, and `signal` by name when one ended
    /// it; `output` is stdout without the newlines at its end, as a shell's `$(…)` gives it.
    static func result(of end: GuardedProcess.End) -> ToolResult {
        var members: [String: JSONValue] = [
            "exit": .integer(Int64(end.exitCode)),
            "stdout": .string(end.stdout.text),
            "output": .string(end.stdout.text.withoutTrailingNewlines),
            "stderr": .string(end.stderr.text),
            "truncated": .bool(end.stdout.isTruncated || end.stderr.isTruncated),
        ]
        if let signal = end.signal { members["signal"] = .string(Self.name(ofSignal: signal)) }
        return ToolResult(
            value: .object(members),
            failure: end.failure,
            badEnd: end.exitCode == 0 ? nil : .exit
        )
    }

    /// True when the deadline came first; the program has then been told to end.
    private static func wait(
        for process: GuardedProcess,
        until deadline: ContinuousClock.Instant
    ) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(until: deadline, clock: .continuous)
                    return true
                } catch {
                    return false
                }
            }
            group.addTask {
                _ = await process.waitForEnd()
                return false
            }
            let isLate = await group.next() ?? false
            if isLate { process.terminate() }
            group.cancelAll()
            await group.waitForAll()
            return isLate
        }
    }

    private func launch(
        _ action: ShellAction,
        in context: ToolContext
    ) throws(ToolFailure) -> GuardedProcess.Launch {
        let sink = Sink(scope: context.scope)
        guard !action.argv.isEmpty else { throw ToolFailure(.error, "argv is empty") }
        var arguments: [String] = []
        for (index, item) in action.argv.enumerated() {
            arguments.append(try sink.text(item, for: "argv[\(index)]"))
        }
        var environment = [
            "PATH": self.configuration.searchPath,
            "HOME": context.workspace,
            "LANG": "C.UTF-8",
            "TMPDIR": context.workspace + "/tmp",
            "OPSROOM_RUN": context.runID,
        ]
        for (name, value) in action.environment {
            guard !name.isEmpty, !name.contains("="), !name.utf8.contains(0) else {
                throw ToolFailure(.error, "'\(name)' is no name of an environment variable")
            }
            environment[name] = try sink.text(value, for: "env.\(name)", allowsSecrets: true)
        }
        var directory = context.workspace
        if let template = action.directory {
            let path = try sink.text(template, for: "directory")
            directory = try WorkspacePath.resolve(path, in: context.workspace)
            var status = stat()
            guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw ToolFailure(.error, "directory '\(path)' does not exist in the workspace")
            }
        }
        return GuardedProcess.Launch(
            guardPath: Self.guardPath(self.configuration),
            grace: self.configuration.grace,
            guardMargin: self.configuration.guardMargin,
            deadline: context.deadline,
            arguments: arguments,
            environment: environment,
            directory: directory
        )
    }

    /// As configured, as the environment says, or beside the running executable.
    private static func guardPath(_ configuration: ToolsConfiguration) -> String {
        if let path = configuration.guardPath { return path }
        if let path = getenv("OPSROOM_GUARD") { return String(cString: path) }
        guard let path = realpath("/proc/self/exe", nil) else { return "opsroom-guard" }
        defer { free(path) }
        let folder = String(cString: path).split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/opsroom-guard"
    }

    /// A file that only this user can read, and that nobody could have put there before.
    private static func write(_ text: String, in folder: String) async throws(ToolFailure) -> String
    {
        let path = "\(folder)/.stdin-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let isWritten = await BlockingWork.run { () -> Bool in
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { return false }
            defer { close(file) }
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
        guard isWritten else {
            throw ToolFailure(.error, "stdin could not be written to the workspace")
        }
        return path
    }

    private static func name(ofSignal number: Int32) -> String {
        let names: [Int32: String] = [
            SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL",
            SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL",
            SIGSEGV: "SIGSEGV", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
            SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
        ]
        return names[number] ?? "signal \(number)"
    }
}

extension String {
    fileprivate var withoutTrailingNewlines: String {
        var text = self[...]
        while text.last?.isNewline ?? false { text.removeLast() }
        return String(text)
    }
}
