// How the hub has other nodes' events brought by their owners, before the database tells of them.

public import Cluster
import Logging
import Metrics
import PulserIR
import StateMachines
import Store
import Synchronization

/// The relays of a hub: what decides about them, and through whom they go.
struct EventRelays {
    /// `nil` while this node is alone.
    var peers: (any RelayPeers)?
    var machine = RelayMachine()
    /// Changes with the peers; what comes late from earlier ones is not for these.
    var generation = 0
    /// When jobs that sleep end: each new one ends before all others.
    var wakesAt: Set<Duration> = []
}

/// What a hub is told about its relays.
enum RelayNews: Sendable {
    /// Other peers from now on.
    case peers((any RelayPeers)?, patience: Duration)
    case event(RelayMachine.Event, generation: Int)
    case answer(NodeEpoch, tail: Int64, [CommittedChunk], lost: [Int64: Int64], generation: Int)
    case woken(at: Duration, generation: Int)
}

/// What is to be done beside the hub.
struct RelayJob: Sendable {
    enum Kind: Sendable {
        case follow(NodeEpoch, RelayChange)
        case pull(NodeEpoch, tail: Int64)
        case wake(at: Duration)
    }

    var kind: Kind
    var peers: any RelayPeers
    var generation: Int
}

extension EventHub {
    /// Has events of other nodes' lanes brought over the cluster's links from now on.
    ///
    /// - Parameter system: The node's calls; `nil` when its life ends: the database brings them.
    public nonisolated func relay(over system: ClusterSystem?) {
        self.relay(through: system.flatMap { ClusterPeers($0) })
    }

    nonisolated func relay(
        through peers: (any RelayPeers)?,
        patience: Duration = RelayMachine().patience
    ) {
        self.tell(.peers(peers, patience: patience))
    }

    nonisolated func tell(_ news: RelayNews) {
        self.inbox.withLock { $0.relayNews.append(news) }
        self.wake.yield()
    }

    /// Makes the relays' calls until cancelled.
    nonisolated func runRelays() async {
        await withDiscardingTaskGroup { group in
            for await job in self.relayJobs.stream {
                group.addTask { await self.perform(job) }
            }
        }
    }

    private nonisolated func perform(_ job: RelayJob) async {
        let generation = job.generation
        switch job.kind {
        case .wake(let time):
            try? await Task.sleep(
                until: NodeClock.instant(time),
                tolerance: .zero,
                clock: .continuous
            )
            self.tell(.woken(at: time, generation: generation))
        case .follow(let node, let change):
            do throws(ClusterError) {
                let isKnown = try await job.peers.follow(node, change)
                self.tell(
                    .event(
                        .followed(node, tail: change.tail, isKnown: isKnown),
                        generation: generation
                    )
                )
            } catch {
                self.failed(node, change.tail, error, generation)
            }
        case .pull(let node, let tail):
            do throws(ClusterError) {
                let answer = try await job.peers.pull(node, tail: tail)
                guard answer.isKnown else {
                    let event = RelayMachine.Event.pulled(
                        node,
                        tail: tail,
                        isKnown: false,
                        lost: [:]
                    )
                    return self.tell(.event(event, generation: generation))
                }
                guard let chunks = answer.chunks, let lost = answer.lostLanes else {
                    throw ClusterError(.malformed, "what the node has kept cannot be read")
                }
                self.tell(.answer(node, tail: tail, chunks, lost: lost, generation: generation))
            } catch {
                self.failed(node, tail, error, generation)
            }
        }
    }

    private nonisolated func failed(
        _ node: NodeEpoch,
        _ tail: Int64,
        _ error: ClusterError,
        _ generation: Int
    ) {
        self.logger.debug(
            "relay failed",
            metadata: ["node": "\(node.number)", "reason": "\(error.message)"]
        )
        let isCapable = error.code != .unimplemented
        GatewayMetrics.relayFallback(isCapable ? .failed : .unimplemented).increment()
        self.tell(
            .event(.failed(node, tail: tail, isCapable: isCapable), generation: generation)
        )
    }

    // MARK: In the hub's turn

    /// Takes what the relays have brought.
    func take(_ news: RelayNews) {
        switch news {
        case .peers(let peers, let patience): self.change(peers, patience)
        case .event(let event, self.relays.generation): self.relay(event)
        case .woken(let time, self.relays.generation):
            self.relays.wakesAt.remove(time)
            self.relay(.tick)
        case .answer(let node, let tail, let chunks, let lost, self.relays.generation):
            self.take(chunks, from: node)
            if !lost.isEmpty { GatewayMetrics.relayFallback(.lost).increment(by: lost.count) }
            self.relay(.pulled(node, tail: tail, isKnown: true, lost: lost))
        case .event, .woken, .answer: break
        }
    }

    private func take(_ chunks: [CommittedChunk], from node: NodeEpoch) {
        guard !chunks.isEmpty else { return }
        GatewayMetrics.relayChunks.increment(by: chunks.count)
        GatewayMetrics.relayBytes.increment(by: chunks.reduce(0) { $0 + $1.bytes.count })
        for chunk in chunks {
            guard let before = self.lanes[chunk.lane]?.next else { continue }
            self.accept(chunk)
            guard let next = self.lanes[chunk.lane]?.next, next > before else { continue }
            self.relay(.reached(lane: chunk.lane, through: next - 1, by: node))
        }
    }

    /// Goes on with other peers, from the beginning.
    private func change(_ peers: (any RelayPeers)?, _ patience: Duration) {
        for lane in self.lanes.keys { self.relay(.left(lane: lane)) }
        self.relays = EventRelays(
            peers: peers,
            machine: RelayMachine(patience: patience),
            generation: self.relays.generation + 1
        )
        self.placeLanes()
    }

    /// Looks where the lanes are by now.
    func placeLanes() {
        guard self.relays.peers != nil else { return }
        for lane in self.lanes.keys { self.place(lane) }
        GatewayMetrics.relayLanes.record(self.relays.machine.relayedLanes)
    }

    /// Looks where a lane is.
    func place(_ lane: Int64) {
        guard let peers = self.relays.peers, self.lanes[lane]?.next ?? 0 > 0 else { return }
        self.relay(.placed(lane: lane, owner: peers.owner(of: lane)))
    }

    /// The database has a lane's events up to a number: they are read unless a relay brings them.
    func notice(_ lane: Int64, through last: Int64) {
        guard self.relays.peers != nil, let next = self.lanes[lane]?.next, next > 0 else {
            return self.want(lane, through: last)
        }
        guard last >= next else { return }
        self.place(lane)
        self.relay(.noticed(lane: lane, through: last))
    }

    /// Has the machine decide, and does what it says.
    func relay(_ event: RelayMachine.Event) {
        guard let peers = self.relays.peers else { return }
        let late = self.relays.machine.lateCount
        for action in self.relays.machine.handle(event, at: NodeClock.now) {
            switch action {
            case .read(let lane, let through): self.want(lane, through: through)
            case .follow(let node, let change): self.begin(.follow(node, change), peers)
            case .pull(let node, let tail): self.begin(.pull(node, tail: tail), peers)
            }
        }
        let waited = self.relays.machine.lateCount - late
        if waited > 0 { GatewayMetrics.relayFallback(.late).increment(by: waited) }
        guard let wanted = self.relays.machine.wakeAt,
            !self.relays.wakesAt.contains(where: { $0 <= wanted })
        else { return }
        self.relays.wakesAt.insert(wanted)
        self.begin(.wake(at: wanted), peers)
    }

    private func begin(_ kind: RelayJob.Kind, _ peers: any RelayPeers) {
        self.relayJobs.continuation.yield(
            RelayJob(kind: kind, peers: peers, generation: self.relays.generation)
        )
    }
}
