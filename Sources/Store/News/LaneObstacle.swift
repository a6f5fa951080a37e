// What keeps a lane from taking runs that only its owner's memory knows.

/// What a lane that has work waits for.
public struct LaneObstacle: Sendable, Hashable, Codable {
    /// What it is, in a word.
    public enum Kind: String, Sendable, Hashable, Codable {
        /// Too much failed in it, or in its session: it takes nothing for a while.
        case rests = "lane_rests"
        /// Other lanes have all places of the node.
        case nodeFull = "node_full"
        /// It is not certain what of it is under way.
        case looks = "lane_looks"
        /// It is worked by programs outside, and none asks for runs.
        case noWorker = "no_worker"
    }

    /// What it is.
    public var kind: Kind
    /// One sentence for people.
    public var reason: String
    /// Since when, in milliseconds before now.
    public var sinceMilliseconds: Int64

    /// Describes an obstacle.
    public init(_ kind: Kind, _ reason: String, sinceMilliseconds: Int64) {
        self.kind = kind
        self.reason = reason
        self.sinceMilliseconds = sinceMilliseconds
    }
}
