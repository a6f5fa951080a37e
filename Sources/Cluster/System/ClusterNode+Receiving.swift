// What becomes of a call that has arrived: gate, memory, mailbox, execution.

internal import Distributed
internal import Metrics
internal import NIOCore
internal import PulserIR
internal import Synchronization

extension ClusterNode: LinkHost {
    func received(_ call: IncomingCall) {
        if call.head.viewVersion > self.directory.version {
            self.directory.heard(of: call.head.viewVersion)
        }
        switch call.head.address.place {
        case .node(let node):
            guard node == self.me else {
                return call.finish(
                    .failure(.noActor, "node \(node.number) is not the one that was called")
                )
            }
            self.admit(call)
        case .shard(let shard):
            // Behind calls that wait, so that none overtakes them.
            guard !self.isParked(behindOthers: call, for: shard) else { return }
            self.judge(call, shard, isFresh: false)
        }
    }

    private func judge(_ call: IncomingCall, _ shard: Int32, isFresh: Bool) {
        let verdict = ShardGate.verdict(
            generation: call.head.generation,
            place: self.directory.place(of: shard),
            node: self.me,
            isFresh: isFresh
        )
        switch verdict {
        case .admit: self.admit(call)
        case .redirect(let redirect): call.finish(.redirect(redirect))
        case .refresh:
            guard let isFirst = self.park(call, for: shard) else {
                self.metrics.overloads.increment()
                return call.finish(
                    .failure(.overloaded, "too many calls wait for news of the shard")
                )
            }
            guard isFirst else { return }
            // SAFETY: ends when the directory has answered, at the latest after the time of a call;
            // nothing waits for it but the calls.
            Task.detached {
                await self.refresh(shard, until: .now() + TimeAmount(self.configuration.timeout))
                while let next = self.unpark(shard) { self.judge(next, shard, isFresh: true) }
            }
        }
    }

    /// Gives a call that is ours to its actor.
    func admit(_ call: IncomingCall, isMade: Bool = false) {
        let head = call.head
        guard let entry = self.catalog.entries[head.address.kind],
            entry.methods[head.method] != nil
        else {
            return call.finish(
                .failure(.unimplemented, "node \(self.me.number) does not know the method")
            )
        }
        let cell: ActorCell
        switch self.find(call, isMade: isMade) {
        case .cell(let found): cell = found
        case .waits: return
        case .full:
            self.metrics.overloads.increment()
            return call.finish(.failure(.overloaded, "too many calls wait for the actor"))
        case .absent:
            return call.finish(.failure(.noActor, "node \(self.me.number) has no such actor"))
        }
        guard !head.chain.contains(head.address.hash64) else {
            return call.finish(
                .failure(
                    .cycle,
                    "the actor waits for the call that this call was made by; send instead of call"
                )
            )
        }
        guard let operation = head.operation else { return cell.mailbox.add(call) }
        self.admit(call, operation, to: cell)
    }

    private func admit(_ call: IncomingCall, _ operation: OperationID, to cell: ActorCell) {
        let key = OperationMemory<IncomingCall, CallOutcome>.Key(
            actor: call.head.address,
            operation: operation
        )
        let admission = self.operations.withLock { $0.admit(key, call, at: .now()) }
        switch admission {
        case .known(let outcome): call.finish(outcome)
        case .wait: break
        case .full:
            self.metrics.overloads.increment()
            call.finish(.failure(.overloaded, "too many named operations are under way"))
        case .execute:
            let named = IncomingCall(call.head, call.arguments, deadline: call.deadline) {
                [weak self] outcome in
                self?.ended(key, outcome)
                call.finish(outcome)
            }
            call.stands(behind: named)
            cell.mailbox.add(named)
        }
    }

    /// Remembers how a named operation ended, and tells those who asked meanwhile.
    private func ended(
        _ key: OperationMemory<IncomingCall, CallOutcome>.Key,
        _ outcome: CallOutcome
    ) {
        let waiters = self.operations.withLock {
            $0.finish(
                key,
                Self.wasExecuted(outcome) ? outcome : nil,
                bytes: outcome.bytesCount,
                at: .now()
            )
        }
        for waiter in waiters { waiter.finish(outcome) }
    }

    /// Whether the method was begun.
    private static func wasExecuted(_ outcome: CallOutcome) -> Bool {
        switch outcome {
        case .value, .local, .thrown: true
        case .redirect: false
        case .failure(let failure):
            switch failure.error.code {
            // Those two come from before its turn; of a method that was cancelled, `thrown` comes.
            case .cancelled, .timedOut: false
            default: !failure.error.isUnprocessed
            }
        }
    }

    /// Executes a call in its turn.
    func execute(_ call: IncomingCall) async -> CallOutcome {
        let head = call.head
        // Looked up again: the actor may have gone while the call waited.
        guard let cell = self.cell(head.address), let actor = cell.actor,
            let method = cell.entry.methods[head.method]
        else { return .failure(.noActor, "the actor has ended") }
        let context = CallContext(
            trace: head.trace,
            deadline: call.deadline,
            chain: head.chain + [head.address.hash64]
        )
        return await CallContext.$current.withValue(context) {
            await self.execute(call, method.target, cell.entry, on: actor)
        }
    }

    private func execute<Target: ClusterActor>(
        _ call: IncomingCall,
        _ target: String,
        _ entry: ActorCatalog.Entry,
        on actor: Target
    ) async -> CallOutcome {
        let limits = self.configuration.limits
        let handler: ClusterResultHandler
        do {
            var decoder: ClusterInvocationDecoder
            switch call.arguments {
            case .values(let values):
                decoder = ClusterInvocationDecoder(values)
                handler = ClusterResultHandler(encoding: nil, entry)
            case .bytes(let bytes, let place):
                decoder = try ClusterInvocationDecoder(
                    bytes,
                    from: place,
                    count: call.head.argumentsCount,
                    limits: limits,
                    system: actor.actorSystem
                )
                handler = ClusterResultHandler(encoding: limits, entry)
            }
            try await actor.actorSystem.executeDistributedTarget(
                on: actor,
                target: RemoteCallTarget(target),
                invocationDecoder: &decoder,
                handler: handler
            )
        } catch let error as DecodingError {
            return .failure(.malformed, "the arguments cannot be decoded: \(error.reason)")
        } catch {
            return .failure(.malformed, "the method could not be called: \(error)")
        }
        return handler.outcome
    }
}

extension DecodingError {
    /// What is wrong, without the path.
    var reason: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context), .dataCorrupted(let context):
            context.debugDescription
        @unknown default: "\(self)"
        }
    }
}
