// Brings what was committed to everybody who follows it: reads each event once, encodes it once.

public import Logging
import NIOCore
import PulserIR
import StateMachines
public import Store
import Synchronization

/// The node's event streams.
///
/// Lanes are followed while somebody reads them: nobody there, no work. News come from this node's
/// commits, from relays to the nodes that own the other lanes, from notices of those nodes, and every few
/// seconds from a look at the database. A *topic*
/// is what subscribers share: one lane, some lanes, a session, everything; its events are encoded
/// into blocks, and every event loop gets a block in one hop. A loop that is still busy with the last
/// batch gets the next when it is done, so batches grow under load by themselves.
///
/// Owner: the gateway. Runs on: default pool, and each subscriber on its connection's loop. Ends:
/// cancellation of ``run()``; then every subscriber is told to come again.
public actor EventHub {
    /// Bytes of commits that may wait; what is more is read from the database when its turn comes.
    static let inboxBytesMax = 32 << 20
    /// Bytes of blocks that may wait for a loop; then its readers catch up from the database.
    static let loopBytesMax = 16 << 20
    /// How long a topic without readers is kept for those who come back.
    static let idleMax: Duration = .seconds(10)
    static let readersCount = 4
    /// Events of a lane that joins a topic from its beginning: read once, for all who follow it. What
    /// has more, each reader finds in the database for itself.
    static let youngEventsMax: Int64 = 65_536
    private static let lookEvery = 5

    /// What came in since the last turn.
    struct Inbox {
        var isFollowed = false
        var chunks: [CommittedChunk] = []
        var bytes = 0
        var ends: [Int64: Int64] = [:]
        var isLookDue = false
        var pages: [LogPage] = []
        var missing: [Int64: SubscriptionMachine.Bounds] = [:]
        var failed: [Int64] = []
        var doneLoops: [Int] = []
        var relayNews: [RelayNews] = []
    }

    /// One lane that is followed.
    struct Lane {
        /// The number of the next event; 0 until it is known.
        var next: Int64 = 0
        var floor: Int64 = 0
        /// The last event that is known to be stored.
        var wanted: Int64 = 0
        var isFetching = false
        var early: [CommittedChunk] = []
        var topics: Set<Int> = []
    }

    /// What some subscribers share.
    struct Topic {
        let number: Int
        let scope: StreamScope
        var lanes: [Int64]
        var builder: EventBlockBuilder
        /// The loops that hear of it, each with how it began there.
        var loops: [Int: LoopOrder] = [:]
        let interest: TopicInterest
    }

    /// One event loop.
    struct Link {
        let eventLoop: any EventLoop
        let fanout: NIOLoopBoundBox<LoopFanout>
        var orders: [LoopOrder] = []
        var bytes = 0
        var isBusy = false
    }

    let source: any LogSource
    let logger: Logger
    let readers: [PageReader]
    nonisolated let seats: StreamSeats
    nonisolated let inbox = Mutex(Inbox())
    private let wakes: AsyncStream<Void>
    nonisolated let wake: AsyncStream<Void>.Continuation
    /// What has to ask the database first, so that events need not wait for its answers.
    private let errands: AsyncStream<Void>
    private let errand: AsyncStream<Void>.Continuation
    private var isLookDue = false
    var lanes: [Int64: Lane] = [:]
    var topics: [Int: Topic] = [:]
    var numbers: [StreamScope: Int] = [:]
    var links: [Link] = []
    /// Topics with events that no loop has.
    var dirty: Set<Int> = []
    /// Lanes that grew and that no topic has.
    var unknown: Set<Int64> = []
    /// Lanes that no topic wants.
    var strangers: Set<Int64> = []
    var nextTopic = 1
    var knownEpoch: String?
    var isEnded = false
    var relays = EventRelays()
    // Bounded by the machine: one call of each kind at a time to each node, and sleeps that overtake
    // each other.
    let relayJobs = AsyncStream<RelayJob>.makeStream()

    /// Prepares the streams of a node over its store.
    public init(store: Store, caps: StreamCaps = StreamCaps(), logger: Logger) {
        self.init(source: StoredLogs(store: store), caps: caps, logger: logger)
    }

    init(source: any LogSource, caps: StreamCaps = StreamCaps(), logger: Logger) {
        self.source = source
        self.logger = logger
        self.seats = StreamSeats(caps)
        self.readers = (0..<Self.readersCount).map { _ in
            PageReader(source: source, logger: logger)
        }
        (self.wakes, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (self.errands, self.errand) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: What happened

    /// Takes what a commit of this node added to the logs; give it to the writer as its hook.
    public nonisolated func committed(_ chunks: [CommittedChunk]) {
        let isNews = self.inbox.withLock { inbox in
            guard inbox.isFollowed else { return false }
            for chunk in chunks {
                if inbox.bytes > Self.inboxBytesMax {
                    inbox.ends[chunk.lane] = max(inbox.ends[chunk.lane] ?? 0, chunk.endSequence)
                } else {
                    inbox.bytes += chunk.bytes.count
                    inbox.chunks.append(chunk)
                }
            }
            return true
        }
        if isNews { self.wake.yield() }
    }

    /// Takes a notice of ``Channel/events``.
    public nonisolated func heard(_ notice: Notice) {
        let isNews = self.inbox.withLock { inbox in
            guard inbox.isFollowed else { return false }
            if notice.ends.isEmpty { inbox.isLookDue = true }
            for (lane, end) in notice.ends {
                inbox.ends[lane] = max(inbox.ends[lane] ?? 0, end)
            }
            return true
        }
        if isNews { self.wake.yield() }
    }

    // MARK: Life

    /// Works until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for reader in self.readers { group.addTask { await reader.run() } }
            group.addTask { await self.beat() }
            group.addTask { await self.runRelays() }
            group.addTask {
                for await _ in self.wakes { await self.turn() }
            }
            group.addTask {
                for await _ in self.errands { await self.ask() }
            }
        }
        self.drain()
    }

    /// Tells every subscriber to come again somewhere else; no new ones are let in.
    public func drain() {
        guard !self.isEnded else { return }
        self.isEnded = true
        for index in self.links.indices {
            self.links[index].orders.append(.drain)
            self.send(index, always: true)
        }
    }

    private func beat() async {
        var beats = 0
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            beats += 1
            self.closeIdle()
            self.placeLanes()
            for number in self.topics.keys where self.topics[number]?.builder.isMarkDue == true {
                self.topics[number]?.builder.mark()
                self.dirty.insert(number)
            }
            self.publish()
            guard beats % Self.lookEvery == 0, !self.topics.isEmpty else { continue }
            await self.look()
        }
    }

    private func turn() {
        let mail = self.inbox.withLock { inbox in
            defer {
                let isFollowed = inbox.isFollowed
                inbox = Inbox()
                inbox.isFollowed = isFollowed
            }
            return inbox
        }
        for index in mail.doneLoops { self.links[index].isBusy = false }
        for (lane, bounds) in mail.missing { self.miss(lane, bounds) }
        for lane in mail.failed { self.lanes[lane]?.isFetching = false }
        for page in mail.pages { self.accept(page) }
        for chunk in mail.chunks { self.accept(chunk) }
        for news in mail.relayNews { self.take(news) }
        for (lane, end) in mail.ends { self.notice(lane, through: end - 1) }
        self.publish()
        if mail.isLookDue { self.isLookDue = true }
        if self.isLookDue || !self.unknown.isEmpty { self.errand.yield() }
    }

    private func ask() async {
        if self.isLookDue {
            self.isLookDue = false
            await self.look()
        }
        if !self.unknown.isEmpty { await self.adopt() }
    }

    // MARK: Loops

    /// Gives every loop what it has not got, unless it is busy.
    func publish() {
        for number in self.dirty {
            guard var topic = self.topics[number], !topic.builder.isEmpty else { continue }
            let block = topic.builder.finish()
            self.topics[number] = topic
            for index in topic.loops.keys {
                self.links[index].orders.append(.publish(topic: number, block))
                self.links[index].bytes += block.bytes.readableBytes
            }
        }
        self.dirty.removeAll(keepingCapacity: true)
        for index in self.links.indices { self.send(index) }
    }

    /// Sends a loop its orders in one hop.
    func send(_ index: Int, always: Bool = false) {
        if self.links[index].bytes > Self.loopBytesMax { self.skipBlocks(index) }
        let link = self.links[index]
        guard !link.orders.isEmpty, always || !link.isBusy else { return }
        let orders = link.orders
        let fanout = link.fanout
        let loop = link.eventLoop
        self.links[index].orders = []
        self.links[index].bytes = 0
        self.links[index].isBusy = true
        loop.execute {
            fanout.value.apply(orders)
            // Behind the writes that the readers' streams have scheduled.
            loop.execute {
                self.inbox.withLock { $0.doneLoops.append(index) }
                self.wake.yield()
            }
        }
    }

    /// Blocks that a loop has no time for go: its readers find their events in the database.
    private func skipBlocks(_ index: Int) {
        self.links[index].bytes = 0
        self.links[index].orders = self.links[index].orders.map { order in
            guard case .publish(let topic, let block) = order else { return order }
            return .jump(topic: topic, index: block.endIndex, positions: block.heads)
        }
    }

    /// The place of a loop among all.
    func link(_ eventLoop: any EventLoop) -> Int {
        if let index = self.links.firstIndex(where: { $0.eventLoop === eventLoop }) { return index }
        let fanout = NIOLoopBoundBox.makeBoxSendingValue(
            LoopFanout(eventLoop, readers: self.readers),
            eventLoop: eventLoop
        )
        self.links.append(Link(eventLoop: eventLoop, fanout: fanout))
        return self.links.count - 1
    }
}
