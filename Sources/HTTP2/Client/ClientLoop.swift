// Does what ClientQueueMachine decides: connections, streams, timers, on one event loop.

internal import HTTPTypes
internal import Logging
internal import NIOCore

/// A client's state. Confined to one event loop, as are all of its connections.
///
/// Owner: ``HTTP2Client``. Ends: ``stop()``.
final class ClientLoop {
    /// A connection from the first attempt to its end.
    struct Entry {
        var connection: ClientConnection?
        var channel: (any Channel)?
        var deadline: Scheduled<Void>?
        /// The channel is neither there nor given up.
        var isConnecting = true
        var isReady = false
        /// Why it cannot be had, when that is known better than by its end.
        var failure: HTTP2Error?
    }

    let eventLoop: any EventLoop
    let configuration: HTTP2ClientConfiguration
    let logger: Logger
    var entries: [Int: Entry] = [:]
    var connector: ClientConnector
    private var machine: ClientQueueMachine
    private var requests: [Int: ClientRequest] = [:]
    private var nextRequest = 0
    private var todo = CircularBuffer<ClientQueueMachine.Action>()
    private var isPerforming = false
    private var whenEnded: CheckedContinuation<Void, Never>?
    private var drain: Scheduled<Void>?

    init(_ configuration: HTTP2ClientConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        self.connector = ClientConnector(configuration)
        var settings = ClientQueueMachine.Settings()
        settings.queueMax = configuration.queueMax
        settings.connectionsMax = max(1, configuration.connectionsMax)
        settings.streamsMax = max(1, configuration.streamsPerConnectionMax)
        settings.attemptsMax = max(1, configuration.attemptsMax)
        settings.backoff = TimeAmount(configuration.backoff)
        settings.backoffMax = TimeAmount(configuration.backoffMax)
        self.machine = ClientQueueMachine(settings, at: .now())
    }

    // MARK: run()

    func start(_ whenEnded: CheckedContinuation<Void, Never>) {
        guard self.machine.phase == .gathering else { return whenEnded.resume() }
        self.whenEnded = whenEnded
        self.perform(self.machine.start(at: .now()))
    }

    func stop() {
        guard self.machine.phase == .gathering || self.machine.phase == .running else { return }
        self.drain = self.eventLoop.assumeIsolated().scheduleTask(
            in: TimeAmount(self.configuration.drainTimeout)
        ) {
            self.perform(self.machine.stopNow(at: .now()))
        }
        let unawaited = self.requests.values.filter { !$0.isAwaited }.map(\.id).sorted()
        for id in unawaited { self.abandon(id, HTTP2Error(.cancelled, "the client was ended")) }
        self.perform(self.machine.stop(at: .now()))
    }

    // MARK: Requests

    /// A request that is not yet submitted.
    func makeRequest(
        _ head: HTTPRequest,
        _ body: ClientRequest.Body,
        isIdempotent: Bool,
        isAwaited: Bool
    ) -> ClientRequest {
        self.nextRequest += 1
        var head = head
        if head.scheme == nil { head.scheme = self.configuration.tls == nil ? "http" : "https" }
        if head.authority == nil { head.authority = self.configuration.authority }
        if head.path == nil { head.path = "/" }
        return ClientRequest(
            id: self.nextRequest,
            head: head,
            body: body,
            isIdempotent: isIdempotent,
            isAwaited: isAwaited,
            client: self
        )
    }

    func submit(_ request: ClientRequest, timeout: Duration?) {
        self.requests[request.id] = request
        if let timeout {
            let server = self.configuration.server
            request.deadline = self.eventLoop.assumeIsolated().scheduleTask(
                in: TimeAmount(timeout)
            ) {
                request.abandon(
                    HTTP2Error(.timedOut, "\(server) did not answer within \(timeout)")
                )
            }
        }
        self.perform(
            self.machine.submit(request.id, isIdempotent: request.isIdempotent, at: .now())
        )
    }

    func abandon(_ id: Int, _ error: HTTP2Error) {
        self.perform(self.machine.abandon(id, error, at: .now()))
    }

    // MARK: From connections

    func ready(_ id: Int, streamsMax: Int) {
        guard let entry = self.entries[id] else { return }
        if !entry.isReady {
            entry.deadline?.cancel()
            self.entries[id]?.isReady = true
            ClientMetrics.connects(ready: true)
            self.logger.debug("connected", metadata: ["server": "\(self.configuration.server)"])
        }
        self.perform(self.machine.connectionReady(id, streamsMax: streamsMax, at: .now()))
    }

    func leaving(_ id: Int) { self.perform(self.machine.connectionLeaving(id, at: .now())) }

    /// A connection has ended, or never was.
    func ended(_ id: Int, _ error: HTTP2Error) {
        // The attempt itself knows better why it failed.
        if self.entries[id]?.isConnecting == true { return }
        guard let entry = self.entries.removeValue(forKey: id) else { return }
        entry.deadline?.cancel()
        let jitter = Double.random(in: 0..<1)
        if entry.isReady {
            self.logger.debug("disconnected", metadata: ["reason": "\(error.message)"])
            self.perform(self.machine.connectionClosed(id, at: .now(), jitter: jitter))
        } else {
            ClientMetrics.connects(ready: false)
            let failure = entry.failure ?? self.connector.failure(error)
            self.logger.debug("not connected", metadata: ["reason": "\(failure.message)"])
            self.perform(self.machine.connectFailed(id, failure, at: .now(), jitter: jitter))
        }
    }

    func streamEnded(_ request: ClientRequest, _ error: HTTP2Error?) {
        if error == nil { self.requests[request.id] = nil }
        self.perform(
            self.machine.streamEnded(
                request.id,
                error,
                canRepeat: request.canRepeat,
                at: .now(),
                jitter: Double.random(in: 0..<1)
            )
        )
    }

    // MARK: Doing

    /// One after the other: what an action leads to comes behind the actions decided before it.
    private func perform(_ actions: [ClientQueueMachine.Action]) {
        self.todo.append(contentsOf: actions)
        guard !self.isPerforming else { return }
        self.isPerforming = true
        while let action = self.todo.popFirst() { self.perform(action) }
        self.isPerforming = false
    }

    private func perform(_ action: ClientQueueMachine.Action) {
        switch action {
        case .connect(let id): self.connect(id)
        case .start(let id, let connection): self.open(id, on: connection)
        case .fail(let id, let error):
            self.requests.removeValue(forKey: id)?.finish(nil, error)
        case .cancel(let id, _): self.requests[id]?.stream?.reset(StreamCode.cancel)
        case .close(let id): self.close(id)
        case .wake(let time):
            self.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
                guard let self else { return }
                self.perform(self.machine.wake(at: .now()))
            }
        case .ended:
            self.drain?.cancel()
            self.drain = nil
            let whenEnded = self.whenEnded
            self.whenEnded = nil
            whenEnded?.resume()
        }
    }

    private func open(_ id: Int, on connection: Int) {
        guard let request = self.requests[id] else { return }
        if request.wasSent { ClientMetrics.repeated() }
        request.wasSent = true
        if let connection = self.entries[connection]?.connection {
            connection.open(request)
        } else {
            self.streamEnded(
                request,
                HTTP2Error(.goingAway, "the connection ended before the request was sent")
            )
        }
    }

    private func close(_ id: Int) {
        guard let entry = self.entries[id] else { return }
        if let connection = entry.connection, entry.isReady {
            connection.shutDown()
        } else if let channel = entry.channel {
            channel.close(promise: nil)
        } else {
            // Whatever comes of the attempt is closed when it comes.
            self.entries[id]?.isConnecting = false
            self.ended(id, HTTP2Error(.cancelled, "the client was ended"))
        }
    }
}
