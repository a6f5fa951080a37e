// Decides whether one peer is alive, from probes and from what is heard of it.

/// One peer as this node sees it.
///
/// A probe is missed when no answer comes within a learned timeout. Every third probe after misses
/// goes through another peer; when that one is missed too, the peer is softly suspected. A connection
/// that is refused or reset is tried again at once; when that is refused too, nobody listens there
/// any more and the suspicion is hard. Any good answer ends both.
public struct PeerMachine: Sendable {
    /// What became of a probe.
    public enum Answer: Sendable, Hashable {
        /// The peer answered.
        case alive
        /// A connection broke, or could not be made for a reason that is not a refusal.
        case reset
        /// Nobody listens at the peer's address.
        case refused
        /// The peer asked to probe it in our place could not reach it.
        case unreachable
    }

    /// How a probe goes.
    public enum Route: Sendable, Hashable {
        /// From here.
        case direct
        /// Through another peer that is well.
        case indirect
    }

    /// What this node thinks of the peer.
    public enum Suspicion: Sendable, Hashable {
        /// Nothing bad.
        case none
        /// It does not answer: it may be dead, slow, or cut off.
        case soft
        /// Its process is gone: its address refused a connection, last at this time.
        case hard(at: Duration)
    }

    private struct Probe: Sendable {
        var id: Int
        var route: Route
        var sentAt: Duration
        var deadline: Duration
    }

    /// What this node thinks of the peer.
    public private(set) var suspicion: Suspicion = .none
    /// When anything was last received from the peer itself; `nil` for never.
    public private(set) var heardAt: Duration?
    /// When the peer last answered a probe, by whatever route; `nil` for never.
    public private(set) var answeredAt: Duration?
    /// When the peer last sent something of its own accord; `nil` for never.
    public private(set) var calledAt: Duration?

    private let timing: ClusterTiming
    private var latency = LatencyEstimate()
    private var underWay: Probe?
    private var missed: Probe?
    private var nextAt: Duration
    private var misses = 0
    private var isRefused = false

    /// Begins to watch a peer; the first probe is due at `now`.
    public init(at now: Duration, timing: ClusterTiming = ClusterTiming()) {
        self.timing = timing
        self.nextAt = now
    }

    /// When `tick` has something to do next.
    public var wakeAt: Duration { self.underWay?.deadline ?? self.nextAt }

    /// Whether the peer was heard from within the last two seconds.
    public func isHeard(at now: Duration) -> Bool {
        guard let heardAt = self.heardAt else { return false }
        return now - heardAt < self.timing.veto
    }

    /// Notes a probe that took too long and says whether one is due now.
    ///
    /// - Parameters:
    ///   - now: The node's monotonic clock.
    ///   - id: What the probe is called when one is due.
    /// - Returns: How to send the probe `id`; `nil` when none is due.
    public mutating func tick(at now: Duration, id: Int) -> Route? {
        if let probe = self.underWay {
            guard now >= probe.deadline else { return nil }
            self.underWay = nil
            self.missed = probe
            self.miss()
        }
        guard now >= self.nextAt else { return nil }
        let isLast = (self.misses + 1).isMultiple(of: self.timing.missesMax)
        let route: Route = isLast ? .indirect : .direct
        // The way through another peer is twice as long.
        let timeout = self.latency.timeout(self.timing) * (route == .indirect ? 2 : 1)
        self.underWay = Probe(
            id: id,
            route: route,
            sentAt: now,
            deadline: now + min(timeout, self.timing.probeTimeoutMax)
        )
        self.nextAt = max(self.nextAt + self.timing.probe, now)
        return route
    }

    /// Takes the outcome of the probe `id`. An answer that comes too late still proves life, and a
    /// refusal that nobody listens; another outcome that comes too late says nothing.
    public mutating func answered(_ id: Int, _ answer: Answer, at now: Duration) {
        let probe = self.underWay.flatMap { $0.id == id ? $0 : nil }
        if probe != nil { self.underWay = nil }
        switch answer {
        case .alive:
            // From an answer that came too late a slow peer gets a longer timeout.
            let sent = probe ?? self.missed.flatMap { $0.id == id ? $0 : nil }
            if let sent { self.latency.note(now - sent.sentAt) }
            if sent?.route != .indirect { self.heardAt = now }
            self.answeredAt = now
            self.misses = 0
            self.isRefused = false
            self.suspicion = .none
        case .reset, .refused:
            // A refusal that comes late is still one: nobody listens there now.
            let late = self.missed.flatMap { $0.id == id && answer == .refused ? $0 : nil }
            guard let sent = probe ?? late, sent.route == .direct else { return self.fail(probe) }
            if answer == .refused, self.isRefused { self.suspicion = .hard(at: now) }
            // Once more at once: only a second refusal says that the process is gone.
            if !self.isRefused { self.nextAt = now }
            self.isRefused = true
            if probe != nil { self.miss() }
        case .unreachable: self.fail(probe)
        }
    }

    /// Notes that the peer sent something of its own accord.
    public mutating func called(at now: Duration) {
        self.heardAt = now
        self.calledAt = now
    }

    /// Forgets the probe under way: this node slept, so the silence may be its own.
    public mutating func excuse(at now: Duration) {
        self.underWay = nil
        self.missed = nil
        self.nextAt = now
    }

    private mutating func fail(_ probe: Probe?) { if probe != nil { self.miss() } }

    private mutating func miss() {
        self.misses += 1
        guard self.misses >= self.timing.missesMax else { return }
        if self.suspicion == .none { self.suspicion = .soft }
    }
}
