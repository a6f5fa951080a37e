// What other nodes call to have this node's events: one actor hears what they follow, others answer.

import Cluster
import Distributed
import PulserIR
import StateMachines

/// Hears which lanes other nodes follow here. Nothing waits in its mailbox.
distributed actor EventDoorActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("gateway.events")
    static let traffic = Traffic.events
    static let methods: [ClusterMethod<EventDoorActor>] = [
        ClusterMethod("follow", isIdempotent: true) {
            let change = RelayChange(tail: 0, isFirst: false, lanes: [], gone: [])
            _ = try await $0.follow(EventFollow(change, of: NodeEpoch(0)))
        }
    ]

    private let tails: EventTails
    private var actors: [NodeEpoch: EventTailActor] = [:]

    init(_ tails: EventTails, actorSystem: ClusterSystem) {
        self.tails = tails
        self.actorSystem = actorSystem
    }

    /// Takes what a node follows from now on.
    ///
    /// - Returns: Whether the node has the tail that it means.
    distributed func follow(_ follow: EventFollow) -> EventFollowed {
        let node = NodeEpoch(follow.node)
        guard let change = follow.change, self.tails.follow(node, change) else {
            return EventFollowed(isKnown: false)
        }
        if self.actors[node] == nil {
            self.actors = self.actors.filter { self.tails.hasTail(of: $0.key) }
            self.actors[node] = self.actorSystem.host(.number(node.number)) {
                EventTailActor(of: node, self.tails, actorSystem: $0)
            }
        }
        return EventFollowed(isKnown: true)
    }
}

/// Gives one node what was kept for it. Its mailbox is that node's alone: a question waits in it.
distributed actor EventTailActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("gateway.tail")
    static let traffic = Traffic.events
    static let mailboxMax = 8
    static let methods: [ClusterMethod<EventTailActor>] = [
        ClusterMethod("pull") { _ = try await $0.pull(EventPull(tail: 0, waitMilliseconds: 0)) }
    ]

    private let node: NodeEpoch
    private let tails: EventTails

    init(of node: NodeEpoch, _ tails: EventTails, actorSystem: ClusterSystem) {
        self.node = node
        self.tails = tails
        self.actorSystem = actorSystem
    }

    /// Gives what was kept, once there is something.
    distributed func pull(_ pull: EventPull) async -> EventAnswer {
        await self.tails.pull(self.node, pull)
    }
}
