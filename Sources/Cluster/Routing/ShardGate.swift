// Whether a call to a shard is for this node. Pure.

internal import PulserIR

/// What becomes of a call to a shard that has arrived.
enum ShardGate {
    /// The decision.
    enum Verdict: Sendable, Hashable {
        /// It is executed here.
        case admit
        /// The caller knows more than this node, which looks again first.
        case refresh
        /// It is to be made elsewhere.
        case redirect(Redirect)
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - generation: The generation that the call carries.
    ///   - place: What this node knows of the shard.
    ///   - node: This node.
    ///   - isFresh: Whether it has just looked.
    /// - Returns: What becomes of the call.
    static func verdict(
        generation: Int64,
        place: ShardPlace?,
        node: NodeEpoch,
        isFresh: Bool
    ) -> Verdict {
        guard let place, generation <= place.generation else {
            // It may become ours any moment, but it is not known to be.
            return isFresh
                ? .redirect(Redirect(reason: .moving, owner: nil, generation: generation))
                : .refresh
        }
        func redirect(_ reason: Redirect.Reason) -> Verdict {
            .redirect(
                Redirect(reason: reason, owner: place.owner, generation: place.generation)
            )
        }
        if generation < place.generation { return redirect(.stale) }
        guard let owner = place.owner else { return redirect(.moving) }
        if owner != node { return redirect(.moved) }
        return place.isHandingOff ? redirect(.moving) : .admit
    }
}
