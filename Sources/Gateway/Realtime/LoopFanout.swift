// All subscribers of one event loop: a hop per batch brings them what is new.

import HTTP2
import Metrics
import NIOCore
import StateMachines

/// A topic on one event loop: its ring, and who reads it.
final class LoopTopic {
    let number: Int
    var ring: EventRing
    /// The lanes it covers, ascending.
    var lanes: [Int64]
    var followers: [Subscriber] = []

    init(number: Int, ring: EventRing, lanes: [Int64]) {
        self.number = number
        self.ring = ring
        self.lanes = lanes
    }
}

/// What the hub tells an event loop.
enum LoopOrder: Sendable {
    /// A topic begins at an index and positions.
    case open(topic: Int, index: Int64, positions: LanePositions, onlyLane: Int64?, lanes: [Int64])
    /// A topic's lanes became more.
    case extend(topic: Int, lanes: [Int64])
    case publish(topic: Int, EventBlock)
    /// A topic goes on here; what was before is only in the database.
    case jump(topic: Int, index: Int64, positions: LanePositions)
    /// Nobody follows a topic any more.
    case close(topic: Int)
    /// Runs whose streams have nothing more to come.
    case ended([RunPlace])
    /// The node goes away.
    case drain
}

/// The subscribers of one event loop. Confined to it.
final class LoopFanout {
    /// Events left out or without id after which a reader is told its cursor.
    static let bookmarkEvents: Int32 = 1_000
    /// Ticks, a second each, after which a reader is told its cursor.
    static let bookmarkTicks: Int32 = 5
    /// Ticks without a byte after which a reader is told that the stream lives.
    static let heartbeatTicks: Int32 = 15
    /// Ticks after which a page that its reader does not take is let go.
    static let pageTicks: Int32 = 3
    /// Pages that readers of one loop may hold at once, 64 KiB each.
    static let pagesMax = 128
    /// Bytes of all rings of one loop; blocks are shared with the other loops.
    static let ringBytesMax = 64 << 20

    let eventLoop: any EventLoop
    private let readers: [PageReader]
    private var topics: [Int: LoopTopic] = [:]
    private var subscribers: [Subscriber] = []
    private var permits = LoopFanout.pagesMax
    private var line: [Subscriber] = []
    private var ticker: RepeatedTask?
    private var isDraining = false
    private(set) var tick: Int32 = 0
    /// Since the last tick.
    var bytes = 0
    var deliveries = 0

    init(_ eventLoop: any EventLoop, readers: [PageReader]) {
        self.eventLoop = eventLoop
        self.readers = readers
    }

    // MARK: Subscribers come and go

    /// Makes a subscriber.
    func attach(
        _ ticket: StreamTicket,
        _ opening: StreamOpening,
        to stream: any BodyStream
    ) -> Subscriber {
        let topic = self.topic(ticket, opening)
        let subscriber = Subscriber(ticket, opening, topic: topic, stream: stream, fanout: self)
        subscriber.index = self.subscribers.count
        self.subscribers.append(subscriber)
        subscriber.topicIndex = topic.followers.count
        topic.followers.append(subscriber)
        if self.isDraining { _ = subscriber.machine.handle(.drain) }
        GatewayMetrics.streams.record(self.subscribers.count)
        self.startTicking()
        return subscriber
    }

    private func topic(_ ticket: StreamTicket, _ opening: StreamOpening) -> LoopTopic {
        if let topic = self.topics[ticket.topic] { return topic }
        // A request that is answered on this very loop comes before the hub's order.
        self.apply([opening.order])
        if let topic = self.topics[ticket.topic] { return topic }
        let ring = EventRing(index: 0, positions: opening.bounds.heads, onlyLane: nil)
        return LoopTopic(number: ticket.topic, ring: ring, lanes: [])
    }

    func remove(_ subscriber: Subscriber) {
        self.release(subscriber)
        if subscriber.flags.contains(.isInLine) { self.line.removeAll { $0 === subscriber } }
        let index = subscriber.index
        self.subscribers.swapAt(index, self.subscribers.count - 1)
        self.subscribers[index].index = index
        self.subscribers.removeLast()
        let topic = subscriber.topic
        let place = subscriber.topicIndex
        topic.followers.swapAt(place, topic.followers.count - 1)
        topic.followers[place].topicIndex = place
        topic.followers.removeLast()
        GatewayMetrics.streams.record(self.subscribers.count)
    }

    // MARK: News

    /// Takes what the hub has to tell; then every reader that waits for it is woken once.
    func apply(_ orders: [LoopOrder]) {
        var fresh: [Int: [EventBlock]] = [:]
        for order in orders {
            switch order {
            case .open(let number, let index, let positions, let onlyLane, let lanes):
                guard self.topics[number] == nil else { break }
                let ring = EventRing(index: index, positions: positions, onlyLane: onlyLane)
                self.topics[number] = LoopTopic(number: number, ring: ring, lanes: lanes)
            case .extend(let number, let lanes): self.topics[number]?.lanes = lanes
            case .publish(let number, let block):
                guard let topic = self.topics[number] else { break }
                self.append(block, to: topic)
                fresh[number, default: []].append(block)
            case .jump(let number, let index, let positions):
                guard let topic = self.topics[number] else { break }
                for subscriber in topic.followers {
                    // The same index is another place from here on.
                    subscriber.ringPlaceAhead = nil
                    guard let index = subscriber.machine.index else { continue }
                    let place = topic.ring.positions(at: index)
                    let lag = topic.ring.view.head - index
                    _ = subscriber.machine.handle(.jumped(place, lag: lag))
                }
                topic.ring.restart(at: index, positions)
                fresh[number, default: []] = []
            case .close(let number): self.topics[number] = nil
            case .ended(let runs): self.end(runs)
            case .drain:
                self.isDraining = true
                for subscriber in self.subscribers { subscriber.draining() }
            }
        }
        for (number, blocks) in fresh {
            guard let topic = self.topics[number] else { continue }
            for subscriber in topic.followers { subscriber.hear(blocks) }
        }
    }

    private func append(_ block: EventBlock, to topic: LoopTopic) {
        topic.ring.append(block)
        let share = Self.ringBytesMax / max(1, self.topics.count)
        let count = topic.ring.surplus(
            bytesMax: min(max(share, EventRing.bytesMin), EventRing.bytesMax)
        )
        guard count > 0 else { return }
        self.evict(topic, before: topic.ring.floor(without: count))
        topic.ring.removeFirst(count)
    }

    /// Tells those who have not had entries that are about to go where they stand.
    private func evict(_ topic: LoopTopic, before floor: Int64) {
        for subscriber in topic.followers {
            guard let index = subscriber.machine.index, index < floor else { continue }
            let positions = topic.ring.positions(at: index)
            _ = subscriber.machine.handle(.evicted(positions))
        }
    }

    private func end(_ runs: [RunPlace]) {
        let places = Dictionary(runs.map { ($0.run, $0) }) { $1 }
        for subscriber in self.subscribers {
            guard let run = subscriber.ticket.run, let place = places[run.run] else { continue }
            subscriber.ended = place
            subscriber.wake()
        }
    }

    // MARK: Reading

    /// Has something read for a subscriber, now or when it is its turn.
    func read(_ subscriber: Subscriber, _ want: PageRequest.Want) {
        guard subscriber.flags.isDisjoint(with: [.isReading, .isInLine]) else { return }
        let number: Int64
        switch want {
        case .page(let lane, _, _):
            guard self.permits > 0 else {
                subscriber.flags.insert(.isInLine)
                self.line.append(subscriber)
                return
            }
            self.permits -= 1
            subscriber.flags.insert(.hasPermit)
            number = lane
        case .snapshot(let lanes, _, _): number = lanes.first ?? 0
        }
        subscriber.flags.insert(.isReading)
        let bound = NIOLoopBound(subscriber, eventLoop: self.eventLoop)
        let loop = self.eventLoop
        let request = PageRequest(want: want) { answer in
            loop.execute { bound.value.received(answer) }
        }
        self.readers[Int(number % Int64(self.readers.count))].request(request)
    }

    /// Gives a subscriber's place for a page to the next in line.
    func release(_ subscriber: Subscriber) {
        guard subscriber.flags.contains(.hasPermit) else { return }
        subscriber.flags.remove(.hasPermit)
        self.permits += 1
        self.wakeLine()
    }

    private func wakeLine() {
        guard self.permits > 0, !self.line.isEmpty else { return }
        let next = self.line.prefix(self.permits)
        self.line.removeFirst(next.count)
        for subscriber in next {
            subscriber.flags.remove(.isInLine)
            subscriber.wake()
        }
    }

    // MARK: Time

    private func startTicking() {
        guard self.ticker == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.ticker = self.eventLoop.scheduleRepeatedTask(
            initialDelay: .seconds(1),
            delay: .seconds(1)
        ) { _ in bound.value.beat() }
    }

    private func beat() {
        self.tick += 1
        if self.deliveries > 0 { GatewayMetrics.streamEvents.increment(by: self.deliveries) }
        if self.bytes > 0 { GatewayMetrics.streamBytes.increment(by: self.bytes) }
        self.deliveries = 0
        self.bytes = 0
        let isBookmarkTick = self.tick % Self.bookmarkTicks == 0
        for subscriber in self.subscribers {
            let silence = self.tick - subscriber.lastTick
            if isBookmarkTick, subscriber.unmarked > 0, !subscriber.isMarkedByEvents {
                subscriber.flags.insert(.isBookmarkDue)
                subscriber.wake()
            } else if silence >= Self.heartbeatTicks, subscriber.flags.contains(.isWaiting) {
                subscriber.flags.insert(.isHeartbeatDue)
                subscriber.wake()
            } else if silence >= Self.pageTicks, subscriber.page != nil {
                subscriber.dropPage()
            }
        }
        self.wakeLine()
        if self.subscribers.isEmpty {
            self.ticker?.cancel()
            self.ticker = nil
        }
    }
}

extension Subscriber {
    /// Whether an event is the last of the run that the stream follows.
    private func isEnd(_ entry: EventEntry) -> Bool {
        let facts = EventFacts(kind: entry.kind, level: entry.level, run: entry.run)
        return self.endStatus(facts, sequence: entry.sequence) != nil
    }

    /// Hears of new blocks: one whose filter wants none of their events lets them pass in its sleep.
    func hear(_ blocks: [EventBlock]) {
        guard self.flags.contains(.isWaiting) else { return }
        guard !self.filter.isOpen, self.machine.skipping == nil else { return self.wake() }
        let filter = self.filter
        let hasMarks = self.format == .serverSentEvents
        for block in blocks {
            guard self.machine.index == block.firstIndex,
                !block.entries.contains(where: { entry in
                    entry.isMark
                        ? hasMarks
                        : filter.admits(kind: entry.kind, level: entry.level, run: entry.run)
                            || self.isEnd(entry)
                })
            else { return self.wake() }
            _ = self.machine.handle(.delivered(index: block.endIndex))
            self.unmarked += Int32(block.entries.count)
        }
        if self.unmarked >= LoopFanout.bookmarkEvents {
            self.flags.insert(.isBookmarkDue)
            self.wake()
        }
    }
}
