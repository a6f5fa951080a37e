// How the node and a guard hold on to each other: a socket pair whose end is the message.

import Dispatch
import Glibc
import PulserIR
import Synchronization

/// The node's end of a guard's life-line.
///
/// The guard ends everything once it reads the end of this stream: after ``terminate()``, or when
/// the kernel closes the descriptor because the node died. In return it reports in short lines.
final class GuardChannel: Sendable {
    /// What the guard says first.
    enum Start: Sendable, Equatable {
        /// The program runs; its process id.
        case started(Int32)
        /// It could not be started; a sentence.
        case failed(String)
        /// The guard ended without a word.
        case silent
    }

    private struct State {
        var text = ""
        var isTerminated = false
    }

    private static let queue = DispatchQueue(label: "opsroom.tools.guard-channel")

    private let descriptor: Int32
    private let state = Mutex(State())

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(self.descriptor) }

    /// Makes both ends; the second becomes the guard's standard input and belongs to the caller.
    static func open() throws(ToolFailure) -> (channel: GuardChannel, guardEnd: Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw ToolFailure(
                .error,
                "no socket for the guard: \(String(cString: strerror(errno)))"
            )
        }
        return (GuardChannel(ends[0]), ends[1])
    }

    /// Asks the guard to end everything; harmless when repeated or too late.
    func terminate() {
        let isFirst = self.state.withLock { state in
            defer { state.isTerminated = true }
            return !state.isTerminated
        }
        if isFirst { shutdown(self.descriptor, Int32(SHUT_WR)) }
    }

    /// Ends the conversation in both directions, for a guard that never started.
    func abandon() { shutdown(self.descriptor, Int32(SHUT_RDWR)) }

    /// Waits for the guard's first line.
    func waitForStart() async -> Start {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let source = DispatchSource.makeReadSource(
                fileDescriptor: self.descriptor,
                queue: Self.queue
            )
            // The guard sends a line in one piece, so readable means readable to its end.
            source.setEventHandler { source.cancel() }
            source.setCancelHandler { continuation.resume() }
            source.resume()
        }
        for line in self.lines() {
            if let pid = Self.number(after: "started ", in: line) { return .started(pid) }
            if line.hasPrefix("failed ") {
                let words = line.split(separator: " ", maxSplits: 2)
                return .failed(words.count == 3 ? String(words[2]) : "it could not be started")
            }
        }
        return .silent
    }

    /// The signal that ended the program, known once the guard has exited.
    func endSignal() -> Int32? {
        self.lines().lazy.compactMap { Self.number(after: "signal ", in: $0) }.first
    }

    /// Everything the guard has said up to now.
    private func lines() -> [Substring] {
        self.state.withLock { state in
            var buffer: [UInt8] = Array(repeating: 0, count: 1_024)
            while true {
                let count = recv(self.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                guard count > 0 else { break }
                state.text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            return state.text.split(separator: "\n")
        }
    }

    private static func number(after prefix: String, in line: Substring) -> Int32? {
        line.hasPrefix(prefix) ? Int32(line.dropFirst(prefix.count)) : nil
    }
}
