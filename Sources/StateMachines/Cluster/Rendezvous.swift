// Decides ties the same way on every node: whoever has the highest hash wins.

internal import PulserIR

/// Rendezvous hashing (Thaler and Ravishankar): equal inputs give equal orders on every machine, and a
/// node that comes or goes changes nothing between the others.
enum Rendezvous {
    /// The weight of `node` for `key`.
    static func score(_ key: Int64, _ node: NodeEpoch) -> UInt64 {
        Self.mix(Self.mix(UInt64(bitPattern: key)) ^ UInt64(bitPattern: node.number))
    }

    /// The successors of `node` on a ring of hashes, at most `count`, nearest first.
    static func successors(of node: NodeEpoch, among peers: [NodeEpoch], count: Int) -> [NodeEpoch]
    {
        guard peers.count > count else { return peers }
        let here = Self.score(0, node)
        // The distance around the ring wraps by itself.
        return Array(
            peers.sorted { Self.score(0, $0) &- here < Self.score(0, $1) &- here }.prefix(count)
        )
    }

    /// The finaliser of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
