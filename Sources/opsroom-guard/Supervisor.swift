// When the guard ends what it guards: the program's end, the node's end, or SIGTERM.

import Glibc

/// Starts the program, waits, and clears up behind it within a bounded time.
struct Supervisor {
    private let invocation: Invocation
    private var program: pid_t = 0
    /// The program's wait status once it has ended.
    private var status: Int32?
    /// When SIGTERM was sent to everything.
    private var terminatedAt: Int64?

    /// How long SIGKILL is repeated before the guard gives up on processes the kernel holds.
    private static let killMillisecondsMax: Int64 = 5_000

    init(_ invocation: Invocation) { self.invocation = invocation }

    /// Runs the program to its end and returns the guard's exit code.
    mutating func run() -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        guard System.becomeSubreaper(), let signals = SignalQueue() else {
            LifeLine.report("failed 125 the system lacks subreaper or signalfd")
            StandardError.write("the system lacks subreaper or signalfd")
            return 125
        }
        do {
            self.program = try Program.start(self.invocation)
        } catch {
            LifeLine.report("failed \(error.exitCode) \(error.message)")
            StandardError.write(error.message)
            return error.exitCode
        }
        LifeLine.report("started")
        return self.supervise(signals)
    }

    /// One loop until no descendant is left.
    private mutating func supervise(_ signals: SignalQueue) -> Int32 {
        var isAttached = true
        while true {
            let isAlone = self.reap()
            if isAlone { return self.report() }
            if self.status != nil { self.terminate() }
            if let started = self.terminatedAt, self.killIfDue(since: started) {
                StandardError.write("some processes could not be killed")
                return self.report()
            }
            var waits = [
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isAttached ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waits, 2, self.pollMilliseconds) > 0 else { continue }
            while let signal = signals.next() {
                if signal != SIGCHLD { self.terminate() }
            }
            if waits[1].revents != 0, LifeLine.isClosed() {
                isAttached = false
                self.terminate()
            }
        }
    }

    /// Collects ended children; true when none is left.
    private mutating func reap() -> Bool {
        while true {
            var status: Int32 = 0
            let process = waitpid(-1, &status, WNOHANG)
            if process == 0 { return false }
            if process < 0 { return errno == ECHILD }
            if process == self.program { self.status = status }
        }
    }

    /// Asks everything to end, once.
    private mutating func terminate() {
        guard self.terminatedAt == nil else { return }
        self.terminatedAt = System.now
        // The group in one call first: it also reaches what is forked between two readings of
        // /proc. Once the program is reaped its id may belong to somebody else.
        let group = self.status == nil ? self.program : -1
        if group > 0 { kill(-group, SIGTERM) }
        for process in ProcessTree.descendants() where getpgid(process) != group {
            kill(process, SIGTERM)
        }
    }

    /// After the grace: SIGKILL to everything at each turn. True when the time for that is over.
    private func killIfDue(since started: Int64) -> Bool {
        let elapsed = System.now - started
        guard elapsed >= self.invocation.graceMilliseconds else { return false }
        ProcessTree.signalAll(SIGKILL)
        return elapsed >= self.invocation.graceMilliseconds + Self.killMillisecondsMax
    }

    /// How long the loop may sleep.
    private var pollMilliseconds: Int32 {
        guard let started = self.terminatedAt else { return -1 }
        let left = started + self.invocation.graceMilliseconds - System.now
        return left > 0 ? Int32(left) : 5
    }

    /// Tells how the program ended and turns that into an exit code.
    private func report() -> Int32 {
        guard let status = self.status else {
            LifeLine.report("signal \(SIGKILL)")
            return 128 + SIGKILL
        }
        let signal = status & 0x7F
        if signal != 0 {
            LifeLine.report("signal \(signal)")
            return 128 + signal
        }
        let code = (status >> 8) & 0xFF
        LifeLine.report("exit \(code)")
        return code
    }
}
