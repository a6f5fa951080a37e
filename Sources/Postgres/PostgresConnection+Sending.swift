// Decides when a queued call may go on the wire, and in which messages.

extension PostgresConnection {
    /// Sends as many queued calls as may travel together.
    func pump() {
        while self.closeError == nil, let next = self.queue.first, self.maySend(next) {
            _ = self.queue.popFirst()
            self.send(next)
        }
        if self.closeError == nil { self.flush() }
    }

    private func maySend(_ exchange: Exchange) -> Bool {
        guard self.cancellationsUnderway == 0,
            self.inFlight.count < self.configuration.pipelineDepthMax
        else {
            return false
        }
        if self.inFlight.isEmpty { return true }
        return !exchange.isAlone && self.inFlight.first?.isAlone == false
    }

    private func send(_ exchange: Exchange) {
        do throws(PostgresError) {
            try self.setPipelineMode(!exchange.isOutsidePipeline)
            exchange.phase = .sent
            exchange.cancellationsBefore = self.cancellationsSent
            let isSent: Bool
            switch exchange.work {
            case .requests(let requests, let isTransaction):
                isSent = try self.send(requests, isTransaction: isTransaction, for: exchange)
            case .query(let sql, let values, let binary):
                try self.encoder.encodeUntyped(values)
                exchange.steps = [.request(nil), .sync]
                isSent =
                    self.libpq.sendQuery(sql, self.encoder, binary: binary) && self.libpq.sync()
            case .script(let sql), .copyIn(let sql), .copyOut(let sql):
                exchange.steps = [.request(nil)]
                isSent = self.libpq.sendScript(sql)
            }
            self.inFlight.append(exchange)
            if !isSent { self.lose() }
        } catch {
            // Nothing of a call with a value that does not fit has been sent.
            self.complete(exchange, .failure(error))
        }
    }

    private func setPipelineMode(_ wanted: Bool) throws(PostgresError) {
        guard self.isInPipelineMode != wanted else { return }
        guard wanted ? self.libpq.enterPipeline() : self.libpq.exitPipeline() else {
            throw PostgresError(.protocolViolation, self.libpq.errorMessage)
        }
        self.isInPipelineMode = wanted
    }

    /// Prepares what is missing, each under a sync of its own so that a failure before cannot skip it,
    /// then sends the requests under one sync. False when the connection broke.
    private func send(
        _ requests: [PostgresRequest],
        isTransaction: Bool,
        for exchange: Exchange
    ) throws(PostgresError) -> Bool {
        for request in requests { try self.encoder.encode(request) }
        for request in requests where self.preparedStatement(request.statement) == nil {
            let statement = request.statement
            self.preparedCount += 1
            let serverName =
                self.prepared[statement.name] == nil
                ? statement.name : "\(statement.name)#\(self.preparedCount)"
            let prepared = PreparedStatement(statement: statement, serverName: serverName)
            self.prepared[statement.name] = prepared
            exchange.steps += [.prepare(prepared), .sync]
            guard
                self.libpq.sendPrepare(
                    name: serverName,
                    sql: statement.sql,
                    types: statement.parameters
                ), self.libpq.sync()
            else { return false }
        }
        if isTransaction {
            guard self.sendControl("BEGIN", for: exchange) else { return false }
        }
        for request in requests {
            // One request is still encoded from the check above.
            if requests.count > 1 || isTransaction { try self.encoder.encode(request) }
            let prepared = self.preparedStatement(request.statement)
            exchange.steps.append(.request(prepared))
            let name = prepared?.serverName ?? request.statement.name
            guard self.libpq.sendExecute(name: name, self.encoder) else {
                return false
            }
        }
        if isTransaction {
            guard self.sendControl("COMMIT", for: exchange) else { return false }
        }
        exchange.steps.append(.sync)
        return self.libpq.sync()
    }

    private func sendControl(_ sql: String, for exchange: Exchange) -> Bool {
        exchange.steps.append(.control)
        self.encoder.removeAll()
        return self.libpq.sendQuery(sql, self.encoder, binary: true)
    }

    /// What the connection has prepared for `statement`; nil when nothing, or another text by this name.
    private func preparedStatement(_ statement: PostgresStatement) -> PreparedStatement? {
        guard let prepared = self.prepared[statement.name], !prepared.isBroken,
            prepared.statement == statement
        else { return nil }
        return prepared
    }

    /// Writes what libpq has buffered, and asks for writability while something is left.
    func flush() {
        switch self.libpq.flush() {
        case .done: self.watch(readable: self.watched.readable, writable: false)
        case .pending: self.watch(readable: self.watched.readable, writable: true)
        case .failed: self.lose()
        }
    }

    /// Changes what the socket is watched for, when it differs.
    func watch(readable: Bool, writable: Bool) {
        guard self.watched != (readable, writable) else { return }
        self.watched = (readable, writable)
        self.poller.update(self.socket, readable: readable, writable: writable)
    }
}
