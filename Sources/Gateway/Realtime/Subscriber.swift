// One reader of a stream: a place in a ring or in the log, pulled by the transport.

import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import StateMachines

/// A subscriber. Confined to the event loop of its connection; owned by its stream and its fanout.
final class Subscriber: PulledBody {
    struct Flags: OptionSet {
        let rawValue: UInt8
        /// The transport was told to wait.
        static let isWaiting = Flags(rawValue: 1)
        /// A page or a snapshot was asked for.
        static let isReading = Flags(rawValue: 2)
        static let isBookmarkDue = Flags(rawValue: 4)
        static let isHeartbeatDue = Flags(rawValue: 8)
        static let isClosed = Flags(rawValue: 16)
        /// One of the loop's places for pages is taken.
        static let hasPermit = Flags(rawValue: 32)
        /// In line for such a place.
        static let isInLine = Flags(rawValue: 64)
        static let isFinished = Flags(rawValue: 128)
    }

    let ticket: StreamTicket
    /// `nil` once it was greeted.
    var opening: StreamOpening?
    let topic: LoopTopic
    let stream: any BodyStream
    let fanout: LoopFanout
    var machine: SubscriptionMachine
    var flags: Flags = []
    /// Places in the lists of its fanout and of its topic.
    var index = 0
    var topicIndex = 0
    /// The fanout's tick at which bytes were given last.
    var lastTick: Int32
    /// Events that were left out or carry no id since the reader was last told its cursor.
    var unmarked: Int32 = 0
    /// Bytes that go first.
    var pending = ByteBuffer()
    var page: SubscriberPage?
    /// The run's end, once it is known.
    var ended: RunPlace?
    /// The ring's place at an index, while the reader has had some of what follows it.
    var ringPlaceAhead: (index: Int64, place: LanePositions)?
    /// Where the snapshot goes on.
    var snapshotBefore: Int64 = .max

    init(
        _ ticket: StreamTicket,
        _ opening: StreamOpening,
        topic: LoopTopic,
        stream: any BodyStream,
        fanout: LoopFanout
    ) {
        self.opening = opening
        self.ticket = ticket
        self.topic = topic
        self.stream = stream
        self.fanout = fanout
        self.machine = SubscriptionMachine(
            start: opening.start,
            epoch: ticket.epoch,
            bounds: opening.bounds,
            mode: ticket.wish.mode
        )
        self.lastTick = fanout.tick
        if let run = ticket.run, run.status.isTerminal { self.ended = run }
    }

    var format: StreamFormat { self.ticket.wish.format }
    var filter: EventFilter { self.ticket.wish.filter }

    /// Whether the reader learns its cursor from the events themselves.
    var isMarkedByEvents: Bool { self.format == .serverSentEvents && self.filter.isOpen }

    /// How far it is.
    var place: LanePositions {
        guard let index = self.machine.index else { return self.machine.known }
        return self.topic.ring.positions(at: index).later(self.machine.known)
    }

    func cursor(_ positions: LanePositions) -> String {
        StreamCursor(epoch: self.ticket.epoch, positions: positions).text
    }

    // MARK: Called by the transport

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        let start = buffer.writerIndex
        let end = start + bytesMax
        self.flags.remove(.isWaiting)
        while buffer.writerIndex < end {
            if self.pending.readableBytes > 0 {
                self.writePending(end - buffer.writerIndex, to: &buffer)
            } else if let page = self.page {
                self.write(page, end - buffer.writerIndex, to: &buffer)
            } else if !self.flags.isDisjoint(with: [.isBookmarkDue, .isHeartbeatDue]) {
                self.writeDue()
            } else if !self.step(end - buffer.writerIndex, &buffer) {
                break
            }
        }
        if buffer.writerIndex > start {
            self.lastTick = self.fanout.tick
            self.fanout.bytes += buffer.writerIndex - start
            return .appended
        }
        if self.flags.contains(.isFinished) { return .end(nil) }
        self.flags.insert(.isWaiting)
        return .wait
    }

    func closed(_ error: HTTP2Error?) {
        guard !self.flags.contains(.isClosed) else { return }
        self.flags.insert(.isClosed)
        self.page = nil
        self.pending = ByteBuffer()
        self.fanout.remove(self)
    }

    /// The connection goes away: the reader is told where to go on elsewhere.
    func draining() {
        guard !self.flags.contains(.isClosed) else { return }
        self.dropPage()
        _ = self.machine.handle(.drain)
        self.wake()
    }

    /// Has the transport pull again, if it waits.
    func wake() {
        guard self.flags.contains(.isWaiting) else { return }
        self.flags.remove(.isWaiting)
        self.stream.resume()
    }

    // MARK: What is given

    /// Does one thing the machine asks for.
    ///
    /// - Returns: Whether there may be more to do now.
    private func step(_ room: Int, _ buffer: inout ByteBuffer) -> Bool {
        switch self.machine.handle(.ready(self.topic.ring.view)) {
        case .wait: return self.endIfOver()
        case .deliver(let from, _): self.deliver(from, room, &buffer)
        case .read(let lane, let after):
            self.fanout.read(self, .page(lane: lane, after: after, scope: self.topic.lanes))
            return false
        case .snapshot:
            let want = PageRequest.Want.snapshot(
                lanes: self.topic.lanes,
                run: self.ticket.run?.run,
                before: self.snapshotBefore
            )
            self.fanout.read(self, want)
            return false
        case .conflate(let from, let to): self.conflate(from, to)
        case .skip(let from, let to): self.skip(from, to)
        case .finish:
            self.flags.insert(.isFinished)
            return false
        case let action: self.say(action)
        }
        return true
    }

    private func writePending(_ room: Int, to buffer: inout ByteBuffer) {
        let count = min(room, self.pending.readableBytes)
        if let slice = self.pending.readSlice(length: count) { buffer.writeImmutableBuffer(slice) }
        // Its memory goes as soon as it is not needed: most readers wait most of the time.
        if self.pending.readableBytes == 0 { self.pending = ByteBuffer() }
    }

    /// A run's stream ends when its last event was given, also where none tells of its end.
    private func endIfOver() -> Bool {
        guard let ended = self.ended, self.machine.index != nil,
            self.place[ended.lane] >= ended.lastSequence
        else { return false }
        _ = self.machine.handle(.runEnded(status: ended.status.rawValue))
        return true
    }

    /// Whether an event is the last of the run that the stream follows to its end.
    func endStatus(_ facts: EventFacts, sequence: Int64) -> String? {
        guard let run = self.ticket.run, facts.run == run.run, let status = facts.endStatus else {
            return nil
        }
        // A run that was retried has earlier ends in its log.
        let isLast =
            run.status.isTerminal
            ? sequence >= run.lastSequence : sequence > run.lastSequence
        return isLast ? status.rawValue : nil
    }
}
