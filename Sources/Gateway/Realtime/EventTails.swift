// Keeps what this node commits to lanes that other nodes' subscribers follow, until those nodes ask for it.

public import Cluster
import Metrics
import NIOCore
import PulserIR
import StateMachines
public import Store
import Synchronization

/// The newest events of this node's lanes, for other nodes.
///
/// A node that follows has one *tail*: a queue of commits to all lanes that it follows here. It asks for
/// what is in it, one question at a time; an answer waits for news. Nothing is kept of lanes that nobody
/// follows. A tail that grows too large is emptied and says which lanes it has nothing of: their events
/// are in the database. So is everything that gets lost on its way, which is why nothing is sent twice.
///
/// A question that waits holds the mailbox of its actor, so every node that follows has an actor of its
/// own, ``EventTailActor``; what must not wait, what it follows, goes to another, ``EventDoorActor``.
///
/// Owner: the node's composition. Runs on: whoever calls. Ends: ``serve(on:)`` with `nil`.
public final class EventTails: Sendable {
    /// Bytes of all tails; each may have an equal share.
    static let bytesMax = 32 << 20
    /// Bytes that a tail may have, however many there are.
    static let shareBytesMin = 256 << 10
    /// Tails, one for each node that follows; who comes later reads the database.
    static let tailsMax = 256
    /// How long an answer waits for news at most.
    static let waitMax: Duration = .seconds(5)

    private struct State: ~Copyable {
        var tails: [NodeEpoch: EventTail] = [:]
        /// By lane who follows it.
        var followers: [Int64: [NodeEpoch]] = [:]
        var door: EventDoorActor?
        var sweptAt = Duration.zero
    }

    private enum Next {
        case answer([CommittedChunk], lost: [Int64: Int64])
        case wait(AsyncStream<Never>)
        case unknown
    }

    private let state = Mutex(State())
    private let hasTails = Atomic<Bool>(false)
    /// How long a tail that nobody asks for is kept.
    private let idleMax: Duration

    /// The actors that other nodes call; list them with the node's.
    public static let actors: [any ClusterActor.Type] = [EventDoorActor.self, EventTailActor.self]

    /// Nobody follows anything.
    public convenience init() { self.init(idleMax: .seconds(30)) }

    init(idleMax: Duration) { self.idleMax = idleMax }

    /// Answers the other nodes from now on.
    ///
    /// - Parameter system: The node's calls; `nil` when its life ends: nobody follows it any more.
    public func serve(on system: ClusterSystem?) {
        let door = system.map { system in
            system.host(.number(0)) { EventDoorActor(self, actorSystem: $0) }
        }
        let old = self.state.withLock { state in
            let old = state.tails
            state.tails = [:]
            state.followers = [:]
            state.door = door
            return old
        }
        self.hasTails.store(false, ordering: .releasing)
        for tail in old.values { tail.waiting?.finish() }
    }

    /// Takes what a commit of this node added to the logs; give it to the writer as its hook.
    ///
    /// - Parameter chunks: A lane's chunks in order.
    public func committed(_ chunks: [CommittedChunk]) {
        guard self.hasTails.load(ordering: .acquiring) else { return }
        let now = NodeClock.now
        let news = self.state.withLock { state in
            var news: [AsyncStream<Never>.Continuation] = []
            let share = max(Self.bytesMax / max(1, state.tails.count), Self.shareBytesMin)
            for chunk in chunks {
                for node in state.followers[chunk.lane] ?? [] {
                    guard let waiting = state.tails[node]?.append(chunk, bytesMax: share) else {
                        continue
                    }
                    news.append(waiting)
                }
            }
            if now - state.sweptAt >= self.idleMax / 6 {
                self.sweep(&state, now)
            }
            return news
        }
        for waiting in news { waiting.finish() }
    }

    /// Whether a node has a tail here.
    func hasTail(of node: NodeEpoch) -> Bool { self.state.withLock { $0.tails[node] != nil } }

    /// Whether a node follows a lane here.
    func isFollowed(_ lane: Int64) -> Bool { self.state.withLock { $0.followers[lane] != nil } }

    /// Bytes that are kept.
    var bytes: Int { self.state.withLock { $0.tails.values.reduce(0) { $0 + $1.bytes } } }

    // MARK: What nodes ask

    /// Changes what a node follows.
    ///
    /// - Returns: Whether it has such a tail now.
    func follow(_ node: NodeEpoch, _ change: RelayChange) -> Bool {
        let (isKnown, old) = self.state.withLock { state in
            var old: AsyncStream<Never>.Continuation?
            if change.isFirst {
                let number = state.tails[node]?.number ?? 0
                guard change.tail > number, number > 0 || state.tails.count < Self.tailsMax else {
                    return (false, old)
                }
                old = self.remove(node, &state)
                state.tails[node] = EventTail(number: change.tail, askedAt: NodeClock.now)
            }
            guard state.tails[node]?.number == change.tail else { return (false, old) }
            for lane in change.lanes
            where state.tails[node]?.lanes.count ?? 0 < RelayMachine.tailLanesMax {
                guard state.tails[node]?.lanes.insert(lane).inserted == true else { continue }
                state.followers[lane, default: []].append(node)
            }
            for lane in change.gone {
                state.tails[node]?.lanes.remove(lane)
                Self.unfollow(lane, node, &state.followers)
            }
            return (true, old)
        }
        if isKnown { self.hasTails.store(true, ordering: .releasing) }
        old?.finish()
        return isKnown
    }

    /// What is kept for a node, once there is something or the time is over.
    func pull(_ node: NodeEpoch, _ pull: EventPull) async -> EventAnswer {
        switch self.next(node, pull.tail, waits: true) {
        case .unknown: return EventAnswer()
        case .answer(let chunks, let lost): return EventAnswer(chunks, lost: lost)
        case .wait(let news):
            let wait = min(Duration.milliseconds(pull.waitMilliseconds), Self.waitMax)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in news {} }
                group.addTask { try? await Task.sleep(for: wait) }
                await group.next()
                group.cancelAll()
            }
            guard !Task.isCancelled,
                case .answer(let chunks, let lost) = self.next(node, pull.tail, waits: false)
            else { return EventAnswer() }
            return EventAnswer(chunks, lost: lost)
        }
    }

    private func next(_ node: NodeEpoch, _ number: Int64, waits: Bool) -> Next {
        self.state.withLock { state in
            guard state.tails[node]?.number == number else { return .unknown }
            state.tails[node]?.askedAt = NodeClock.now
            state.tails[node]?.waiting = nil
            let isEmpty = state.tails[node]?.isEmpty != false
            guard isEmpty, waits else {
                guard let (chunks, lost) = state.tails[node]?.take() else { return .unknown }
                return .answer(chunks, lost: lost)
            }
            let (news, waiting) = AsyncStream<Never>.makeStream()
            state.tails[node]?.waiting = waiting
            return .wait(news)
        }
    }

    // MARK: Tails that go

    private func sweep(_ state: inout State, _ now: Duration) {
        state.sweptAt = now
        for (node, tail) in state.tails
        where tail.waiting == nil && now - tail.askedAt >= self.idleMax {
            _ = self.remove(node, &state)
        }
        if state.tails.isEmpty { self.hasTails.store(false, ordering: .releasing) }
    }

    private func remove(
        _ node: NodeEpoch,
        _ state: inout State
    ) -> AsyncStream<Never>.Continuation? {
        guard let tail = state.tails.removeValue(forKey: node) else { return nil }
        for lane in tail.lanes { Self.unfollow(lane, node, &state.followers) }
        return tail.waiting
    }

    private static func unfollow(
        _ lane: Int64,
        _ node: NodeEpoch,
        _ followers: inout [Int64: [NodeEpoch]]
    ) {
        followers[lane]?.removeAll { $0 == node }
        if followers[lane]?.isEmpty == true { followers[lane] = nil }
    }
}
