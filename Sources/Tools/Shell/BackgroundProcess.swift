// How the run holds a program that goes on behind its step.

public import PulserIR

/// A program in the background; it ends with ``stop()``, by itself, or with the node.
public final class BackgroundProcess: Sendable {
    /// The program's process id.
    public let pid: Int32
    private let process: GuardedProcess

    init(_ process: GuardedProcess) {
        self.pid = process.pid
        self.process = process
    }

    /// What the step that started it gives as its result: `{"pid": n}`.
    public var startResult: JSONValue { .object(["pid": .integer(Int64(self.pid))]) }

    /// Ends it and everything it started: SIGTERM at once, SIGKILL after the grace. Returns when
    /// nothing is left; may be called again.
    public func stop() async {
        self.process.terminate()
        _ = await self.process.waitForEnd()
    }

    /// Waits until it has ended, and gives what a foreground action would have given.
    public func waitForExit() async -> ToolResult {
        ShellTool.result(of: await self.process.waitForEnd())
    }
}
