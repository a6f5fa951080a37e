// Decides what a simulated process has, and what its clock shows.

import PulserIR
import StateMachines

/// One address at which processes live one after the other.
final class SimulatedHost {
    /// The actors of one shard.
    struct Lane {
        var generation: Int64
        var mailbox: [Int] = []
        var isWriting = false
        var isSettling = false
    }

    let zone: String
    var build = "1"
    /// The epoch of the process, 0 for none; what was meant for an earlier one is lost.
    var life = 0
    var machine: NodeMachine?
    /// When the machine wants its next tick.
    var wakeAt: Duration = .zero
    /// Which membership the machine knows.
    var viewVersion: Int64 = 0
    var tickAt: Int64 = 0
    var lanes: [Int32: Lane] = [:]
    var isFrozen = false
    /// What came while frozen.
    var missed: [ClusterSimulation.Event] = []
    /// Since when nothing is wrong with it; in the future while something is.
    var calmSince: Int64 = 0
    var activeSince: Int64 = .max
    private var clockAt: Int64 = 0
    private var clock: Int64 = 1_000_000
    private var ratePerMille: Int64 = 1_000

    /// Names the process.
    var epoch: NodeEpoch { NodeEpoch(Int64(self.life)) }

    init(zone: String) { self.zone = zone }

    /// Gives the machine one event; `nil` when there is none.
    func handle(_ event: NodeMachine.Event, at local: Duration) -> [NodeMachine.Action]? {
        guard let actions = self.machine?.handle(event, at: local) else { return nil }
        self.wakeAt = self.machine?.wakeAt ?? .zero
        if case .answered(_, .view(let view)) = event { self.viewVersion = view.version }
        return actions
    }

    /// The shards whose actors may do now what no fence can refuse.
    func acting(at local: Duration) -> [OwnedShard] {
        guard let machine = self.machine else { return [] }
        return self.lanes.keys.sorted().compactMap { shard in
            guard let generation = self.lanes[shard]?.generation,
                machine.mayAct(shard, generation: generation, at: local)
            else { return nil }
            return OwnedShard(shard: shard, generation: generation)
        }
    }

    /// The process's monotonic clock.
    func local(at now: Int64) -> Duration {
        .microseconds(self.clock + (now - self.clockAt) * self.ratePerMille / 1_000)
    }

    /// When the clock shows `local`.
    func global(_ local: Duration) -> Int64 {
        let parts = local.components
        let micros = parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000
        // One microsecond more, so that rounding never has it come too early for ever.
        return self.clockAt + (micros - self.clock) * 1_000 / self.ratePerMille + 1
    }

    /// From now on the clock runs at another rate, `jump` ahead.
    func disturbClock(ratePerMille: Int64, jump: Int64, at now: Int64) {
        self.clock += (now - self.clockAt) * self.ratePerMille / 1_000 + jump
        self.clockAt = now
        self.ratePerMille = ratePerMille
    }

    /// Something goes wrong with it until `end`.
    func disturb(until end: Int64) { self.calmSince = max(self.calmSince, end) }
}
