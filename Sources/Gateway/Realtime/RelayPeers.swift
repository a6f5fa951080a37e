// How a node's streams reach the owners of lanes: the seam to the cluster's calls, so that tests can play it.

import Cluster
import PulserIR
import StateMachines

/// The owners of lanes, as relays see them.
protocol RelayPeers: Sendable {
    /// The node that has a lane, when that is another one that can be called. Answers from memory.
    func owner(of lane: Int64) -> NodeEpoch?
    /// Tells a node what is followed.
    ///
    /// - Returns: Whether it knows the tail.
    func follow(_ node: NodeEpoch, _ change: RelayChange) async throws(ClusterError) -> Bool
    /// Asks a node for what it has kept; returns when there is something, or after a while.
    func pull(_ node: NodeEpoch, tail: Int64) async throws(ClusterError) -> EventAnswer
}

/// The cluster's nodes.
struct ClusterPeers: RelayPeers {
    /// How long an answer waits for news.
    static let wait: Duration = .seconds(2)
    /// How long a call may take beyond that.
    static let patience: Duration = .seconds(2)

    let system: ClusterSystem
    let me: NodeEpoch
    let directory: any Directory

    init?(_ system: ClusterSystem) {
        guard let me = system.me, let directory = system.directory else { return nil }
        self.system = system
        self.me = me
        self.directory = directory
    }

    func owner(of lane: Int64) -> NodeEpoch? {
        guard let owner = self.directory.place(of: LaneShard.of(lane))?.owner, owner != self.me,
            self.directory.address(of: owner) != nil
        else { return nil }
        return owner
    }

    func follow(_ node: NodeEpoch, _ change: RelayChange) async throws(ClusterError) -> Bool {
        let door = try self.system.reference(to: EventDoorActor.self, .number(0), at: .node(node))
        let follow = EventFollow(change, of: self.me)
        return try await Self.call(within: Self.patience) {
            try await door.follow(follow).isKnown
        }
    }

    func pull(_ node: NodeEpoch, tail: Int64) async throws(ClusterError) -> EventAnswer {
        let key = ActorKey.number(self.me.number)
        let actor = try self.system.reference(to: EventTailActor.self, key, at: .node(node))
        let wait = Self.wait.components.seconds * 1_000
        return try await Self.call(within: Self.wait + Self.patience) {
            try await actor.pull(EventPull(tail: tail, waitMilliseconds: wait))
        }
    }

    /// Calls once: what is lost is in the database.
    private static func call<Value>(
        within timeout: Duration,
        _ body: () async throws -> Value
    ) async throws(ClusterError) -> Value {
        var options = CallOptions()
        options.timeout = timeout
        options.attemptsMax = 1
        do {
            return try await withCallOptions(options, body)
        } catch {
            throw error as? ClusterError ?? ClusterError(.malformed, "\(error)")
        }
    }
}
