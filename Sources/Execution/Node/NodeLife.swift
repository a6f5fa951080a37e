// One life of a node: it joins, is a member, works its shards, and leaves.

internal import Cluster
internal import Logging
internal import NIOCore
public import PulserIR
internal import StateMachines
internal import Store
internal import Synchronization
internal import Tools

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
    ///
    /// - Parameter onReady: Gets the node's identity.
    /// - Returns: How the life ended.
    /// - Throws: ``StoreError`` when joining fails, `ClusterError` when other nodes cannot be listened to.
    public func run(onReady: @escaping @Sendable (NodeEpoch) -> Void) async throws -> Ending {
        let settings = self.equipment.configuration
        let joinedAt = NodeClock.now
        let node = try await self.equipment.store.join(
            NewNode(
                name: settings.nodeName,
                address: settings.address,
                endpoint: settings.peers?.endpoint ?? "",
                zone: settings.zone,
                build: settings.build,
                // The address is the data directory, which this process has locked.
                hasPredecessorEnded: true
            )
        )
        do {
            return try await self.live(node, joinedAt, onReady)
        } catch {
            try? await self.equipment.store.leave(node)
            throw error
        }
    }

    /// What works for one life.
    private struct Parts: Sendable {
        var writer: WriterActor
        var member: MemberActor
        var system: ClusterSystem
        var dispatcher: DispatcherActor
        var schedules: ScheduleActor
        var deadlines: Deadlines
        var outage: Outage
        /// Comes when memory is to be compared with the database.
        var rechecks: AsyncStream<Void>
    }

    private func parts(_ node: NodeEpoch, _ joinedAt: Duration) async throws -> Parts {
        let writer = WriterActor(
            store: self.equipment.store,
            node: node,
            onCommitted: self.equipment.onCommitted
        )
        let (rechecks, recheck) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingNewest(1)
        )
        let deadlines = Deadlines()
        let outage = Outage(self.equipment.onAvailability)
        let member = MemberActor(
            node,
            joinedAt: joinedAt,
            directory: self.equipment.store,
            timing: self.timing,
            logger: self.equipment.logger
        ) { outage.tell($0) }
        let actors: [any ClusterActor.Type] = [
            SessionActor.self, LaneActor.self, WorkerBoardActor.self, WorkerDoorActor.self,
        ]
        let system = ClusterSystem(
            self.equipment.configuration.calls(of: node),
            catalog: try await ActorCatalog(actors + self.equipment.actors),
            directory: member.view,
            group: self.equipment.group,
            logger: self.equipment.logger
        )
        let room = self.room(writer, deadlines) { recheck.yield() }
        let dispatcher = DispatcherActor(
            node: node,
            system: system,
            room: room,
            effects: EffectsGate()
        )
        system.make(LaneActor.self) { [weak dispatcher] key in
            if case .number(let lane) = key { await dispatcher?.activate(lane) }
        }
        return Parts(
            writer: writer,
            member: member,
            system: system,
            dispatcher: dispatcher,
            schedules: ScheduleActor(node: node, room: room, zones: self.equipment.zones),
            deadlines: deadlines,
            outage: outage,
            rechecks: rechecks
        )
    }

    private func live(
        _ node: NodeEpoch,
        _ joinedAt: Duration,
        _ onReady: @escaping @Sendable (NodeEpoch) -> Void
    ) async throws -> Ending {
        let parts = try await self.parts(node, joinedAt)
        let dispatcher = parts.dispatcher
        self.equipment.store.news.courier = LinkCourier(
            parts.system,
            isAlone: self.equipment.configuration.peers == nil
        )
        self.equipment.store.news.workers = LinkWorkers(parts.system)
        defer {
            self.equipment.store.news.courier = nil
            self.equipment.store.news.workers = nil
        }
        return try await withThrowingTaskGroup(of: Ending?.self) { group in
            self.work(parts, in: &group)
            let isMember = StopSignal()
            group.addTask { try await self.belong(parts) { isMember.fire() } }
            group.addTask {
                await isMember.wait()
                await dispatcher.hasBegun.wait(atMost: Self.beginMax)
                parts.schedules.wake()
                if !Task.isCancelled { onReady(node) }
                return nil
            }
            group.addTask {
                await self.stop()
                parts.member.leave()
                return nil
            }
            var first: Ending?
            while first == nil, let next = try await group.next() { first = next }
            group.cancelAll()
            while await group.nextResult() != nil {}
            return first ?? .stopped
        }
    }

    /// What a node does beside being a member.
    private func work(_ parts: Parts, in group: inout ThrowingTaskGroup<Ending?, any Error>) {
        group.addTask {
            try await parts.writer.run()
            return nil
        }
        group.addTask {
            await parts.deadlines.run()
            return nil
        }
        group.addTask {
            await parts.dispatcher.run()
            return nil
        }
        group.addTask {
            await parts.dispatcher.room.fronts.run()
            return nil
        }
        group.addTask {
            await parts.dispatcher.passDue()
            return nil
        }
        group.addTask {
            await self.listen(parts.dispatcher, parts.member, parts.schedules)
            return nil
        }
        group.addTask {
            await parts.schedules.run()
            return nil
        }
        group.addTask {
            for await _ in parts.rechecks {
                try await Task.sleep(for: .milliseconds(200))
                await parts.dispatcher.recheck()
            }
            return nil
        }
        group.addTask {
            await self.poll(parts.dispatcher, parts.outage)
            return nil
        }
        group.addTask {
            await DeadlineKeeper(store: self.equipment.store, logger: self.equipment.logger).run()
            return nil
        }
        group.addTask {
            await SessionKeeper(store: self.equipment.store, logger: self.equipment.logger).run()
            return nil
        }
        group.addTask {
            await HistoryKeeper(
                store: self.equipment.store,
                nodeName: self.equipment.configuration.nodeName,
                folder: self.equipment.configuration.artifacts,
                logger: self.equipment.logger
            ).run()
            return nil
        }
    }

    /// The protocol's figures, with a drain that lets steps finish for as long as the node may.
    private var timing: ClusterTiming {
        var timing = ClusterTiming()
        timing.finish = self.equipment.configuration.drainTimeout
        timing.drain = timing.finish + .seconds(20)
        return timing
    }

    /// Is a member of the cluster until it has left, and talks to other members where it can be called.
    private func belong(
        _ parts: Parts,
        _ onReady: @escaping @Sendable () -> Void
    ) async throws -> Ending? {
        let (member, system, host) = (parts.member, parts.system, parts.dispatcher)
        guard self.equipment.configuration.peers != nil else {
            return Ending(await member.run(prober: nil, host: host, onReady: onReady))
        }
        return try await withThrowingTaskGroup(of: Ending?.self) { group in
            let (listening, isListening) = AsyncStream<Void>.makeStream()
            group.addTask {
                defer { isListening.finish() }
                try await system.run { _ in isListening.yield() }
                return nil
            }
            group.addTask {
                var first = listening.makeAsyncIterator()
                // Without an address the listening task tells why.
                guard await first.next() != nil else { return nil }
                defer { self.equipment.onSystem(nil) }
                let ending = await member.run(prober: system, host: host) {
                    self.equipment.onSystem(system)
                    onReady()
                }
                return Ending(ending)
            }
            defer { group.cancelAll() }
            while let next = try await group.next() { if let next { return next } }
            return nil
        }
    }

    /// Looks for what no notice told, as long as the database answers.
    private func poll(_ dispatcher: DispatcherActor, _ outage: Outage) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.pollInterval)
            if !outage.isOn { await dispatcher.poll() }
        }
    }

    /// How long a member is not called ready because it has no shards yet: alone it has them at once,
    /// beside others when the next rounds of moves bring some.
    static let beginMax: Duration = .seconds(3)

    /// How often queued work and requests are looked for when no notice came.
    static let pollInterval: Duration = .seconds(1)

    private func room(
        _ writer: WriterActor,
        _ deadlines: Deadlines,
        _ recheck: @escaping @Sendable () -> Void
    ) -> Room {
        Room(
            configuration: self.equipment.configuration,
            store: self.equipment.store,
            writer: writer,
            tools: self.equipment.tools,
            plans: PlanCache(),
            scratch: self.equipment.scratch,
            places: Places(self.equipment.configuration.runsMax),
            deadlines: deadlines,
            queues: WorkQueues(System.coreCount),
            sessions: SessionSupervisor(),
            logger: self.equipment.logger,
            recheck: recheck
        )
    }

    private func listen(
        _ dispatcher: DispatcherActor,
        _ member: MemberActor,
        _ schedules: ScheduleActor
    ) async {
        await self.equipment.listener.run { notice in
            if notice.channel == .cluster { return member.notified() }
            // Schedules come with their shards.
            if [.schedules, .shards].contains(notice.channel) { schedules.wake() }
            if notice.channel == .schedules { return }
            if notice.channel == .shards { return member.shardsChanged() }
            if notice.ids.isEmpty {
                if notice.channel == .request { dispatcher.room.waits.fireAll() }
                return await dispatcher.poll(isAsked: true)
            }
            switch notice.channel {
            case .work: await dispatcher.wake(notice.ids)
            case .request:
                await dispatcher.check(notice.ids.map { RunID($0) })
                await dispatcher.heardOfRequests()
            case .lanes: await dispatcher.reload(notice.ids)
            case .events, .cluster, .shards, .schedules: break
            }
        }
    }
}

extension NodeLife.Ending {
    fileprivate init(_ ending: MemberActor.Ending) {
        self = ending == .dead ? .dead : .stopped
    }
}

/// Whether the database answers, told to whoever wants to know.
private final class Outage: Sendable {
    private let state = Atomic<Bool>(false)
    private let onChange: @Sendable (String?) -> Void

    init(_ onChange: @escaping @Sendable (String?) -> Void) { self.onChange = onChange }

    var isOn: Bool { self.state.load(ordering: .relaxed) }

    func tell(_ reason: String?) {
        self.state.store(reason != nil, ordering: .relaxed)
        self.onChange(reason)
    }
}
