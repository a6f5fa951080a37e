// Keeps the node's lease and its share of the shards; says when its word counts no more.

internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store

/// The node's standing in the cluster.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation, or when the node is declared dead.
actor LeaseActor {
    /// How often queued work and requests are looked for when no notice came.
    static let pollInterval: Duration = .seconds(1)

    /// How long the database may take to answer before people are told. Without it they would hear
    /// of an outage only when the pool gives up, later than the lease's end.
    static let patience: Duration = .seconds(2)

    /// What the database is asked again and again.
    private enum Question {
        case renewal
        case share
    }

    private let node: NodeEpoch
    private let equipment: NodeLife.Equipment
    private let dispatcher: DispatcherActor
    private let gate: EffectsGate
    private var machine: LeaseMachine
    private var outage: String?
    private var isStopping = false
    /// The node gives its shards away and lives on.
    private var isDraining = false
    /// Since when an answer is awaited.
    private var asked: [Question: Duration] = [:]

    init(
        node: NodeEpoch,
        equipment: NodeLife.Equipment,
        dispatcher: DispatcherActor,
        gate: EffectsGate,
        sentAt: Duration
    ) {
        self.node = node
        self.equipment = equipment
        self.dispatcher = dispatcher
        self.gate = gate
        self.machine = LeaseMachine(sentAt: sentAt)
    }

    /// The node is about to leave: it takes no more shards and others see it draining.
    func stop() async {
        self.isStopping = true
        try? await self.equipment.store.drain(self.node)
    }

    /// Works until cancelled or dead.
    func run(onReady: @Sendable () -> Void) async -> NodeLife.Ending? {
        await self.share()
        onReady()
        return await withTaskGroup(of: NodeLife.Ending?.self) { group in
            group.addTask { await self.renewals() }
            group.addTask {
                await self.polls()
                return nil
            }
            group.addTask {
                await self.watch()
                return nil
            }
            let ending = await group.next() ?? nil
            group.cancelAll()
            return ending
        }
    }

    private func renewals() async -> NodeLife.Ending? {
        while !Task.isCancelled {
            try? await Task.sleep(for: LeaseMachine.interval)
            let sentAt = NodeLife.clock
            self.asked[.renewal] = sentAt
            defer { self.asked[.renewal] = nil }
            do {
                let renewal = try await self.equipment.store.renew(self.node)
                let isAlive = renewal != nil
                // An operator may have said so, or taken it back.
                if let renewal { self.isDraining = renewal.status == .draining }
                self.asked[.renewal] = nil
                self.available()
                let event: LeaseMachine.Event = isAlive ? .renewed(sentAt: sentAt) : .refused
                if await self.act(self.machine.handle(event, at: NodeLife.clock)) { return .dead }
                let reaped = try await self.equipment.store.reap(by: self.node)
                if !reaped.isEmpty {
                    self.equipment.logger.notice(
                        "nodes declared dead",
                        metadata: ["nodes": "\(reaped.map(\.number))"]
                    )
                }
            } catch {
                if error.code == .cancelled { return nil }
                self.unavailable(error)
            }
        }
        return nil
    }

    private func polls() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.pollInterval)
            if self.outage != nil { continue }
            await self.share()
            await self.dispatcher.poll()
        }
    }

    /// Notices the end of trust even while a renewal hangs.
    private func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(200))
            let now = NodeLife.clock
            if let since = self.asked.values.min(), now - since > Self.patience {
                let reason = "database unavailable: no answer for \(Self.patience)"
                self.unavailable(StoreError(.unavailable, reason))
            }
            _ = await self.act(self.machine.handle(.tick, at: now))
        }
    }

    /// Acts on a change of the lease.
    ///
    /// - Returns: Whether the node is dead.
    private func act(_ action: LeaseMachine.Action?) async -> Bool {
        switch action {
        case .none: return false
        case .trust:
            self.equipment.logger.notice("lease trusted again")
            if !self.isStopping { self.gate.open() }
            await self.dispatcher.recheck()
            return false
        case .distrust:
            self.equipment.logger.warning("lease not renewed in time: no new effects")
            self.gate.close()
            // Where others can reach the database they may take over: what runs here must stop.
            if !self.equipment.configuration.isExclusive { await self.dispatcher.stopRuns() }
            return false
        case .dead:
            self.equipment.logger.error("declared dead by another node: starting over")
            self.gate.close()
            await self.dispatcher.loseAll()
            return true
        }
    }

    private func unavailable(_ error: StoreError) {
        guard self.outage == nil else { return }
        self.outage = error.message
        self.equipment.onAvailability(error.message)
    }

    private func available() {
        guard self.outage != nil else { return }
        self.outage = nil
        self.equipment.onAvailability(nil)
    }

    /// Takes free shards up to this node's share, gives away what is above it.
    private func share() async {
        if self.isStopping { return }
        self.asked[.share] = NodeLife.clock
        defer { self.asked[.share] = nil }
        do {
            let cluster = try await self.equipment.store.clusterLoad()
            let load = await self.dispatcher.load()
            let decision = ShardShareMachine.decide(
                ShardShareMachine.View(
                    activeNodes: cluster.activeNodes,
                    freeShards: cluster.freeShards,
                    idle: load.idle,
                    busy: load.busy,
                    isDraining: self.isDraining
                )
            )
            if decision.take > 0 {
                let taken = try await self.equipment.store.takeShards(
                    decision.take,
                    for: self.node
                )
                if !taken.isEmpty { await self.dispatcher.gain(taken) }
            }
            if !decision.release.isEmpty {
                let given = await self.dispatcher.giveUp(decision.release.map(Int32.init))
                if !given.isEmpty {
                    try await self.equipment.store.release(self.node, given)
                }
            }
            let leaving = decision.drain + decision.release
            await self.dispatcher.drain(leaving.map(Int32.init))
        } catch  where error.code == .cancelled {
            return
        } catch {
            self.unavailable(error)
        }
    }
}
