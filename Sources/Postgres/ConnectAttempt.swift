// Decides how a connection is made: libpq's handshake on a thread of its own, given up at a deadline.

import CLibpq
import Glibc
import Synchronization

/// One attempt to connect.
///
/// Name resolution blocks inside libpq and a TLS or SCRAM handshake computes for milliseconds, so the attempt
/// runs on a side thread. Owner: `PostgresConnection.connect`. Ends: connected, failed, deadline or cancellation.
final class ConnectAttempt: Sendable {
    typealias Outcome = Result<LibpqConnection, PostgresError>

    private enum State {
        case idle
        case waiting(CheckedContinuation<Outcome, Never>)
        case ended
    }

    private let state = Mutex<State>(.idle)
    private let configuration: PostgresConfiguration
    private let deadlineNanoseconds: UInt64

    init(_ configuration: PostgresConfiguration) {
        self.configuration = configuration
        self.deadlineNanoseconds =
            PollerExecutor.nowNanoseconds() + configuration.connectTimeout.nanoseconds
    }

    /// Connects; the attempt answers at its deadline even while libpq still blocks.
    func run(poller: PollerExecutor) async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
                self.state.withLock { $0 = .waiting(continuation) }
                if Task.isCancelled { return self.abandon(.cancelled, "connecting was cancelled") }
                if !SideThread.start({ self.connect() }) {
                    self.abandon(.connectionFailed, "no thread is left to connect on")
                }
                poller.submit { self.startDeadline(poller) }
            }
        } onCancel: {
            self.abandon(.cancelled, "connecting was cancelled")
        }
    }

    private func startDeadline(_ poller: PollerExecutor) {
        guard !self.isEnded else { return }
        _ = poller.schedule(at: self.deadlineNanoseconds) {
            self.abandon(.timeout, "the server did not complete the connection in time")
        }
    }

    private var isEnded: Bool {
        self.state.withLock { state in
            if case .ended = state { true } else { false }
        }
    }

    private func abandon(_ code: PostgresError.Code, _ message: String) {
        _ = self.end(.failure(PostgresError(code, message)))
    }

    /// Answers the caller, once; false when somebody answered before.
    private func end(_ outcome: Outcome) -> Bool {
        let continuation = self.state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            guard case .waiting(let continuation) = state else { return nil }
            state = .ended
            return continuation
        }
        continuation?.resume(returning: outcome)
        return continuation != nil
    }

    // MARK: On the side thread

    private func connect() {
        guard let connection = LibpqConnection.start(self.configuration) else {
            return self.abandon(.connectionFailed, "libpq has no memory for a connection")
        }
        var wanted = PGRES_POLLING_WRITING
        while !self.isEnded {
            if connection.isBad { wanted = PGRES_POLLING_FAILED }
            switch wanted {
            case PGRES_POLLING_OK:
                guard connection.setNonblocking(), connection.enterPipeline() else {
                    wanted = PGRES_POLLING_FAILED
                    continue
                }
                if !self.end(.success(connection)) { connection.finish() }
                return
            case PGRES_POLLING_FAILED:
                let error = Self.failure(connection.errorMessage)
                connection.finish()
                _ = self.end(.failure(error))
                return
            default:
                guard self.wait(connection.socket, writing: wanted == PGRES_POLLING_WRITING) else {
                    continue
                }
                wanted = connection.connectPoll
            }
        }
        connection.finish()
    }

    /// Waits a moment for the socket; the loop around it notices an abandoned attempt.
    private func wait(_ descriptor: Int32, writing: Bool) -> Bool {
        var entry = pollfd(
            fd: descriptor,
            events: Int16(writing ? POLLOUT : POLLIN),
            revents: 0
        )
        return unsafe poll(&entry, 1, 250) > 0
    }

    private static func failure(_ message: String) -> PostgresError {
        // libpq adds this hint when nothing listens; it has no code for it.
        let isMissing =
            message.contains("Is the server running") || message.contains("could not translate")
        return PostgresError(
            isMissing ? .missingServer : .connectionFailed,
            message.isEmpty ? "the server refused the connection" : message
        )
    }
}
