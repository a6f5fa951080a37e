// Decides which shard a lane belongs to, as the database does when the lane is made.

/// The shard of a lane, for ever.
public enum LaneShard {
    /// How many shards there are. 1,024.
    public static let count: Int32 = 1_024

    /// The shard: the highest bits of a multiplicative hash, which spreads neighbours.
    ///
    /// - Parameter lane: The lane's number.
    /// - Returns: A shard from 0 to 1,023; the column `lane.shard_id` has the same.
    public static func of(_ lane: Int64) -> Int32 {
        Int32(UInt32(truncatingIfNeeded: lane &* 2_654_435_761) >> 22)
    }
}
