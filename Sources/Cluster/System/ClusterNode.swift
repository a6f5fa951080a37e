// What a node has: its actors, its links, the deadlines of its calls.

internal import HTTP2
internal import Logging
internal import NIOCore
internal import PulserIR
internal import Synchronization

/// Makes the actor at an address, if it is to be there at all; returns when it is done.
typealias ActorMaker = @Sendable (ActorAddress) async -> Void

/// The inside of a ``ClusterSystem``.
///
/// Ends: ``end()``; every call that is open fails then.
final class ClusterNode: Sendable {
    private struct State: ~Copyable {
        var cells: [ActorAddress: ActorCell] = [:]
        var nextKey: Int64 = 0
        /// Calls that wait until the directory was asked for their shard.
        var parked: [Int32: [IncomingCall]] = [:]
        /// Who makes actors that are called while they are not there.
        var makers: [ActorKind: ActorMaker] = [:]
        /// Calls that wait until their actor is made.
        var awaiting: [ActorAddress: [IncomingCall]] = [:]
    }

    /// Where the actor of a call is.
    enum Finding {
        case cell(ActorCell)
        /// It is being made; the call waits.
        case waits
        /// Too many calls wait for it.
        case full
        case absent
    }

    /// Calls that wait for the directory, for one shard, or for one actor to be made.
    private static let parkedMax = 1_024

    let configuration: ClusterConfiguration
    let catalog: ActorCatalog
    let directory: any Directory
    let group: any EventLoopGroup
    let logger: Logger
    let metrics = ClusterMetrics()
    let pool: LinkPool
    let deadlines: DeadlineClock
    let operations: Mutex<OperationMemory<IncomingCall, CallOutcome>>
    /// Links to be made, for ``run(onListening:)``.
    let dials = AsyncStream<Dial>.makeStream()
    private let state = Mutex(State())

    init(
        _ configuration: ClusterConfiguration,
        catalog: ActorCatalog,
        directory: any Directory,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.catalog = catalog
        self.directory = directory
        self.group = group
        self.logger = logger
        self.pool = LinkPool(
            pause: configuration.reconnectPause,
            pauseMax: configuration.reconnectPauseMax
        )
        self.deadlines = DeadlineClock(group.next())
        self.operations = Mutex(
            OperationMemory(
                countMax: configuration.operationsMax,
                bytesMax: configuration.operationBytesMax,
                lifetime: TimeAmount(configuration.operationLifetime)
            )
        )
    }

    /// This node.
    var me: NodeEpoch { self.configuration.node }

    // MARK: Actors

    /// An address for an actor that was made without one.
    func freshAddress(_ kind: ActorKind) -> ActorAddress {
        let key = self.state.withLock { state in
            state.nextKey += 1
            return state.nextKey
        }
        return ActorAddress(kind: kind, key: .number(key), place: .node(self.me))
    }

    /// Takes an actor in; one that had its address is not called any more.
    func add(_ actor: any ClusterActor, at address: ActorAddress) {
        guard let entry = self.catalog.entries[address.kind] else {
            self.logger.error(
                "an actor is not in the catalog and cannot be called",
                metadata: ["type": "\(type(of: actor))"]
            )
            return
        }
        let mailbox = Mailbox(
            callsMax: entry.mailboxMax,
            executor: self.configuration.executor,
            metrics: self.metrics
        ) { [weak self] call in
            await self?.execute(call) ?? .failure(.ended, "the node has ended")
        }
        let cell = ActorCell(actor, address: address, entry: entry, mailbox: mailbox)
        let old = self.state.withLock { $0.cells.updateValue(cell, forKey: address) }
        old?.mailbox.close(ClusterError(.noActor, "another actor has taken the address"))
    }

    /// An actor is gone, unless another one has its address by now.
    func remove(_ address: ActorAddress) {
        // Looked at outside the lock: letting go of the last reference comes back here.
        guard let cell = self.cell(address), cell.actor == nil else { return }
        self.state.withLock { state in
            if state.cells[address] === cell { state.cells[address] = nil }
        }
        cell.mailbox.close(ClusterError(.noActor, "the actor has ended"))
    }

    /// The actor at an address.
    func cell(_ address: ActorAddress) -> ActorCell? { self.state.withLock { $0.cells[address] } }

    // MARK: Actors that are made when they are called

    /// Has actors of a kind be made when they are called and not there.
    func make(_ kind: ActorKind, _ maker: @escaping ActorMaker) {
        self.state.withLock { $0.makers[kind] = maker }
    }

    /// The actor that a call is for. One that is not there is made first, if somebody does that: the
    /// call waits meanwhile, and those that come later wait behind it.
    func find(_ call: IncomingCall, isMade: Bool) -> Finding {
        let address = call.head.address
        let (finding, maker) = self.state.withLock { state -> (Finding, ActorMaker?) in
            let cell = state.cells[address]
            let waiting = state.awaiting.isEmpty ? nil : state.awaiting[address]?.count
            if isMade || cell != nil && waiting == nil {
                return (cell.map(Finding.cell) ?? .absent, nil)
            }
            guard let maker = state.makers[address.kind] else { return (.absent, nil) }
            guard waiting ?? 0 < Self.parkedMax else { return (.full, nil) }
            state.awaiting[address, default: []].append(call)
            return (.waits, waiting == nil ? maker : nil)
        }
        guard let maker else { return finding }
        // SAFETY: ends when the maker does; nothing waits for it but the calls.
        Task.detached {
            await maker(address)
            while let next = self.nextAwaiting(address) { self.admit(next, isMade: true) }
        }
        return finding
    }

    private func nextAwaiting(_ address: ActorAddress) -> IncomingCall? {
        self.state.withLock { state in
            guard state.awaiting[address]?.isEmpty == false else {
                state.awaiting[address] = nil
                return nil
            }
            return state.awaiting[address]?.removeFirst()
        }
    }

    // MARK: Calls that wait for the directory

    /// Has a call wait until the directory was asked about its shard.
    ///
    /// - Returns: Whether somebody is to ask; `nil` when too many wait.
    func park(_ call: IncomingCall, for shard: Int32) -> Bool? {
        self.state.withLock { state in
            let count = state.parked[shard]?.count ?? 0
            guard count < Self.parkedMax else { return nil }
            state.parked[shard, default: []].append(call)
            return count == 0
        }
    }

    /// Has a call wait behind others of its shard that wait already.
    ///
    /// - Returns: Whether it waits.
    func isParked(behindOthers call: IncomingCall, for shard: Int32) -> Bool {
        self.state.withLock { state in
            guard let count = state.parked[shard]?.count, count < Self.parkedMax else {
                return false
            }
            state.parked[shard]?.append(call)
            return true
        }
    }

    /// The next call that waits for a shard; `nil` when none does any more.
    func unpark(_ shard: Int32) -> IncomingCall? {
        self.state.withLock { state in
            guard state.parked[shard]?.isEmpty == false else {
                state.parked[shard] = nil
                return nil
            }
            return state.parked[shard]?.removeFirst()
        }
    }

    // MARK: End

    /// No call comes or goes any more.
    func end() {
        let reason = ClusterError(.ended, "the node is leaving")
        let (cells, parked, makers) = self.state.withLock { state in
            let waiting = [
                state.parked.values.flatMap { $0 }, state.awaiting.values.flatMap { $0 },
            ]
            let ended = (Array(state.cells.values), waiting.flatMap { $0 }, state.makers)
            state.parked = [:]
            state.awaiting = [:]
            state.makers = [:]
            return ended
        }
        // What they hold is let go outside the lock, for it may be actors.
        withExtendedLifetime(makers) {}
        for call in parked { call.finish(.failure(Failure(reason))) }
        for cell in cells { cell.mailbox.close(reason) }
        self.pool.end(reason)
        self.dials.continuation.finish()
    }
}
