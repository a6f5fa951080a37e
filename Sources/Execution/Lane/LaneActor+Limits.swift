// What a lane with limits does: counts its keys, and waits for a rate without asking again and again.

internal import Cluster
internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store

/// A lane's wait for a rate.
struct RateWait {
    /// How often it waited.
    var number = 0
    /// What wakes it.
    var deadline: UInt64?

    /// The longest before somebody looks again, whatever was computed.
    static let timeMax: Duration = .seconds(10)
    /// The shortest: what could be taken may be held by somebody else at this moment.
    static let timeMin: Duration = .milliseconds(5)
}

extension LaneActor {
    /// Goes by the lane's limits as they are now.
    func configure(limits: String) {
        guard limits != self.limits else { return }
        self.limits = limits
        self.countKeys()
        self.open()
        self.claim(self.machine.handle(.opened))
    }

    /// Has the next claim know how many runs of each key are under way.
    func countKeys() {
        self.channel.busy = self.limits.isEmpty ? nil : self.keys.busy(of: self.machine.active)
    }

    /// Looks how long the lane waits.
    func lookAtLimits(_ group: inout DiscardingTaskGroup) {
        let (channel, store) = (self.channel, self.room.store)
        self.countKeys()
        guard let busy = channel.busy else { return }
        group.addTask {
            // A failed look costs latency only: the poll wakes the lane.
            let wait = try? await store.laneWait(channel.row.id, busy: busy)
            channel.send(.waits(wait))
        }
    }

    /// Waits for a rate: a timer wakes the lane when the next run may begin.
    func waits(_ wait: LaneWait?) {
        guard let wait, !self.limits.isEmpty else { return }
        self.open()
        self.rateWait.number += 1
        // One key's rate leaves the other keys open.
        if wait.scope != .key {
            self.channel.isWaitingForRate = true
            _ = self.machine.handle(.shut)
        }
        let (channel, number) = (self.channel, self.rateWait.number)
        let time = min(max(wait.time, RateWait.timeMin), RateWait.timeMax)
        self.rateWait.deadline = self.room.deadlines.set(after: time) {
            channel.send(.opened(number))
        }
    }

    /// A time that was waited for is over.
    func opened(_ number: Int) {
        guard number == self.rateWait.number else { return }
        self.open()
        self.claim(self.machine.handle(.opened))
    }

    /// Waits for nothing any more.
    private func open() {
        if let deadline = self.rateWait.deadline { self.room.deadlines.remove(deadline) }
        self.rateWait.deadline = nil
        self.channel.isWaitingForRate = false
    }
}
