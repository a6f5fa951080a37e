// How the node and a guard hold on to each other: a socket pair whose end is the message.

import Dispatch
import Glibc
import PulserIR
import Synchronization

/// The node's end of a guard's life-line.
///
/// The guard ends everything once it reads the end of this stream: after ``terminate()``, or when
/// the kernel closes the descriptor because the node died. In return it reports in short lines, and
/// the end of those is the guard's own end, however it came.
final class GuardChannel: Sendable {
    /// What the guard says first.
    enum Start: Sendable, Equatable {
        /// The program runs.
        case started(GuardedProgram)
        /// It could not be started; a sentence.
        case failed(String)
        /// The guard ended without a word.
        case silent
    }

    private struct State {
        var text = ""
        var isTerminated = false
        /// The guard was told to end and did not for too long.
        var isOverdue = false
        /// The guard has ended.
        var hasEnded = false
        var waiters: [Waiter] = []

        /// The lines that have arrived whole.
        var lines: ArraySlice<Substring> {
            self.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        }

        /// Those from the guard itself; the child that becomes the program speaks before.
        var news: [Substring] { self.lines.filter { !$0.hasPrefix("child ") } }
    }

    private struct Waiter: Sendable {
        let condition: @Sendable (borrowing State) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private static let queue = DispatchQueue(label: "opsroom.tools.guard-channel")

    private let descriptor: Int32
    /// How long after ``terminate()`` the guard is overdue.
    private let patience: Duration
    private let state = Mutex(State())

    private init(_ descriptor: Int32, patience: Duration) {
        self.descriptor = descriptor
        self.patience = patience
    }

    deinit { close(self.descriptor) }

    /// Makes both ends; the second becomes the guard's standard input and belongs to the caller.
    static func open(
        patience: Duration
    ) throws(ToolFailure) -> (channel: GuardChannel, guardEnd: Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw ToolFailure(
                .error,
                "no socket for the guard: \(String(cString: strerror(errno)))"
            )
        }
        let channel = GuardChannel(ends[0], patience: patience)
        channel.listen()
        return (channel, ends[1])
    }

    /// Asks the guard to end everything; harmless when repeated or too late.
    func terminate() {
        let isFirst = self.state.withLock { state in
            defer { state.isTerminated = true }
            return !state.isTerminated && !state.hasEnded
        }
        guard isFirst else { return }
        shutdown(self.descriptor, Int32(SHUT_WR))
        let limit = DispatchTime.now() + .milliseconds(Int(self.patience.milliseconds))
        Self.queue.asyncAfter(deadline: limit) { [weak self] in
            self?.change { $0.isOverdue = true }
        }
    }

    /// Ends the conversation in both directions, for a guard that never started.
    func abandon() { shutdown(self.descriptor, Int32(SHUT_RDWR)) }

    // MARK: What the guard says

    /// Waits until the guard says whether the program runs.
    func waitForStart() async -> Start {
        await self.wait { !$0.news.isEmpty || $0.hasEnded }
        let (lines, program) = self.state.withLock { ($0.news, Self.program(in: $0.lines)) }
        if lines.contains("started"), let program { return .started(program) }
        for line in lines where line.hasPrefix("failed ") {
            let words = line.split(separator: " ", maxSplits: 2)
            return .failed(words.count == 3 ? String(words[2]) : "it could not be started")
        }
        guard lines.isEmpty else {
            self.terminate()
            return .failed("the guard and the node are not of the same version")
        }
        return .silent
    }

    /// Waits for the guard's end; false when it came in time, true when it is overdue.
    func waitUntilOverdue() async -> Bool {
        await self.wait { $0.isOverdue || $0.hasEnded }
        return self.state.withLock { !$0.hasEnded }
    }

    /// Waits for the guard's end.
    func waitForEnd() async { await self.wait { $0.hasEnded } }

    /// The program that a guard left behind when it ended without telling the program's end.
    func orphan() -> GuardedProgram? {
        let lines = self.state.withLock { Array($0.lines) }
        let hasEnded = lines.contains { line in
            ["exit ", "signal ", "failed "].contains { line.hasPrefix($0) }
        }
        return hasEnded ? nil : Self.program(in: lines[...])
    }

    /// The signal that ended the program, known once the guard has ended.
    func endSignal() -> Int32? {
        self.state.withLock { Array($0.lines) }.lazy
            .filter { $0.hasPrefix("signal ") }
            .compactMap { Int32($0.dropFirst("signal ".count)) }.first
    }

    // MARK: Listening

    /// Reads until the guard's end; the source holds this object until then.
    private func listen() {
        let source = DispatchSource.makeReadSource(
            fileDescriptor: self.descriptor,
            queue: Self.queue
        )
        source.setEventHandler { if self.receive() { source.cancel() } }
        source.setCancelHandler { self.change { $0.hasEnded = true } }
        source.resume()
    }

    /// Takes what has arrived; true when nothing more will.
    private func receive() -> Bool {
        var buffer: [UInt8] = Array(repeating: 0, count: 1_024)
        while true {
            let count = recv(self.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 { return true }
            if count < 0 { return errno != EAGAIN && errno != EINTR }
            self.change { $0.text += String(decoding: buffer[..<count], as: UTF8.self) }
        }
    }

    private func wait(until condition: @escaping @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let waiter = Waiter(condition: condition, continuation: continuation)
            self.change { $0.waiters.append(waiter) }
        }
    }

    /// Changes the state and wakes whoever waited for that.
    private func change(_ body: (inout State) -> Void) {
        let ready = self.state.withLock { state in
            body(&state)
            var ready: [Waiter] = []
            var waiting: [Waiter] = []
            for waiter in state.waiters {
                if waiter.condition(state) { ready.append(waiter) } else { waiting.append(waiter) }
            }
            state.waiters = waiting
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// `child PID START-TIME`.
    private static func program(in lines: ArraySlice<Substring>) -> GuardedProgram? {
        for line in lines where line.hasPrefix("child ") {
            let words = line.split(separator: " ")
            guard words.count == 3, let pid = Int32(words[1]), let time = UInt64(words[2]) else {
                return nil
            }
            return GuardedProgram(pid: pid, startTime: time)
        }
        return nil
    }
}
