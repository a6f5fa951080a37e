// One connection to one node for one kind of traffic: calls from both ends over one stream.

internal import Metrics
internal import NIOCore
internal import PulserIR
internal import Synchronization

/// What a link needs of its node.
protocol LinkHost: AnyObject, Sendable {
    /// A call came.
    func received(_ call: IncomingCall)
    /// The peer is known and the link can be used.
    func ready(_ link: Link)
    /// It takes no new calls, but goes on with those that are open.
    func retired(_ link: Link)
    /// It is over; called once.
    func ended(_ link: Link, wasReady: Bool, _ error: ClusterError)
}

/// A link to a peer, from the first attempt to its end.
///
/// Owner: ``LinkPool``. Runs on: calls come from any thread, bytes on the connection's event loop.
/// Ends: ``end(_:)``; every call that is open then ends, as not sent or with an unknown outcome.
final class Link: Sendable {
    /// What a link is told.
    struct Settings: Sendable {
        var limits = BinaryLimits()
        /// Bytes of calls that may wait to be sent.
        var queueBytesMax = 4_194_304
        /// Calls that may be open in each direction.
        var callsMax = 16_384
    }

    enum Phase {
        case opening
        case ready
        case ended
    }

    struct OpenCall {
        var call: OutgoingCall
        /// Where its bytes begin.
        var start: UInt64
    }

    struct State: ~Copyable {
        var phase = Phase.opening
        var peer: Hello?
        var outbox: Outbox
        var open: [UInt32: OpenCall] = [:]
        var nextID: UInt32 = 0
        var incoming: [UInt32: IncomingCall] = [:]
        var stream: (any LinkTransport)?
        /// Whether the peer has said that the link is to end when nothing is open.
        var isLeaving = false
        /// Whether this end has said so.
        var isRetired = false

        /// Whether nothing is open and nothing will be.
        var isDone: Bool { self.isLeaving && self.open.isEmpty && self.incoming.isEmpty }
    }

    let traffic: Traffic
    /// The node that is meant; `nil` for a link that came from a peer that has not said who it is.
    let expected: NodeEpoch?
    let settings: Settings
    let hello: Hello
    let host: any LinkHost
    private let metrics: ClusterMetrics
    let state: Mutex<State>
    private let lastReceived = Atomic<UInt64>(0)
    private let lastRoundTrip = Atomic<Int64>(-1)
    let ending = AsyncStream<Never>.makeStream()

    init(
        _ traffic: Traffic,
        to expected: NodeEpoch?,
        hello: Hello,
        settings: Settings,
        host: any LinkHost,
        metrics: ClusterMetrics
    ) {
        self.traffic = traffic
        self.expected = expected
        self.hello = hello
        self.settings = settings
        self.host = host
        self.metrics = metrics
        self.state = Mutex(State(outbox: Outbox(bytesMax: settings.queueBytesMax)))
    }

    /// The peer; `nil` before it has said who it is.
    var peer: NodeEpoch? { self.expected ?? self.state.withLock { $0.peer?.node } }

    /// When bytes came last; `nil` before the first.
    var receivedAt: NIODeadline? {
        let time = self.lastReceived.load(ordering: .relaxed)
        return time == 0 ? nil : .uptimeNanoseconds(time)
    }

    /// How long the last probe took; `nil` before the first.
    var roundTrip: TimeAmount? {
        let time = self.lastRoundTrip.load(ordering: .relaxed)
        return time < 0 ? nil : .nanoseconds(time)
    }

    /// A probe was answered.
    func probed(in time: TimeAmount) {
        self.lastRoundTrip.store(time.nanoseconds, ordering: .relaxed)
    }

    /// Whether the peer is known.
    var isReady: Bool { self.state.withLock { $0.phase == .ready } }

    /// Returns when it is over.
    func untilEnded() async { for await _ in self.ending.stream {} }

    // MARK: Calls of this node

    /// Sends a call; what prevents that ends it at once.
    ///
    /// - Parameters:
    ///   - call: Who waits for the answer.
    ///   - head: The head, encoded.
    ///   - arguments: The arguments, encoded.
    ///   - key: The method.
    func send(_ call: OutgoingCall, _ head: [UInt8], _ arguments: [UInt8], _ key: MethodKey) {
        var wakes = false
        let result = self.state.withLock { state -> Result<UInt32, ClusterError> in
            guard state.phase != .ended, !state.isLeaving, !state.isRetired else {
                return .failure(Self.lost)
            }
            if let methods = state.peer?.methods, methods[key.kind]?.contains(key.method) != true {
                return .failure(
                    ClusterError(.unimplemented, "the node's build does not know the method")
                )
            }
            guard !state.outbox.isFull, state.open.count < self.settings.callsMax else {
                return .failure(
                    ClusterError(
                        .overloaded,
                        "too much waits to be sent to the node; try again later"
                    )
                )
            }
            repeat { state.nextID &+= 1 } while state.open[state.nextID] != nil
            let id = state.nextID
            state.open[id] = OpenCall(call: call, start: state.outbox.addedBytes)
            wakes = state.outbox.add(.call, id, head, arguments[...])
            return .success(id)
        }
        if wakes { self.wake() }
        switch result {
        case .success(let id): call.routed(.link(self, id))
        case .failure(let error):
            if error.code == .overloaded { self.metrics.overloads.increment() }
            call.finish(.failure(Failure(error)))
        }
    }

    /// The answer is no longer wanted.
    ///
    /// - Parameters:
    ///   - id: The call's number.
    ///   - stops: Whether the node is told to stop executing it.
    func abandon(_ id: UInt32, stops: Bool) {
        let wakes = self.state.withLock { state in
            guard state.open.removeValue(forKey: id) != nil, stops, state.phase != .ended else {
                return false
            }
            return state.outbox.add(.cancel, id, [])
        }
        if wakes { self.wake() }
    }

    // MARK: Bytes

    /// Begins to use a stream. The end that has called says who it is first.
    func attach(_ stream: any LinkTransport, isCaller: Bool) {
        let isOver = self.state.withLock { state in
            state.stream = stream
            return state.phase == .ended
        }
        if isOver { return stream.stop() }
        if isCaller { self.greet() }
    }

    /// What may be sent now; `nil` for nothing.
    func take() -> ByteBuffer? { self.state.withLock { $0.outbox.take() } }

    /// Whether the stream ends behind what was sent.
    var isClosing: Bool { self.state.withLock { $0.outbox.isClosing } }

    /// Bytes came.
    func heard(at now: NIODeadline) {
        self.lastReceived.store(now.uptimeNanoseconds, ordering: .relaxed)
    }

    /// A whole message came.
    ///
    /// - Throws: `malformed` for what no node of ours would send; the link is to end.
    func received(_ frame: FrameParser.Frame, at now: NIODeadline) throws(ClusterError) {
        // What newer builds send beside the calls is not for us.
        guard let tag = Envelope.Tag(rawValue: frame.tag) else { return }
        switch try Envelope(tag, frame.bytes, self.settings.limits) {
        case .hello(let peer): try self.greeted(by: peer)
        case .refused(let reason): self.end(ClusterError(.refused, reason))
        case .call(let head, let place):
            guard self.isReady else { throw Self.early }
            self.received(frame.id, head, frame.bytes, place, at: now)
        case .reply(let place): self.answered(frame.id, .value(frame.bytes, at: place))
        case .failure(let failure): self.answered(frame.id, .failure(failure))
        case .redirect(let redirect): self.answered(frame.id, .redirect(redirect))
        case .cancel: self.state.withLock { $0.incoming[frame.id] }?.cancel()
        case .goodbye:
            self.state.withLock { $0.isLeaving = true }
            self.host.retired(self)
            self.closeWhenDone()
        }
    }

    private func answered(_ id: UInt32, _ outcome: CallOutcome) {
        // One that was given up meanwhile is not there any more.
        let (open, isDone) = self.state.withLock { state in
            (state.open.removeValue(forKey: id), state.isDone)
        }
        open?.call.finish(outcome)
        if isDone { self.closeWhenDone() }
    }

    private func received(
        _ id: UInt32,
        _ head: CallHead,
        _ bytes: [UInt8],
        _ place: Int,
        at now: NIODeadline
    ) {
        self.metrics.received.increment()
        let call = IncomingCall(
            head,
            .bytes(bytes, at: place),
            deadline: now + TimeAmount(head.remaining)
        ) { [weak self] outcome in
            self?.answer(id, outcome)
        }
        let isTaken = self.state.withLock { state in
            guard state.phase == .ready, state.incoming.count < self.settings.callsMax,
                state.incoming[id] == nil
            else { return false }
            state.incoming[id] = call
            return true
        }
        guard isTaken else {
            self.metrics.overloads.increment()
            return self.answer(id, .failure(.overloaded, "too many calls are open on the link"))
        }
        self.host.received(call)
    }

    /// Sends the outcome of a call that came.
    private func answer(_ id: UInt32, _ outcome: CallOutcome) {
        var wire = WireWriter()
        let tag: Envelope.Tag
        switch outcome {
        case .value(let bytes, let place):
            return self.answer(id, .reply, [], bytes[place...])
        case .local, .thrown:
            tag = .failure
            Failure(ClusterError(.notEncodable, "a result was not encoded")).write(to: &wire)
        case .failure(let failure):
            tag = .failure
            failure.write(to: &wire)
        case .redirect(let redirect):
            tag = .redirect
            redirect.write(to: &wire)
        }
        self.answer(id, tag, wire.bytes, [])
    }

    private func answer(
        _ id: UInt32,
        _ tag: Envelope.Tag,
        _ head: [UInt8],
        _ tail: ArraySlice<UInt8>
    ) {
        var isUnread = false
        var isDone = false
        let wakes = self.state.withLock { state in
            state.incoming[id] = nil
            isDone = state.isDone
            guard state.phase != .ended else { return false }
            isUnread = state.outbox.isOverfull
            return state.outbox.add(tag, id, head, tail)
        }
        if wakes { self.wake() }
        if isDone { self.closeWhenDone() }
        if isUnread {
            self.end(ClusterError(.overloaded, "the node does not read the answers to its calls"))
        }
    }

    /// Has the stream ask for what waits.
    func wake() { self.state.withLock { $0.stream }?.wake() }

    static let early = ClusterError(.malformed, "a message came at the wrong time")
    private static let lost = ClusterError(.unreachable, "the connection to the node has ended")
}

/// A method of a kind.
struct MethodKey: Sendable, Hashable {
    var kind: UInt32
    var method: UInt32
}

/// The stream under a link, from any thread.
protocol LinkTransport: AnyObject, Sendable {
    /// There is something to send.
    func wake()
    /// The link is over.
    func stop()
}
