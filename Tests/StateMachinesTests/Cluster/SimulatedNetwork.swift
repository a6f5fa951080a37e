// Decides whether a message arrives, and how late.

import TestKit

/// The links between hosts, and between hosts and the database.
struct SimulatedNetwork {
    /// What becomes of a connection.
    enum Passage {
        case open
        /// Nothing comes through, and nothing says so.
        case silent
        /// Connections are refused in between.
        case rejected
    }

    private var silentUntil: [[Int64]]
    private var rejectedUntil: [[Int64]]
    /// Until when the database does not hear a host.
    var cutUntil: [Int64]
    /// Until when readings of the shards by a host are lost.
    var blindUntil: [Int64]
    /// Until when the database answers nobody.
    var outageUntil: Int64 = 0
    /// When the last outage began.
    private var outageSince: Int64 = 0
    var lossUntil: Int64 = 0
    var slowUntil: Int64 = 0

    init(hosts: Int) {
        let row = [Int64](repeating: 0, count: hosts)
        self.silentUntil = Array(repeating: row, count: hosts)
        self.rejectedUntil = Array(repeating: row, count: hosts)
        self.cutUntil = row
        self.blindUntil = row
    }

    func passage(_ one: Int, _ other: Int, at now: Int64) -> Passage {
        if self.silentUntil[one][other] > now { return .silent }
        return self.rejectedUntil[one][other] > now ? .rejected : .open
    }

    mutating func cut(_ one: Int, _ other: Int, until end: Int64, isRejecting: Bool) {
        for (left, right) in [(one, other), (other, one)] {
            if isRejecting {
                self.rejectedUntil[left][right] = end
            } else {
                self.silentUntil[left][right] = end
            }
        }
    }

    func isCut(_ host: Int, at now: Int64) -> Bool {
        self.cutUntil[host] > now || self.outageUntil > now
    }

    /// The time a message between hosts takes; `nil` when it is lost.
    func delay(_ random: inout SeededGenerator, at now: Int64) -> Int64? {
        let loss = self.lossUntil > now ? 150 : 2
        if Int.random(in: 0..<1_000, using: &random) < loss { return nil }
        if self.slowUntil > now { return Int64.random(in: 50_000...400_000, using: &random) }
        return Int64.random(in: 200...5_000, using: &random)
    }

    /// Everything is as it should be.
    mutating func heal(at now: Int64) {
        let (since, end) = (self.outageSince, min(self.outageUntil, now))
        self = SimulatedNetwork(hosts: self.cutUntil.count)
        (self.outageSince, self.outageUntil) = (since, end)
    }

    mutating func breakDatabase(until end: Int64, at now: Int64) {
        if self.outageUntil <= now { self.outageSince = now }
        self.outageUntil = max(self.outageUntil, end)
    }

    /// Whether all leases ended in an outage that was over less than a lease ago.
    func isJustBack(at now: Int64) -> Bool {
        self.outageUntil - self.outageSince > SimulatedDirectory.lease
            && now - self.outageUntil < SimulatedDirectory.lease
    }
}
