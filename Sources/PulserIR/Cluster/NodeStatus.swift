// Names where a node is in its life.

/// A node's status; the words are those of the database and of every output.
///
/// `joining → active ⇄ draining → dead`; dead is terminal for an epoch, a restart is a new one.
public enum NodeStatus: String, Codable, Sendable, Hashable, CaseIterable {
    /// Has a lease, probes its peers, takes no shards yet.
    case joining
    /// Takes shards, votes, may coordinate.
    case active
    /// Gives its shards away before it leaves; takes no new ones.
    case draining
    /// Left, or was declared dead: nothing it writes counts any more.
    case dead
}
