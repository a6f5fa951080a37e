// Decides which shards a node takes and which it gives away, so that live nodes have equal shares.

/// Sharing without a coordinator: every node knows how many are active and how many shards it has;
/// each takes free shards up to its share and gives away what is above it, idle ones first.
public struct ShardShareMachine: Sendable {
    /// What a node sees of the cluster at one moment.
    public struct View: Sendable {
        /// Nodes with a live lease that take work, this one included.
        public var activeNodes: Int
        /// Shards without an owner.
        public var freeShards: Int
        /// This node's shards without anything under way.
        public var idle: [Int]
        /// This node's shards with runs under way.
        public var busy: [Int]
        /// Whether an operator wants this node without shards.
        public var isDraining: Bool

        /// Describes a moment.
        public init(
            activeNodes: Int,
            freeShards: Int,
            idle: [Int],
            busy: [Int],
            isDraining: Bool = false
        ) {
            self.isDraining = isDraining
            self.activeNodes = activeNodes
            self.freeShards = freeShards
            self.idle = idle
            self.busy = busy
        }
    }

    /// What to do.
    public struct Decision: Sendable, Hashable {
        /// How many free shards to take.
        public var take: Int
        /// Shards to give away now.
        public var release: [Int]
        /// Shards that take no more runs, to be given away when they are idle.
        public var drain: [Int]
    }

    /// The number of shards of a cluster.
    public static let shardCount = 1_024

    /// The largest fair share among `activeNodes`.
    public static func share(activeNodes: Int) -> Int {
        (Self.shardCount + max(1, activeNodes) - 1) / max(1, activeNodes)
    }

    /// Decides on one view.
    public static func decide(_ view: View) -> Decision {
        if view.isDraining {
            return Decision(take: 0, release: view.idle.sorted(), drain: view.busy.sorted())
        }
        let share = Self.share(activeNodes: view.activeNodes)
        let owned = view.idle.count + view.busy.count
        guard owned > share else {
            return Decision(take: min(view.freeShards, share - owned), release: [], drain: [])
        }
        let surplus = owned - share
        let release = Array(view.idle.sorted().suffix(surplus))
        let drain = Array(view.busy.sorted().suffix(surplus - release.count))
        return Decision(take: 0, release: release, drain: drain)
    }
}
