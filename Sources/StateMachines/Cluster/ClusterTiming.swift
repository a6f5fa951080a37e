// Decides the figures of the cluster's protocol; each says what it is bounded by.

/// Every interval, deadline and bound of the protocol. The defaults are those of a cluster on one
/// network with a database that answers within milliseconds.
public struct ClusterTiming: Sendable, Hashable {
    /// How long a lease lives after a renewal. Default 10 s.
    public var lease: Duration = LeaseMachine.ttl
    /// How long after the sending of its renewal a lease is trusted: 2 s less than it lives, which
    /// covers clocks that run up to a tenth too fast or too slow. Default 8 s.
    public var trust: Duration = LeaseMachine.ttl - LeaseMachine.margin
    /// How often a lease is renewed; four chances within a lease. Default 2.5 s.
    public var renewal: Duration = LeaseMachine.interval
    /// How often a peer is probed. Default 500 ms.
    public var probe: Duration = .milliseconds(500)
    /// The shortest wait for an answer to a probe. Default 250 ms.
    public var probeTimeoutMin: Duration = .milliseconds(250)
    /// The longest wait for an answer to a probe. Default 2 s.
    public var probeTimeoutMax: Duration = .seconds(2)
    /// How many probes in a row fail before a peer is suspected; the last one is sent through
    /// another peer. Default 3.
    public var missesMax = 3
    /// How many peers one node probes: its successors on a ring of hashes. Default 10.
    public var watchedMax = 10
    /// How long something heard from a peer vetoes a soft vote against it, and how long a node that
    /// was late itself votes against nobody. Default 2 s.
    public var veto: Duration = .seconds(2)
    /// How late a node may run before it blames itself instead of its peers. Default 200 ms.
    public var lagMax: Duration = .milliseconds(200)
    /// How often a standing vote is repeated. Default 2.5 s.
    public var voteRefresh: Duration = .milliseconds(2_500)
    /// How long soft votes must stand before the coordinator acts on them. Default 15 s.
    public var grace: Duration = .seconds(15)
    /// How often the shards are read when no notice came. Default 1 s.
    public var shardPoll: Duration = .seconds(1)
    /// How often the membership is read when no notice came. Default 5 s.
    public var viewPoll: Duration = .seconds(5)
    /// How long a shard's owner may take to hand it over or to decline before it is forced. Default 15 s.
    public var handoff: Duration = .seconds(15)
    /// How long a shard's work may take to come to rest before its move is declined. Default 5 s.
    public var settle: Duration = .seconds(5)
    /// How long the coordinator leaves a shard alone whose move was declined. Default 1 min.
    public var declined: Duration = .seconds(60)
    /// How long a leaving node lets a shard's work come to rest before it is cut off. Default 10 s.
    public var finish: Duration = .seconds(10)
    /// How many shards a leaving node hands over at once. Default 4.
    public var drainWidth = 4
    /// How long one of them may take to settle before another one begins beside it. Default 1 s.
    public var drainPatience: Duration = .seconds(1)
    /// How long a leaving node hands over before it lets the rest go. Default 30 s.
    public var drain: Duration = .seconds(30)
    /// The most moves of one round, however many shards there are. Default 20.
    public var movesMax = 20
    /// The shortest time from one round of moves to the next. Default 200 ms.
    public var round: Duration = .milliseconds(200)
    /// How long a node waits before it repeats a request of the same kind that failed. Default 500 ms.
    public var pause: Duration = .milliseconds(500)

    /// The figures of CLUSTER.md.
    public init() {}
}
