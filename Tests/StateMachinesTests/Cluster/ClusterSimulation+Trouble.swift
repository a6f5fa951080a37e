// Decides what goes wrong in a simulated cluster, and for how long.

import StateMachines
import TestKit

extension ClusterSimulation {
    /// One more thing goes wrong; in the end everything is well again.
    mutating func makeTrouble() {
        guard self.now < self.troubleUntil else { return self.network.heal(at: self.now) }
        let kinds = self.scenario.faults ?? Fault.allCases
        let host = Int(self.draw(0...Int64(self.hosts.count - 1)))
        let end = min(self.now + self.draw(Self.second...16 * Self.second), self.troubleUntil)
        if !kinds.isEmpty { self.happen(self.random.pick(kinds), host, until: end) }
        self.add(.trouble, after: self.draw(200_000...6_000_000))
    }

    /// One thing goes wrong with `host`, or with everything, until `end`.
    mutating func happen(_ fault: Fault, _ host: Int, until end: Int64) {
        let end = fault == .isolation ? max(end, self.now + 20 * Self.second) : end
        self.count("\(fault)")
        self.note(6, host, Int(end))
        switch fault {
        case .crash:
            guard self.hosts[host].life > 0 else { return }
            self.end(host, restartAfter: self.draw(300_000...8_000_000))
        case .freeze:
            guard self.hosts[host].life > 0, !self.hosts[host].isFrozen else { return }
            self.hosts[host].isFrozen = true
            self.add(.thaw(host), after: max(1, end - self.now))
        case .cut: self.network.cutUntil[host] = end
        case .blind: self.network.blindUntil[host] = min(end + 20 * Self.second, self.troubleUntil)
        case .outage: self.network.breakDatabase(until: end, at: self.now)
        case .isolation:
            for other in self.hosts.indices where other != host {
                self.network.cut(host, other, until: end, isRejecting: false)
            }
        case .link, .rejection:
            let other = (host + 1 + Int(self.draw(0...8))) % self.hosts.count
            guard other != host else { return }
            self.network.cut(host, other, until: end, isRejecting: fault == .rejection)
            self.hosts[other].disturb(until: end)
        case .loss: self.network.lossUntil = end
        case .slowness: self.network.slowUntil = end
        case .leave:
            self.builds += 1
            self.hosts[host].build = "\(self.builds)"
            if !self.hosts[host].isFrozen { self.give(host, .leave) }
        case .drain:
            let node = self.hosts[host].epoch
            guard self.hosts[host].life > 0, self.directory.drain(node) else { return }
            self.add(.undrain(node), after: max(1, end - self.now))
        case .clock:
            let rate = self.draw(970...1_030)
            let jump = self.draw(0...1_000_000)
            self.hosts[host].disturbClock(ratePerMille: rate, jump: jump, at: self.now)
            // A clock that jumps looks like a node that slept: it is asked again at once.
            self.give(host, .tick)
        }
        switch fault {
        case .outage, .loss, .slowness, .isolation:
            for index in self.hosts.indices { self.hosts[index].disturb(until: end) }
        case .blind: self.hosts[host].disturb(until: self.network.blindUntil[host])
        default: self.hosts[host].disturb(until: end)
        }
    }
}
