// How a program runs under its guard, from the start to the last line of its output.

import Glibc
import PulserIR
import Subprocess
import SystemPackage

/// A running program, its guard, and the reading of its output.
///
/// Owner: a shell action or a background service. Runs on: default pool. Ends: when the guard has
/// exited, which ``terminate()`` and the end of this object bring about.
final class GuardedProcess: Sendable {
    /// What to start.
    struct Launch: Sendable {
        var guardPath: String
        var grace: Duration
        /// How much longer than the grace the guard may take before it is killed.
        var guardMargin: Duration
        /// When the start is given up.
        var deadline: ContinuousClock.Instant
        var arguments: [String]
        var environment: [String: String]
        var directory: String
        /// A file to read as standard input.
        var standardInput: String?
    }

    /// How it ended.
    struct End: Sendable {
        /// The exit code; 128 + n for a signal.
        var exitCode: Int32
        /// The signal that ended the program, if one did.
        var signal: Int32?
        var stdout: OutputCollector.Summary
        var stderr: OutputCollector.Summary
        /// Set when the guard itself could not be run or was killed.
        var failure: ToolFailure?
    }

    /// The program's process id.
    let pid: Int32
    private let channel: GuardChannel
    private let work: Task<End, Never>

    private init(pid: Int32, channel: GuardChannel, work: Task<End, Never>) {
        self.pid = pid
        self.channel = channel
        self.work = work
    }

    deinit { self.channel.terminate() }

    /// Starts the program; returns once it runs.
    ///
    /// - Throws: ``ToolFailure`` when the guard or the program cannot be started.
    static func start(
        _ launch: Launch,
        collector: OutputCollector
    ) async throws(ToolFailure) -> GuardedProcess {
        guard access(launch.guardPath, X_OK) == 0 else {
            throw ToolFailure(
                .error,
                "the guard '\(launch.guardPath)' is missing or not executable; "
                    + "install opsroom-guard beside opsroom or set OPSROOM_GUARD"
            )
        }
        let (channel, guardEnd) = try GuardChannel.open(
            patience: launch.grace + launch.guardMargin
        )
        // SAFETY: never cancelled, so that output is read to its end; it ends with the guard,
        // which `terminate()`, this object's end and the node's end all end. `waitForEnd` awaits.
        let work = Task { await Self.run(launch, channel, guardEnd, collector) }
        let start = await withTaskCancellationHandler {
            // Cancelled at the end of this scope, once the start is known.
            async let _ = Self.terminate(channel, at: launch.deadline)
            return await channel.waitForStart()
        } onCancel: {
            channel.terminate()
        }
        switch start {
        case .started(let program):
            return GuardedProcess(pid: program.pid, channel: channel, work: work)
        case .failed(let sentence):
            _ = await work.value
            throw ToolFailure(.error, sentence)
        case .silent:
            let end = await work.value
            if Task.isCancelled { throw .cancelled }
            if launch.deadline <= .now {
                throw ToolFailure(.timeout, "the program did not start in time")
            }
            throw end.failure ?? ToolFailure(.error, "the guard ended before the program started")
        }
    }

    /// Asks the program and all its descendants to end: SIGTERM now, SIGKILL after the grace. A
    /// guard that does not bring that about within the margin is killed, and the node does its work.
    func terminate() { self.channel.terminate() }

    /// Waits for the end of the program, its descendants and its output.
    func waitForEnd() async -> End { await self.work.value }

    private static func terminate(
        _ channel: GuardChannel,
        at deadline: ContinuousClock.Instant
    ) async {
        // An error is the cancellation: the start is known.
        guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
        channel.terminate()
    }

    private static func run(
        _ launch: Launch,
        _ channel: GuardChannel,
        _ guardEnd: Int32,
        _ collector: OutputCollector
    ) async -> End {
        do {
            let result = try await Subprocess.run(
                Self.configuration(launch),
                input: .fileDescriptor(
                    FileDescriptor(rawValue: guardEnd),
                    closeAfterSpawningProcess: true
                ),
                output: .sequence,
                error: .sequence
            ) { execution in
                async let stdout = collector.collect(execution.standardOutput, from: .stdout)
                async let stderr = collector.collect(execution.standardError, from: .stderr)
                if await channel.waitUntilOverdue() {
                    // It has not been reaped, so its number is its own; failing means it is gone.
                    try? execution.send(signal: .kill)
                    await channel.waitForEnd()
                }
                var isGone = true
                if let program = channel.orphan() {
                    isGone = await BlockingWork.run { program.killEverything() }
                }
                return (await stdout, await stderr, isGone)
            }
            let (stdout, stderr, isGone) = result.closureResult
            var end = End(exitCode: 0, stdout: stdout, stderr: stderr)
            switch result.terminationStatus {
            case .exited(let code):
                end.exitCode = code
                end.signal = channel.endSignal()
            case .signaled(let signal):
                end.exitCode = 128 + signal
                end.signal = signal
                end.failure = ToolFailure(
                    .error,
                    "the program's guard was killed by signal \(signal); "
                        + (isGone ? "the program was too" : "the program could not be"),
                    isOutcomeUnknown: true
                )
            }
            return end
        } catch {
            channel.abandon()
            let nothing = OutputCollector.Summary(text: "", isTruncated: false)
            return End(
                exitCode: -1,
                stdout: nothing,
                stderr: nothing,
                failure: ToolFailure(.error, "the guard could not be started: \(error)")
            )
        }
    }

    private static func configuration(_ launch: Launch) -> Configuration {
        var options = ["--grace", String(launch.grace.milliseconds)]
        if let file = launch.standardInput { options += ["--stdin", file] }
        var variables: [Environment.Key: String] = [:]
        for (name, value) in launch.environment {
            variables[Environment.Key(stringLiteral: name)] = value
        }
        return Configuration(
            executable: .path(FilePath(launch.guardPath)),
            arguments: Arguments(options + ["--"] + launch.arguments),
            environment: .custom(variables),
            workingDirectory: FilePath(launch.directory)
        )
    }
}

extension Duration {
    /// Whole milliseconds, never negative.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return max(0, seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }
}
