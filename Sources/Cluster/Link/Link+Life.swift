// How a link begins and ends: greetings, a quiet end, a sudden one.

internal import PulserIR
internal import Synchronization

extension Link {
    /// Says who this node is.
    func greet() {
        var wire = WireWriter()
        self.hello.write(to: &wire)
        if self.state.withLock({ $0.outbox.greet(.hello, wire.bytes) }) { self.wake() }
    }

    /// The peer has said who it is.
    func greeted(by peer: Hello) throws(ClusterError) {
        if let objection = self.hello.objection(to: peer, expected: self.expected) {
            guard self.expected == nil else {
                return self.end(ClusterError(.refused, objection))
            }
            var wire = WireWriter()
            wire.text(objection.cut(toBytes: Envelope.messageBytesMax))
            let wakes = self.state.withLock { state in
                state.outbox.isClosing = true
                return state.outbox.greet(.refused, wire.bytes)
            }
            if wakes { self.wake() }
            return
        }
        if self.expected == nil { self.greet() }
        let (isFirst, wakes) = self.state.withLock { state in
            guard state.phase == .opening else { return (false, false) }
            state.phase = .ready
            state.peer = peer
            return (true, state.outbox.open())
        }
        guard isFirst else { throw Self.early }
        if wakes { self.wake() }
        self.host.ready(self)
    }

    /// Ends the link, and every call that is open on it.
    func end(_ error: ClusterError) {
        let ended = self.state.withLock { state -> Ended? in
            guard state.phase != .ended else { return nil }
            let ended = Ended(
                wasReady: state.phase == .ready,
                open: Array(state.open.values),
                takenBytes: state.outbox.takenBytes,
                incoming: Array(state.incoming.values),
                stream: state.stream
            )
            state.phase = .ended
            state.open = [:]
            state.incoming = [:]
            state.stream = nil
            return ended
        }
        guard let ended else { return }
        ended.stream?.stop()
        self.ending.continuation.finish()
        self.host.ended(self, wasReady: ended.wasReady, error)
        for open in ended.open {
            let isUnsent = open.start >= ended.takenBytes
            open.call.finish(.failure(Failure(isUnsent ? Self.unsent(error) : Self.unknown(error))))
        }
        // The result of a named operation is remembered for its caller; nobody waits for others.
        for call in ended.incoming where call.head.operation == nil { call.cancel() }
    }

    private struct Ended {
        var wasReady: Bool
        var open: [OpenCall]
        var takenBytes: UInt64
        var incoming: [IncomingCall]
        var stream: (any LinkTransport)?
    }

    // MARK: A quiet end

    /// Takes no new calls; the peer ends the link when those that are open have ended.
    func retire() {
        let wakes = self.state.withLock { state -> Bool? in
            guard state.phase == .ready else { return nil }
            state.isRetired = true
            return state.outbox.add(.goodbye, 0, [])
        }
        guard let wakes else {
            return self.end(ClusterError(.ended, "the node takes no calls on this connection"))
        }
        self.host.retired(self)
        if wakes { self.wake() }
    }

    /// Ends the stream behind what was sent, when the peer is leaving and nothing is open. Only the
    /// end that was told can know: whatever the other one has sent came before its goodbye.
    func closeWhenDone() {
        let isDone = self.state.withLock { state in
            guard state.isDone, state.phase == .ready else { return false }
            state.outbox.isClosing = true
            return true
        }
        if isDone { self.wake() }
    }

    /// A refusal stays one; anything else only says that nobody was reached.
    private static func unsent(_ error: ClusterError) -> ClusterError {
        error.code == .refused || error.code == .ended
            ? error : ClusterError(.unreachable, error.message)
    }

    private static func unknown(_ error: ClusterError) -> ClusterError {
        ClusterError(
            .unknownOutcome,
            "the connection was lost before the answer came; whether the call was executed is "
                + "unknown (\(error.message))"
        )
    }
}
