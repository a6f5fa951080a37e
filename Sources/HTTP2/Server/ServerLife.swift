// What a server's connections share: its handler, its limits, and how many of them there are.

import HTTPTypes
import Logging
import NIOCore
import Synchronization

/// A listening server, seen from its connections.
///
/// Owner: ``HTTPServer/run(onListening:)``, which waits for the last connection.
final class ServerLife: Sendable {
    let handler: @Sendable (any ServerExchange) async -> Void
    let limits: ConnectionLimits
    private let form: (@Sendable (HTTPResponse.Status) -> (HTTPFields, ByteBuffer))?
    let logger: Logger

    private struct State {
        var admission: AdmissionMachine
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(
        _ configuration: HTTPServerConfiguration,
        logger: Logger,
        handler: @escaping @Sendable (any ServerExchange) async -> Void
    ) {
        self.handler = handler
        self.limits = configuration.limits
        self.form = configuration.refusal
        self.logger = logger
        self.state = Mutex(State(admission: AdmissionMachine(configuration)))
    }

    /// The answer to what no handler is asked about.
    func refusal(_ code: Int) -> (HTTPResponse, OutboundBody) {
        var response = HTTPResponse(status: HTTPResponse.Status(code: code))
        guard let form else { return (response, .none) }
        let (fields, body) = form(response.status)
        response.headerFields = fields
        return (response, .whole(body))
    }

    /// Asks whether one more connection may be made.
    ///
    /// - Returns: What it would exceed; `nil` lets it in, and ``left(_:)`` must be called.
    func admit(_ address: SocketAddress?) -> LimitName? {
        let host = address?.ipAddress ?? ""
        let (refusal, count) = self.state.withLock { state in
            (state.admission.admit(host, at: .now()), state.admission.count)
        }
        if let refusal {
            HTTP2Metrics.reached(refusal)
        } else {
            HTTP2Metrics.connections(count)
        }
        return refusal
    }

    /// A connection that was let in is gone, and its handlers have returned.
    func left(_ address: SocketAddress?) {
        let host = address?.ipAddress ?? ""
        let (waiter, count) = self.state.withLock { state in
            state.admission.left(host)
            guard state.admission.count == 0 else {
                return (nil as CheckedContinuation<Void, Never>?, state.admission.count)
            }
            let waiter = state.waiter
            state.waiter = nil
            return (waiter, 0)
        }
        HTTP2Metrics.connections(count)
        waiter?.resume()
    }

    /// A request ran into a limit.
    func count(_ limit: LimitName) { HTTP2Metrics.reached(limit) }

    /// Waits no longer for connections whose handlers do not return.
    func giveUp() {
        let (waiter, count) = self.state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            return (waiter, state.admission.count)
        }
        guard let waiter else { return }
        self.logger.warning(
            "requests do not end although they were cancelled",
            metadata: ["connections": "\(count)"]
        )
        waiter.resume()
    }

    /// Waits until no connection is left.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = self.state.withLock { state in
                if state.admission.count > 0 { state.waiter = continuation }
                return state.admission.count == 0
            }
            if isEmpty { continuation.resume() }
        }
    }
}
