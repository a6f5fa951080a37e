// Decides when a node votes against a peer, takes its vote back, and asks for the peer's end.

/// One node's vote against one peer.
///
/// Whether the votes are enough is decided by the database, in the transaction that counts them; this
/// machine sees to it that a vote stands only while there is a reason for it. A vote whose request
/// failed may stand nevertheless, so it is taken back until that is confirmed.
public struct VoteMachine: Sendable {
    /// What is known at one moment.
    public struct Evidence: Sendable, Hashable {
        /// What the probes say about the peer.
        public var suspicion: PeerMachine.Suspicion
        /// When anything was last received from it; `nil` for never.
        public var heardAt: Duration?
        /// Whether this node is fit to accuse: more than half of its lease left, not late itself.
        public var isFit: Bool
        /// Whether the cluster has peers beside this one that this node should hear.
        public var hasOthers: Bool
        /// Whether it hears one of them.
        public var hearsOthers: Bool
        /// Whether this node coordinates.
        public var coordinates: Bool

        /// Describes a moment.
        public init(
            suspicion: PeerMachine.Suspicion,
            heardAt: Duration?,
            isFit: Bool,
            hasOthers: Bool,
            hearsOthers: Bool,
            coordinates: Bool
        ) {
            self.suspicion = suspicion
            self.heardAt = heardAt
            self.isFit = isFit
            self.hasOthers = hasOthers
            self.hearsOthers = hearsOthers
            self.coordinates = coordinates
        }
    }

    /// What to ask of the database.
    public enum Decision: Sendable, Hashable {
        /// Vote, or repeat the vote.
        case suspect(isHard: Bool)
        /// Take the vote back.
        case clear
        /// Count the votes, and declare the peer dead if they are enough.
        case evict(isHard: Bool)
    }

    private let timing: ClusterTiming
    private var isAsking = false
    /// Whether the database may have a vote of this node.
    private var mayStand = false
    private var softSince: Duration?
    private var votedAt: Duration?
    private var notBefore: Duration = .zero
    private var evictAs: Bool?

    /// A node that has not voted.
    public init(timing: ClusterTiming = ClusterTiming()) { self.timing = timing }

    /// Whether nothing was ever said against the peer, or all of it was taken back.
    public var isIdle: Bool { !self.mayStand && self.softSince == nil }

    /// Decides at `now`; a decision is under way until ``answered(_:succeeded:at:)`` is called with it.
    public mutating func decide(_ evidence: Evidence, at now: Duration) -> Decision? {
        if evidence.suspicion != .soft { self.softSince = nil }
        guard !self.isAsking, now >= self.notBefore else { return nil }
        guard let isHard = self.verdict(evidence, at: now) else {
            self.evictAs = nil
            return self.mayStand ? self.ask(.clear) : nil
        }
        // An unfit node adds nothing; what it said before it was unfit goes stale by itself.
        guard evidence.isFit else { return nil }
        if let evictAs = self.evictAs {
            self.evictAs = nil
            if evictAs == isHard { return self.ask(.evict(isHard: isHard)) }
        }
        guard self.isVoteDue(evidence.suspicion, at: now) else { return nil }
        self.mayStand = true
        self.votedAt = now
        let isRipe = now - (self.softSince ?? now) >= self.timing.grace
        if isHard || (evidence.coordinates && isRipe) { self.evictAs = isHard }
        return self.ask(.suspect(isHard: isHard))
    }

    /// Takes the outcome of a decision.
    public mutating func answered(_ decision: Decision, succeeded: Bool, at now: Duration) {
        self.isAsking = false
        guard succeeded else {
            self.evictAs = nil
            self.notBefore = now + self.timing.pause
            return
        }
        if decision == .clear {
            self.mayStand = false
            self.votedAt = nil
        }
    }

    private mutating func ask(_ decision: Decision) -> Decision {
        self.isAsking = true
        return decision
    }

    /// Whether there is a reason for a vote: `true` for a hard one, `false` for a soft one.
    private mutating func verdict(_ evidence: Evidence, at now: Duration) -> Bool? {
        switch evidence.suspicion {
        case .none: return nil
        case .hard(let at):
            // What came after the refusal disproves it; what came before was sent by the living.
            if let heardAt = evidence.heardAt, heardAt > at { return nil }
            // Whoever hears nobody should blame itself, unless there is nobody else to hear.
            return evidence.hasOthers && !evidence.hearsOthers ? nil : true
        case .soft:
            if let heardAt = evidence.heardAt, now - heardAt < self.timing.veto { return nil }
            guard evidence.hearsOthers else { return nil }
            self.softSince = self.softSince ?? now
            return false
        }
    }

    /// A soft vote is repeated by time, a hard one by a new refusal: it must be newer than the peer's
    /// last renewal.
    private func isVoteDue(_ suspicion: PeerMachine.Suspicion, at now: Duration) -> Bool {
        guard let votedAt = self.votedAt else { return true }
        if case .hard(let at) = suspicion {
            return at > votedAt && now - votedAt >= self.timing.pause
        }
        return now - votedAt >= self.timing.voteRefresh
    }
}
