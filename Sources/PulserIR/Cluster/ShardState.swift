// Names where a shard is between two owners.

/// A shard's state; the words are those of the database and of every output.
///
/// `free → assigned → running → handing_off → assigned` (at its target, generation + 1), and from
/// everywhere back to `free` (generation + 1) when its owner dies or lets go.
public enum ShardState: String, Codable, Sendable, Hashable, CaseIterable {
    /// Nobody owns it.
    case free
    /// Given to an owner that has not begun to serve it.
    case assigned
    /// Its owner serves it.
    case running
    /// Its owner shall hand it over to its target.
    case handingOff = "handing_off"
}
