// Who is let in, where he begins, and which topic he shares with others.

import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import StateMachines
import Store
import Synchronization

extension EventHub {
    /// Lets a subscriber in.
    ///
    /// - Parameters:
    ///   - wish: What it asks for.
    ///   - eventLoop: Its connection's.
    /// - Returns: Makes its body, on the event loop.
    /// - Throws: `overloaded` when all seats are taken, `notFound`, `draining`, `unavailable`.
    func subscribe(
        _ wish: StreamWish,
        on eventLoop: any EventLoop
    ) async throws(Problem) -> @Sendable (any BodyStream) -> any PulledBody {
        guard !self.isEnded else { throw Self.draining }
        let seat = try self.seats.take(token: wish.token, tenant: wish.tenant)
        let ticket: StreamTicket
        let opening: StreamOpening
        let index = self.link(eventLoop)
        do {
            (ticket, opening) = try await self.ticket(wish, seat, index)
        } catch let error as StoreError {
            throw Problem(error)
        } catch {
            throw Problem(error)
        }
        let fanout = self.links[index].fanout
        return { stream in fanout.value.attach(ticket, opening, to: stream) }
    }

    private static let draining = Problem(
        .draining,
        "this node is going away",
        next: "come again in a moment; the cursor is good on every node",
        fields: [.retryAfter: "1"]
    )

    private func epoch() async throws(StoreError) -> String {
        if let epoch = self.knownEpoch { return epoch }
        let epoch = try await self.source.epoch()
        self.knownEpoch = epoch
        return epoch
    }

    private func ticket(
        _ wish: StreamWish,
        _ seat: StreamSeat,
        _ index: Int
    ) async throws -> (StreamTicket, StreamOpening) {
        let epoch = try await self.epoch()
        var run: RunPlace?
        var scope = wish.scope
        if let number = wish.run {
            let place = try await self.source.place(of: number)
            scope = .lanes([place.lane])
            run = place
        }
        let known = self.numbers[scope].flatMap { self.topics[$0]?.lanes }
        let lanes: [Int64]
        if let known { lanes = known } else { lanes = try await self.source.lanes(of: scope) }
        guard lanes.count <= StreamCursor.lanesMax else { throw Self.tooWide(lanes.count) }
        try await self.ensure(lanes)
        var bounds = self.bounds(lanes)
        if let place = run, place.firstSequence == 0 {
            // It has begun by now, or its first event comes behind the heads that were just read.
            run = try await self.source.place(of: place.run)
        }
        let start = self.start(wish, run, lanes, bounds)
        if case .cursor(let cursor) = start, cursor.epoch == epoch,
            bounds.heads.firstLane(before: cursor.positions) != nil
        {
            // Another node may have told it of events that this one has not heard of.
            let stored = try await self.source.bounds(lanes)
            bounds.heads = bounds.heads.later(stored.heads)
        }
        try await self.ensure(lanes)
        guard !self.isEnded else { throw Self.draining }
        let isNew = self.numbers[scope] == nil
        let topic = self.open(scope, lanes, epoch)
        guard let interest = self.topics[topic]?.interest,
            let opening = self.follow(topic, on: index)
        else { throw Self.draining }
        let ticket = StreamTicket(
            wish,
            epoch: epoch,
            topic: topic,
            run: run,
            interest: interest,
            seat: seat
        )
        // Lanes that were made before anybody listened for them.
        if isNew, scope.isOpen, let all = try? await self.source.lanes(of: scope) {
            self.unknown.formUnion(Set(all).subtracting(lanes))
            if !self.unknown.isEmpty { self.wake.yield() }
        }
        return (ticket, StreamOpening(start: start, bounds: bounds, order: opening))
    }

    private func start(
        _ wish: StreamWish,
        _ run: RunPlace?,
        _ lanes: [Int64],
        _ bounds: SubscriptionMachine.Bounds
    ) -> SubscriptionMachine.Start {
        switch wish.start {
        case .cursor(var cursor):
            let covered = Set(lanes)
            cursor.positions = cursor.positions.filter { covered.contains($0) }
            return .cursor(cursor)
        case .now: return .after(bounds.heads)
        case nil, .beginning:
            guard let run else { return wish.start == nil ? .after(bounds.heads) : .beginning }
            return run.firstSequence > 0
                ? .after(LanePositions([run.lane: run.firstSequence - 1])) : .after(bounds.heads)
        case .after(let positions): return .after(positions)
        }
    }

    private static func tooWide(_ count: Int) -> Problem {
        Problem(
            .invalidParameter,
            "the stream would follow \(count) lanes; at most \(StreamCursor.lanesMax) are possible",
            next: "follow a session, or name the lanes with ?lanes="
        )
    }

    /// The topic of a scope whose lanes are all followed.
    private func open(_ scope: StreamScope, _ lanes: [Int64], _ epoch: String) -> Int {
        if let number = self.numbers[scope] { return number }
        let number = self.nextTopic
        self.nextTopic += 1
        var onlyLane: Int64?
        if case .lanes(let only) = scope, only.count == 1 { onlyLane = only.first }
        self.topics[number] = Topic(
            number: number,
            scope: scope,
            lanes: lanes,
            builder: EventBlockBuilder(
                epoch: epoch,
                onlyLane: onlyLane,
                heads: self.bounds(lanes).heads
            ),
            interest: TopicInterest()
        )
        self.numbers[scope] = number
        for lane in lanes { self.lanes[lane]?.topics.insert(number) }
        self.strangers = []
        // Also without a lane yet: the first one is heard of.
        self.inbox.withLock { $0.isFollowed = true }
        return number
    }

    /// Has a loop hear of a topic.
    ///
    /// - Returns: How it begins there. A subscriber may come to its loop before the order does: then
    ///   it brings the order itself.
    private func follow(_ number: Int, on index: Int) -> LoopOrder? {
        guard let topic = self.topics[number] else { return nil }
        if let order = topic.loops[index] { return order }
        let order = LoopOrder.open(
            topic: number,
            index: topic.builder.nextIndex,
            positions: topic.builder.heads,
            onlyLane: topic.builder.onlyLane,
            lanes: topic.lanes
        )
        self.topics[number]?.loops[index] = order
        let link = self.links[index]
        let fanout = link.fanout
        link.eventLoop.execute { fanout.value.apply([order]) }
        return order
    }
}
