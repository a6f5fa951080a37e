// One life of a node: it joins, keeps its lease, shares the shards, works, and leaves.

public import Logging
public import PulserIR
internal import StateMachines
public import Store
public import Tools

/// A node from joining to its end. After ``Ending/dead`` the process begins another life with a new
/// epoch; nothing of the old one is left.
public struct NodeLife: Sendable {
    /// Why a life ended.
    public enum Ending: Sendable, Hashable {
        /// Asked to stop.
        case stopped
        /// Others declared it dead; its work belongs to them.
        case dead
    }

    /// Connection for notices, store, tools and settings of the node.
    public struct Equipment: Sendable {
        /// Durable state.
        public var store: Store
        /// Hears notices.
        public var listener: Listener
        /// What steps call.
        public var tools: ToolBox
        /// Databases of runs.
        public var scratch: any ScratchDatabases
        /// Settings.
        public var configuration: ExecutionConfiguration
        /// Where the node speaks.
        public var logger: Logger
        /// Called when the database goes away (a sentence) and when it is back (`nil`).
        public var onAvailability: @Sendable (String?) -> Void
        /// Called with what every commit of this node added to the logs; see ``WriterActor``.
        public var onCommitted: (@Sendable ([CommittedChunk]) -> Void)?

        /// Bundles a node's equipment.
        public init(
            store: Store,
            listener: Listener,
            tools: ToolBox,
            scratch: any ScratchDatabases,
            configuration: ExecutionConfiguration,
            logger: Logger,
            onAvailability: @escaping @Sendable (String?) -> Void,
            onCommitted: (@Sendable ([CommittedChunk]) -> Void)? = nil
        ) {
            self.store = store
            self.listener = listener
            self.tools = tools
            self.scratch = scratch
            self.configuration = configuration
            self.logger = logger
            self.onAvailability = onAvailability
            self.onCommitted = onCommitted
        }
    }

    private let equipment: Equipment
    private let stop: @Sendable () async -> Void

    /// Prepares a life.
    ///
    /// - Parameters:
    ///   - equipment: What the node works with.
    ///   - untilStop: Returns when the node shall stop.
    public init(_ equipment: Equipment, untilStop: @escaping @Sendable () async -> Void) {
        self.equipment = equipment
        self.stop = untilStop
    }

    /// Lives. Starts with joining; `onReady` is called when the node takes work.
    public func run(onReady: @escaping @Sendable (NodeEpoch) -> Void) async throws -> Ending {
        let settings = self.equipment.configuration
        let sentAt = Self.clock
        let node = try await self.equipment.store.join(
            name: settings.nodeName,
            address: settings.address,
            build: settings.build
        )
        let writer = WriterActor(
            store: self.equipment.store,
            node: node,
            onCommitted: self.equipment.onCommitted
        )
        let (rechecks, recheck) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingNewest(1)
        )
        let gate = EffectsGate()
        let room = self.room(writer, gate) { recheck.yield() }
        let dispatcher = DispatcherActor(node: node, room: room)
        let lease = LeaseActor(
            node: node,
            equipment: self.equipment,
            dispatcher: dispatcher,
            gate: gate,
            sentAt: sentAt
        )
        return try await withThrowingTaskGroup(of: Ending?.self) { group in
            group.addTask {
                try await writer.run()
                return nil
            }
            group.addTask {
                await dispatcher.run()
                return nil
            }
            group.addTask {
                await self.listen(dispatcher)
                return nil
            }
            group.addTask {
                for await _ in rechecks {
                    try await Task.sleep(for: .milliseconds(200))
                    await dispatcher.recheck()
                }
                return nil
            }
            group.addTask { await lease.run(onReady: { onReady(node) }) }
            group.addTask {
                await self.stop()
                await lease.stop()
                await self.drain(dispatcher, gate)
                return .stopped
            }
            var first: Ending?
            while first == nil, let next = try await group.next() { first = next }
            let ending = first ?? .stopped
            group.cancelAll()
            while await group.nextResult() != nil {}
            if ending == .stopped { try? await self.equipment.store.leave(node) }
            return ending
        }
    }

    private func room(
        _ writer: WriterActor,
        _ gate: EffectsGate,
        _ recheck: @escaping @Sendable () -> Void
    ) -> Room {
        Room(
            configuration: self.equipment.configuration,
            store: self.equipment.store,
            writer: writer,
            tools: self.equipment.tools,
            plans: PlanCache(),
            scratch: self.equipment.scratch,
            admission: AdmissionActor(places: self.equipment.configuration.runsMax),
            effects: gate,
            refusals: Refusals(),
            logger: self.equipment.logger,
            recheck: recheck
        )
    }

    /// The node's monotonic clock.
    static var clock: Duration { .nanoseconds(Int64(clamping: ContinuousClock.now.nanoseconds)) }

    /// Lets attempts under way finish, up to the drain timeout.
    private func drain(_ dispatcher: DispatcherActor, _ gate: EffectsGate) async {
        await dispatcher.drainAll()
        gate.close()
        let until = ContinuousClock.now + self.equipment.configuration.drainTimeout
        while ContinuousClock.now < until, gate.underWay > 0 {
            try? await Task.sleep(for: .milliseconds(50))
            if Task.isCancelled { return }
        }
    }

    private func listen(_ dispatcher: DispatcherActor) async {
        await self.equipment.listener.run { notice in
            if notice.ids.isEmpty { return await dispatcher.poll() }
            switch notice.channel {
            case .work: await dispatcher.wake(notice.ids)
            case .request:
                await dispatcher.check(notice.ids.map { RunID($0) })
                try? await dispatcher.answerRequests()
            case .lanes: await dispatcher.reload(notice.ids)
            case .events, .cluster, .shards: break
            }
        }
    }
}

extension ContinuousClock.Instant {
    fileprivate var nanoseconds: Int64 {
        let parts = NodeLife.origin.duration(to: self).components
        return parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000
    }
}

extension NodeLife {
    fileprivate static let origin = ContinuousClock.now
}
