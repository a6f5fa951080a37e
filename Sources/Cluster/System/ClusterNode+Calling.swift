// How a call is made: where to, with what, how often, until when.

internal import Metrics
internal import NIOCore
internal import PulserIR

extension ClusterNode {
    /// What a caller wants.
    struct Request: Sendable {
        var address: ActorAddress
        var method: ActorCatalog.Method
        var arguments: [LocalValue]
        var traffic: Traffic
    }

    /// Makes a call and waits for its outcome, which is never a redirect.
    func call(_ request: Request) async throws -> CallOutcome {
        self.metrics.calls.increment()
        let options = CallOptions.current
        let context = CallContext.current
        let now = NIODeadline.now()
        var deadline = now + TimeAmount(options.timeout ?? self.configuration.timeout)
        if let context { deadline = min(deadline, context.deadline) }
        let chain = context?.chain ?? []
        guard chain.count < CallHead.chainMax else {
            throw ClusterError(.cycle, "\(chain.count) actors wait for each other already")
        }
        var attempt = Attempt(
            request,
            options,
            chain: chain,
            trace: options.trace ?? context?.trace
        )
        var route = RouteMachine(
            place: request.address.place,
            isRepeatable: request.method.isIdempotent || options.operation != nil,
            attemptsMax: options.attemptsMax
        )
        var action = route.again(self.place(of: request.address))
        var last: ClusterError?
        while true {
            switch action {
            case .send(let node, let generation):
                let remaining = Duration.nanoseconds((deadline - .now()).nanoseconds)
                guard remaining > .zero else { throw last ?? Self.expired }
                attempt.head.generation = generation
                attempt.head.remaining = route.patience(remaining)
                let outcome = try await self.perform(&attempt, at: node)
                switch outcome {
                case .value, .local, .thrown: return outcome
                case .redirect(let redirect):
                    self.metrics.redirected(redirect.reason)
                    action = route.redirected(redirect)
                case .failure(let failure):
                    last = failure.error
                    action = route.failed(failure.error)
                    if case .fail = action { return outcome }
                }
            case .wait(let pause):
                action = try await self.wait(pause, deadline, last, &route, request.address)
            case .fail(let error): throw error
            }
        }
    }

    /// Pauses, asks the directory again.
    private func wait(
        _ pause: Duration,
        _ deadline: NIODeadline,
        _ last: ClusterError?,
        _ route: inout RouteMachine,
        _ address: ActorAddress
    ) async throws -> RouteMachine.Action {
        let remaining = Duration.nanoseconds((deadline - .now()).nanoseconds)
        guard remaining > pause else { throw last ?? Self.nobody }
        self.metrics.repeats.increment()
        do { try await Task.sleep(for: pause) } catch { throw Self.cancelled }
        if case .shard(let shard) = address.place { await self.refresh(shard, until: deadline) }
        if Task.isCancelled { throw Self.cancelled }
        return route.again(self.place(of: address))
    }

    /// Has the directory look, and waits for that no longer than until `deadline`: a node whose life
    /// ends answers nobody any more.
    func refresh(_ shard: Int32, until deadline: NIODeadline) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.directory.refresh(shard: shard) }
            group.addTask {
                try? await Task.sleep(for: .nanoseconds((deadline - .now()).nanoseconds))
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func place(of address: ActorAddress) -> ShardPlace? {
        guard case .shard(let shard) = address.place else { return nil }
        return self.directory.place(of: shard)
    }

    /// What is the same in every attempt of a call.
    struct Attempt {
        var head: CallHead
        let request: Request
        /// Made when the first attempt goes to another node.
        var encoded: [UInt8]?

        init(_ request: Request, _ options: CallOptions, chain: [UInt64], trace: TraceContext?) {
            self.request = request
            self.head = CallHead(
                address: request.address,
                method: request.method.number,
                remaining: .zero
            )
            self.head.operation = options.operation
            self.head.chain = chain
            self.head.trace = trace
            self.head.argumentsCount = request.arguments.count
        }

        mutating func encode(_ limits: BinaryLimits) throws -> [UInt8] {
            if let encoded = self.encoded { return encoded }
            let encoder = BinaryEncoder(limits: limits)
            do {
                for argument in self.request.arguments { try encoder.encode(argument.value) }
            } catch EncodingError.invalidValue(_, let context) {
                throw ClusterError(
                    .notEncodable,
                    "the arguments cannot be sent: \(context.debugDescription)"
                )
            }
            self.encoded = encoder.bytes
            return encoder.bytes
        }
    }

    private func perform(_ attempt: inout Attempt, at node: NodeEpoch) async throws -> CallOutcome {
        attempt.head.viewVersion = self.directory.version
        let deadline = NIODeadline.now() + TimeAmount(attempt.head.remaining)
        guard node != self.me else {
            // The result of a named operation may be asked for from elsewhere.
            let arguments: IncomingCall.Arguments =
                attempt.head.operation == nil
                ? .values(attempt.request.arguments)
                : .bytes(try attempt.encode(self.configuration.limits), at: 0)
            return await self.performHere(attempt.head, arguments, deadline)
        }
        let key = LinkPool.Key(node: node, traffic: attempt.request.traffic)
        let link: Link
        switch self.link(key) {
        case .success(let found): link = found
        case .failure(let error): return .failure(Failure(error))
        }
        let arguments = try attempt.encode(self.configuration.limits)
        var wire = WireWriter()
        attempt.head.write(to: &wire)
        let method = MethodKey(
            kind: attempt.head.address.kind.number,
            method: attempt.head.method
        )
        let call = OutgoingCall(self.deadlines, isNamed: attempt.head.operation != nil)
        return await call.outcome { call in
            call.watched(by: self.deadlines.add(call, due: deadline))
            link.send(call, wire.bytes, arguments, method)
        }
    }

    private func performHere(
        _ head: CallHead,
        _ arguments: IncomingCall.Arguments,
        _ deadline: NIODeadline
    ) async -> CallOutcome {
        let call = OutgoingCall(self.deadlines, isNamed: head.operation != nil)
        return await call.outcome { call in
            call.watched(by: self.deadlines.add(call, due: deadline))
            let incoming = IncomingCall(head, arguments, deadline: deadline) { call.finish($0) }
            call.routed(.local(incoming))
            self.received(incoming)
        }
    }

    // MARK: Errors and health

    /// The error that a caller gets: the actor's own where its type allows it.
    func error(_ failure: Failure, _ entry: ActorCatalog.Entry) -> any Error {
        self.metrics.failed(failure.error.code)
        guard failure.error.code == .thrown, let payload = failure.payload,
            let name = failure.error.typeName, let type = entry.errors[name],
            let error = try? self.decode(payload, as: type)
        else { return failure.error }
        return error
    }

    private func decode<Thrown: Error & Codable & Sendable>(
        _ payload: [UInt8],
        as type: Thrown.Type
    ) throws -> any Error {
        var decoder = try BinaryDecoder(payload, limits: self.configuration.limits)
        return try decoder.decode(type)
    }

    /// A probe was answered.
    func probed(_ node: NodeEpoch, in time: TimeAmount) {
        self.metrics.probe.recordNanoseconds(time.nanoseconds)
        self.pool.existing(LinkPool.Key(node: node, traffic: .control))?.probed(in: time)
    }

    /// What is known of the control link to a node.
    func health(of node: NodeEpoch) -> LinkHealth? {
        guard let link = self.pool.existing(LinkPool.Key(node: node, traffic: .control)) else {
            return nil
        }
        let now = NIODeadline.now()
        return LinkHealth(
            silence: link.receivedAt.map { .nanoseconds((now - $0).nanoseconds) },
            roundTrip: link.roundTrip.map { .nanoseconds($0.nanoseconds) }
        )
    }

    private static let expired = ClusterError(
        .timedOut,
        "the deadline passed before the call could be sent"
    )
    private static let nobody = ClusterError(
        .misplaced,
        "nobody owned the actor's shard before the deadline; nothing was done"
    )
    private static let cancelled = ClusterError(.cancelled, "the caller was cancelled")
}
