// Decides how tests play the owners of a hub's lanes: without sockets, hanging, failing, moving.

import Cluster
import PulserIR
import StateMachines
import Synchronization

@testable import Gateway
@testable import Store

/// Owners whose tails are asked without a network.
final class TailPeers: RelayPeers {
    /// What becomes of calls.
    enum Mode: Sendable, Hashable, CaseIterable {
        case well
        /// They are executed, nothing comes back.
        case mute
        /// Nobody is there.
        case gone
        /// An earlier build.
        case old
    }

    private struct State {
        var mode = Mode.well
        var owner: NodeEpoch? = NodeEpoch(2)
        var calls = 0
    }

    private static let me = NodeEpoch(1)
    private let state = Mutex(State())
    /// By node what it keeps.
    let tails = [NodeEpoch(2): EventTails(), NodeEpoch(3): EventTails()]

    /// Calls so far.
    var calls: Int { self.state.withLock { $0.calls } }

    func set(_ mode: Mode) { self.state.withLock { $0.mode = mode } }
    func move(to owner: NodeEpoch?) { self.state.withLock { $0.owner = owner } }
    func commits(_ chunks: [CommittedChunk], at node: Int64 = 2) {
        self.tails[NodeEpoch(node)]?.committed(chunks)
    }
    /// Whether a node keeps a tail for the hub.
    func isFollowed(at node: Int64 = 2) -> Bool {
        self.tails[NodeEpoch(node)]?.hasTail(of: Self.me) == true
    }

    func owner(of lane: Int64) -> NodeEpoch? { self.state.withLock { $0.owner } }

    func follow(_ node: NodeEpoch, _ change: RelayChange) async throws(ClusterError) -> Bool {
        try await self.pass()
        let sent = EventFollow(change, of: Self.me)
        let isKnown = sent.change.map { self.tails[node]?.follow(Self.me, $0) == true } ?? false
        try await self.pass()
        return isKnown
    }

    func pull(_ node: NodeEpoch, tail: Int64) async throws(ClusterError) -> EventAnswer {
        try await self.pass()
        let pull = EventPull(tail: tail, waitMilliseconds: 2_000)
        let answer = await self.tails[node]?.pull(Self.me, pull)
        try await self.pass()
        return answer ?? EventAnswer()
    }

    private func pass() async throws(ClusterError) {
        let mode = self.state.withLock { state in
            state.calls += 1
            return state.mode
        }
        switch mode {
        case .well: break
        case .mute:
            // Ends with the test.
            let (silence, sink) = AsyncStream<Never>.makeStream()
            for await _ in silence {}
            sink.finish()
        case .gone: throw ClusterError(.unreachable, "nobody is there")
        case .old: throw ClusterError(.unimplemented, "the build does not know the method")
        }
    }
}

extension HubBed {
    /// Commits an event of each lane elsewhere: the owner's relay and the notice tell of it, or do not.
    func commitElsewhere(
        _ lanes: [Int64],
        by peers: TailPeers?,
        at node: Int64 = 2,
        isNoticed: Bool = false
    ) {
        let chunks = self.logs.commit(lanes.map { ($0, HubBed.event()) })
        peers?.commits(chunks, at: node)
        guard isNoticed else { return }
        self.hub.heard(HubBed.notice(chunks))
    }

    /// What the database tells of commits.
    static func notice(_ chunks: [CommittedChunk]) -> Notice {
        let pairs = chunks.map { "\($0.lane):\($0.endSequence)" }
        return Notice(.events, payload: pairs.joined(separator: ","))
    }

    /// Pages that were read.
    var pages: Int { self.logs.state.withLock { $0.pages } }
}
