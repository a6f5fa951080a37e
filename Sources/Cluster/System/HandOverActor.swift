// How an old owner tells the new one of its shards: a call, which the new one believes as far as to look.

internal import Distributed
public import PulserIR

/// Shards as their new owner has them.
struct MovedShards: Codable, Sendable {
    /// Their numbers.
    var shards: [Int32]
    /// The generation of each.
    var generations: [Int64]
}

/// Hears what was handed over to this node. The tables decide: a message only has them read at once
/// instead of at the next notice.
distributed actor HandOverActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("cluster.handover")
    static let methods: [ClusterMethod<HandOverActor>] = [
        ClusterMethod("moved", isIdempotent: true) {
            try await $0.moved(MovedShards(shards: [], generations: []))
        }
    ]

    private let directory: any Directory

    init(_ directory: any Directory, actorSystem: ClusterSystem) {
        self.directory = directory
        self.actorSystem = actorSystem
    }

    /// Hears of shards that are this node's by now. Returns when they are known.
    distributed func moved(_ moved: MovedShards) async {
        for (shard, generation) in zip(moved.shards, moved.generations) {
            guard let place = self.directory.place(of: shard), place.generation < generation else {
                continue
            }
            // One reading has them all; those of a later message may be in it, too.
            await self.directory.refresh(shard: shard)
        }
    }
}

extension ClusterSystem {
    /// How long the new owner is waited for: it polls, so later word is no news.
    private static let handOverPatience = Duration.seconds(1)

    /// Tells a node that shards are its own by now. That it heard so is not certain.
    public func tell(_ node: NodeEpoch, owns shards: [OwnedShard]) async {
        guard
            let actor = try? self.reference(
                to: HandOverActor.self,
                .number(0),
                at: .node(node)
            )
        else { return }
        var options = CallOptions()
        options.timeout = Self.handOverPatience
        options.attemptsMax = 1
        let moved = MovedShards(
            shards: shards.map(\.shard),
            generations: shards.map(\.generation)
        )
        try? await withCallOptions(options) { try await actor.moved(moved) }
    }
}
