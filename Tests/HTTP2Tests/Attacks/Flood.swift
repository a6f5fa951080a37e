// Decides how frames are sent as fast as a server takes them, and what is noted of its answer.

/// What became of a flood.
struct FloodOutcome: Sendable {
    /// Units (frames, or groups of frames) that were written wholly.
    var sent = 0
    /// Frames that came back, by type.
    var answers: [UInt8: Int] = [:]
    /// The code of the last GOAWAY.
    var goAway: ErrorCode?
    /// Whether the server closed the connection.
    var isClosed = false

    func answers(_ type: UInt8) -> Int { self.answers[type] ?? 0 }
}

extension RawPeer {
    /// Sends `count` units, reading what comes back meanwhile unless told not to, until the server
    /// closes the connection or no byte moves for `patience`.
    func flood(
        _ count: Int,
        isReading: Bool = true,
        patience: Duration = RawSocket.patience,
        _ unit: (Int) -> [UInt8]
    ) throws -> FloodOutcome {
        var outcome = FloodOutcome()
        var pending: ArraySlice<UInt8> = []
        var deadline = ContinuousClock.now + patience
        while !self.socket.isEnded, !self.socket.isBroken, ContinuousClock.now < deadline {
            if pending.isEmpty {
                guard outcome.sent < count else { break }
                pending = unit(outcome.sent)[...]
                outcome.sent += 1
            }
            let written = self.socket.writeNow(pending)
            pending = pending.dropFirst(written)
            if written > 0 { deadline = ContinuousClock.now + patience }
            if isReading { try self.drain() }
            if written == 0, !self.socket.isBroken {
                try self.socket.awaitSpace(isReading: isReading, until: deadline)
            }
        }
        return try self.outcome(of: &outcome)
    }

    private func outcome(of flood: inout FloodOutcome) throws -> FloodOutcome {
        // Whatever the server still had to say; a ping shows that it has read everything.
        if !self.socket.isBroken {
            let ping = RawFrame.ping(0xF100D)
            try self.send(ping)
            while !self.pingAcks.contains(ping.payload), try self.nextFrame() != nil {}
        }
        try self.drain()
        flood.answers = self.tally
        flood.goAway = self.goAway.map { ErrorCode($0.number(at: 4)) }
        flood.isClosed = self.socket.isEnded || self.socket.isBroken
        return flood
    }
}
