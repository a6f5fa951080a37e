// Decides what follows when lanes of a session fail on this node: a rest for one, or for all of them.

internal import Cluster
internal import Distributed
internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store

/// A session as far as it lives on one node: the supervisor of its lanes there.
///
/// A session's lanes are spread over the nodes, so it has no owner of its own: it is on every node
/// that has lanes of it in memory, and gone with the last of them. Any node can call it there.
///
/// Owner: DispatcherActor. Supervisor: the node. Runs on: default pool. Ends: with its last lane.
distributed actor SessionActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("session")
    static let methods: [ClusterMethod<SessionActor>] = [
        ClusterMethod("hear", isIdempotent: true) { try await $0.hear() }
    ]

    private let name: String
    private let room: Room
    private weak let dispatcher: DispatcherActor?
    private var supervision = SupervisionMachine<Int64>(rules: .lanes)
    private var lanes: [Int64: LaneChannel] = [:]

    init(
        _ name: String,
        dispatcher: DispatcherActor,
        room: Room,
        actorSystem: ClusterSystem
    ) {
        self.name = name
        self.dispatcher = dispatcher
        self.room = room
        self.actorSystem = actorSystem
    }

    /// Hears from any node that something is asked of many of its runs.
    distributed func hear() async { await self.dispatcher?.heardOfRequests() }

    /// Runs a lane until it ends; one whose log failed ends only after a pause.
    func supervise(_ lane: OwnedLane) async {
        let id = lane.channel.row.id
        self.lanes[id] = lane.channel
        _ = self.supervision.start(id, at: NodeClock.now)
        _ = await lane.actor.whenLocal { await $0.run() }
        // Another actor may have its place by now.
        let isMine = self.lanes[id] === lane.channel
        if isMine { self.lanes[id] = nil }
        guard lane.channel.log.isLost, !Task.isCancelled else {
            if isMine {
                _ = self.supervision.ended(id, .finished, at: NodeClock.now, random: 0)
            }
            return
        }
        try? await Task.sleep(for: self.faulted(id, "the lane's log could not be stored"))
    }

    /// A lane cannot go on for now.
    ///
    /// - Returns: How long it is to rest.
    func faulted(_ lane: Int64, _ reason: String) -> Duration {
        let now = NodeClock.now
        let random = Double.random(in: 0..<1)
        switch self.supervision.ended(lane, .crashed(reason: reason), at: now, random: random) {
        case .restart(_, let pause):
            _ = self.supervision.start(lane, at: now)
            return pause
        case .escalate(let reason):
            let pause = self.room.sessions.faulted(self.name)
            self.room.logger.error(
                "session rests on this node",
                metadata: [
                    "session": "\(self.name)", "for": "\(pause)", "reason": "\(reason)",
                ]
            )
            self.supervision.begin()
            _ = self.supervision.start(lane, at: now)
            for (id, channel) in self.lanes where id != lane {
                channel.send(.rest(pause, reason: reason))
            }
            return pause
        case .isolate, nil: return .zero
        }
    }
}

extension SupervisionRules {
    /// Lanes are no poison: one that fails again and again rests longer each time.
    fileprivate static var lanes: SupervisionRules {
        var rules = SupervisionRules()
        rules.crashesMax = .max
        rules.backoff.backoffMilliseconds = 1_000
        rules.backoff.backoffMillisecondsMax = 30_000
        return rules
    }
}
