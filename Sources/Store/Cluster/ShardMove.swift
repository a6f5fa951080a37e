// What becomes of a shard that a person moves.

public import PulserIR

/// A shard and where a person wants it.
public struct ShardMove: Sendable, Hashable {
    /// The shard as it is after their word.
    public var standing: ShardStanding
    /// Who shall have it.
    public var target: NodeEpoch
    /// Whether its owner is asked for it by this very call; of one that only looks, whether it
    /// would be.
    public var isMarked: Bool
    /// Whether this very call took the mark back by which it was to leave who shall have it; of one
    /// that only looks, whether it would.
    public var isKept = false

    /// What becomes of a shard.
    public enum Outcome: Sendable, Hashable {
        /// Its owner hands it over.
        case moves
        /// It was on its way to the target before.
        case underWay
        /// The target has it.
        case there
        /// It was to leave the target, and stays.
        case kept
        /// Only a shard that is served moves, and only to a node that takes shards.
        case passedOver
    }

    /// Describes it.
    public init(standing: ShardStanding, target: NodeEpoch, isMarked: Bool) {
        self.standing = standing
        self.target = target
        self.isMarked = isMarked
    }

    /// What becomes of it.
    public var outcome: Outcome {
        let shard = self.standing.shard
        if self.isMarked { return .moves }
        if self.isKept { return .kept }
        if shard.state == .handingOff {
            return shard.target == self.target ? .underWay : .passedOver
        }
        return shard.owner == self.target ? .there : .passedOver
    }
}
