// What a test may expect of a peer: an answer, an error of the stream or of the connection, life.

extension RawPeer {
    /// Proves that the connection still works: a PING is acknowledged.
    func expectAlive() throws {
        let ping = RawFrame.ping(UInt32(self.pingAcks.count + 1))
        try self.send(ping)
        try self.wait(for: "a PING to be acknowledged") { peer in
            if let goAway = peer.goAway, goAway.number(at: 4) != 0 {
                throw peer.failure("the connection was to stay, \(goAway) came")
            }
            return peer.pingAcks.contains(ping.payload)
        }
    }

    /// Proves that nothing that was sent so far ended the stream or the connection.
    func expectIgnored(_ stream: UInt32? = nil) throws {
        try self.expectAlive()
        if let stream, let code = self.stream(stream).reset {
            throw self.failure("stream \(stream) was to stay, but was reset with \(code)")
        }
    }

    /// The whole answer on a stream.
    @discardableResult
    func expectResponse(
        _ stream: UInt32,
        status: String = "200",
        body: String? = nil
    ) throws -> StreamRecord {
        try self.wait(for: "an answer on stream \(stream)") { peer in
            let record = peer.stream(stream)
            if let code = record.reset, code != .noError {
                throw peer.failure("an answer on stream \(stream) was due, not \(code)")
            }
            return record.isEnded
        }
        let record = self.stream(stream)
        guard record.statuses.last == status else {
            throw self.failure("status \(status) was due, not \(record.statuses)")
        }
        if let body, record.body != Array(body.utf8) {
            let text = String(decoding: record.body.prefix(200), as: UTF8.self)
            throw self.failure("the body was to be '\(body)', not '\(text)'")
        }
        return record
    }

    /// RST_STREAM with one of these codes, and a connection that goes on.
    func expectStreamError(_ stream: UInt32, _ codes: ErrorCode...) throws {
        try self.awaitReset(stream, codes)
        try self.expectAlive()
    }

    /// The stream is reset with one of these codes, or the connection ends with it
    /// (RFC 9113 section 5.4.1: an endpoint may treat a stream error as one of the connection).
    func expectStreamOrConnectionError(_ stream: UInt32, _ codes: ErrorCode...) throws {
        try self.wait(for: "an error of stream \(stream)") { peer in
            peer.stream(stream).reset != nil || peer.goAway != nil
        }
        if self.goAway != nil { return try self.awaitEnd(codes) }
        try self.awaitReset(stream, codes)
        try self.expectAlive()
    }

    /// A malformed request is refused: the stream is reset, or answered with 400 (section 8.1.1).
    func expectMalformed(_ stream: UInt32) throws {
        try self.wait(for: "stream \(stream) to be refused") { peer in
            let record = peer.stream(stream)
            return record.reset != nil || record.isEnded
        }
        let record = self.stream(stream)
        if record.isEnded {
            guard record.statuses == ["400"] else {
                throw self.failure("status 400 was due, not \(record.statuses)")
            }
        } else if record.reset != .protocolError {
            throw self.failure("PROTOCOL_ERROR was due on stream \(stream)")
        }
        try self.expectAlive()
    }

    /// GOAWAY with one of these codes, then the end of the connection.
    func expectConnectionError(_ codes: ErrorCode...) throws { try self.awaitEnd(codes) }

    /// The end of the connection, with GOAWAY or without.
    func expectClosed() throws {
        while try self.nextFrame() != nil {}
    }

    private func awaitReset(_ stream: UInt32, _ codes: [ErrorCode]) throws {
        try self.wait(for: "RST_STREAM on stream \(stream)") { peer in
            if let goAway = peer.goAway, goAway.number(at: 4) != 0 {
                throw peer.failure("RST_STREAM was due on stream \(stream), \(goAway) came")
            }
            return peer.stream(stream).reset != nil
        }
        let code = self.stream(stream).reset
        guard let code, codes.contains(code) else {
            throw self.failure("stream \(stream) was to be reset with \(codes)")
        }
    }

    private func awaitEnd(_ codes: [ErrorCode]) throws {
        try self.expectClosed()
        guard let goAway = self.goAway else { throw self.failure("no GOAWAY came") }
        guard codes.contains(ErrorCode(goAway.number(at: 4))) else {
            throw self.failure("GOAWAY was due with \(codes)")
        }
    }
}
