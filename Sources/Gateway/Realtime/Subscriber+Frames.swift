// What a subscriber is told between events, and the stored events it catches up with.

import HTTP2
import Metrics
import NIOCore
import PulserIR
import StateMachines

extension Subscriber {
    /// Tells what the machine has decided.
    func say(_ action: SubscriptionMachine.Action) {
        switch action {
        case .hello(let isRecovered): self.greet(isRecovered)
        case .reset(let reason):
            GatewayMetrics.streamResets.increment()
            self.write(.reset(reason: reason.rawValue))
        case .snapshotEnd:
            let cursor = self.cursor(self.machine.known)
            self.write(.snapshotEnd(cursor: cursor), id: cursor)
        case .gap(let from, let to):
            for position in to.all where position.sequence > from[position.lane] {
                GatewayMetrics.streamGaps.increment()
                let before = from[position.lane]
                self.write(
                    .gap(
                        lane: position.lane,
                        from: before + 1,
                        to: position.sequence,
                        count: position.sequence - before,
                        reason: "slow"
                    )
                )
            }
            self.writeBookmark(to)
        case .bye(let index):
            let known = self.machine.known
            let place = index.map { self.topic.ring.positions(at: $0).later(known) } ?? known
            let cursor = self.cursor(place)
            // Not all at once: those who come back arrive spread over some seconds.
            let retry = Int64.random(in: 500...5_000)
            self.write(.bye(cursor: cursor, retryMilliseconds: retry), id: cursor)
        case .end(let status): self.write(.end(status: status))
        case .wait, .snapshot, .read, .deliver, .conflate, .skip, .finish: break
        }
    }

    private func greet(_ isRecovered: Bool) {
        guard let bounds = self.opening?.bounds else { return }
        self.opening = nil
        let from = self.cursor(self.machine.start)
        let hello = StreamFrame.hello(
            epoch: self.ticket.epoch,
            from: from,
            head: self.cursor(bounds.heads),
            floor: self.cursor(bounds.floors),
            isRecovered: isRecovered
        )
        // Without an id when something was lost: cut off now, the reader must be reset again.
        self.write(hello, id: isRecovered ? from : nil)
    }

    private func write(_ frame: StreamFrame, id: String? = nil) {
        self.format.write(frame, id: id, to: &self.pending)
    }

    /// Tells how far the stream is.
    func writeBookmark(_ positions: LanePositions) {
        self.unmarked = 0
        self.flags.remove(.isBookmarkDue)
        let cursor = self.cursor(positions)
        self.write(.bookmark(cursor: cursor), id: cursor)
    }

    /// Says what is due by time.
    func writeDue() {
        if self.flags.contains(.isBookmarkDue) {
            self.flags.remove(.isBookmarkDue)
            // A stream that is about to end has no place any more.
            let hasPlace = self.machine.index != nil || self.machine.isCatchingUp
            if self.unmarked > 0, hasPlace { self.writeBookmark(self.place) }
        } else {
            self.flags.remove(.isHeartbeatDue)
            self.write(.heartbeat)
        }
    }

    // MARK: What was read for it

    /// Takes what it had asked for.
    func received(_ answer: PageRequest.Answer) {
        self.flags.remove(.isReading)
        guard !self.flags.contains(.isClosed) else { return self.fanout.release(self) }
        switch answer {
        case .page(let page): self.encode(page)
        case .missing(let bounds):
            self.fanout.release(self)
            if self.machine.isCatchingUp { _ = self.machine.handle(.missing(bounds)) }
            self.snapshotBefore = .max
        case .snapshot(let states, let before):
            for state in states { self.write(.snapshot(state)) }
            if let before {
                self.snapshotBefore = before
            } else {
                self.say(self.machine.handle(.snapshotDone))
            }
        case .failed:
            self.fanout.release(self)
            let bound = NIOLoopBound(self, eventLoop: self.stream.eventLoop)
            // The database is away: a pull meanwhile may ask again, and this one asks at the latest.
            self.stream.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.wake() }
            return
        }
        self.wake()
    }

    private func encode(_ page: LogPage) {
        var positions = self.machine.known
        var last = positions[page.lane]
        guard self.machine.isCatchingUp, page.lines.first?.sequence ?? 0 <= last + 1 else {
            return self.fanout.release(self)
        }
        let hasIDs = self.format == .serverSentEvents
        let isWide = positions.all.count > EventBlockBuilder.eachIDLanesMax
        var bytes = ByteBuffer()
        var marks: [SubscriberPage.Mark] = []
        var endStatus: String?
        var json = ByteBuffer()
        var id = ByteBuffer()
        for line in page.lines where line.sequence > last && endStatus == nil {
            last = line.sequence
            positions[page.lane] = last
            let facts = line.facts
            guard self.filter.admits(kind: facts.kind, level: facts.level, run: facts.run) else {
                self.unmarked += 1
                // The last event is not wanted; that it came is.
                endStatus = self.endStatus(facts, sequence: last)
                continue
            }
            json.clear()
            EventJSON.write(line.bytes, lane: page.lane, to: &json)
            if hasIDs, !isWide {
                id.clear()
                id.writeString(self.cursor(positions))
            }
            self.format.write(event: json, id: hasIDs && !isWide ? id : nil, to: &bytes)
            marks.append(SubscriberPage.Mark(end: bytes.writerIndex, sequence: last))
            endStatus = self.endStatus(facts, sequence: last)
        }
        if isWide, hasIDs, !marks.isEmpty {
            bytes.writeString("id: \(self.cursor(positions))\n\n")
            marks[marks.count - 1].end = bytes.writerIndex
        }
        if !hasIDs { self.unmarked += Int32(marks.count) }
        self.fanout.deliveries += marks.count
        self.page = SubscriberPage(
            lane: page.lane,
            lastSequence: last,
            endStatus: endStatus,
            bytes: bytes,
            marks: marks
        )
        self.endPageIfDone()
    }

    /// Gives some of a page.
    func write(_ page: SubscriberPage, _ room: Int, to buffer: inout ByteBuffer) {
        let (bytes, sequence) = page.take(room)
        buffer.writeImmutableBuffer(bytes)
        if let sequence {
            _ = self.machine.handle(.read(lane: page.lane, through: sequence))
        }
        self.endPageIfDone()
    }

    private func endPageIfDone() {
        guard let page = self.page, page.isDone else { return }
        self.page = nil
        self.fanout.release(self)
        _ = self.machine.handle(.read(lane: page.lane, through: page.lastSequence))
        if let status = page.endStatus { _ = self.machine.handle(.runEnded(status: status)) }
        if self.unmarked >= LoopFanout.bookmarkEvents { self.flags.insert(.isBookmarkDue) }
    }

    /// Lets a page go that its reader does not take; what it has had of an event is completed.
    func dropPage() {
        guard let page = self.page else { return }
        let (rest, sequence) = page.takeRest()
        // Behind what is left of a frame that the page came after.
        if rest.readableBytes > 0 { self.pending.writeBytes(rest.readableBytesView) }
        if let sequence {
            _ = self.machine.handle(.read(lane: page.lane, through: sequence))
        }
        if page.isDone { return self.endPageIfDone() }
        self.page = nil
        self.fanout.release(self)
    }
}
