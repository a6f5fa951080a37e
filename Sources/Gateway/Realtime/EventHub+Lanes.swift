// How the hub keeps up with the logs it follows: commits, notices, pages, a look now and then.

import Logging
import NIOCore
import PulserIR
import StateMachines
import Store
import Synchronization

extension EventHub {
    /// What memory knows of lanes that are followed.
    func bounds(_ lanes: [Int64]) -> SubscriptionMachine.Bounds {
        var floors: [Int64: Int64] = [:]
        var heads: [Int64: Int64] = [:]
        for lane in lanes {
            floors[lane] = self.lanes[lane]?.floor ?? 0
            heads[lane] = (self.lanes[lane]?.next ?? 1) - 1
        }
        return SubscriptionMachine.Bounds(
            floors: LanePositions(floors),
            heads: LanePositions(heads)
        )
    }

    /// Follows lanes: returns when it is known where each of them is, at once for those it follows.
    func ensure(_ lanes: [Int64]) async throws(StoreError) {
        while true {
            let missing = lanes.filter { self.lanes[$0]?.next ?? 0 == 0 }
            if missing.isEmpty { return }
            // Whoever follows everything, or its session, has not heard of a new lane only because
            // somebody follows the lane itself.
            let isHeard = self.topics.values.contains(where: \.scope.isOpen)
            for lane in missing where self.lanes[lane] == nil {
                self.lanes[lane] = Lane()
                if isHeard { self.unknown.insert(lane) }
            }
            if isHeard { self.wake.yield() }
            // From here on commits are heard of: none falls between them and the look.
            self.inbox.withLock { $0.isFollowed = true }
            let bounds = try await self.source.bounds(missing)
            for number in missing {
                guard var lane = self.lanes[number], lane.next == 0 else { continue }
                lane.next = bounds.heads[number] + 1
                lane.floor = bounds.floors[number]
                let early = lane.early
                lane.early = []
                self.lanes[number] = lane
                for chunk in early { self.accept(chunk) }
                self.place(number)
            }
        }
    }

    /// Takes what a commit added.
    func accept(_ chunk: CommittedChunk) {
        guard let lane = self.lanes[chunk.lane] else { return self.hear(of: chunk.lane) }
        if lane.next == 0 {
            self.lanes[chunk.lane]?.early.append(chunk)
            return
        }
        guard chunk.endSequence > lane.next else { return }
        guard chunk.firstSequence <= lane.next else {
            return self.want(chunk.lane, through: chunk.endSequence - 1)
        }
        var page = LogPage(lane: chunk.lane, lines: [])
        var all = Int.max
        page.append(
            chunk.bytes,
            first: chunk.firstSequence,
            after: lane.next - 1,
            bytesMax: &all
        )
        self.add(page)
    }

    /// Takes what was read.
    func accept(_ page: LogPage) {
        guard self.lanes[page.lane] != nil else { return }
        self.lanes[page.lane]?.isFetching = false
        self.add(page)
        guard let lane = self.lanes[page.lane] else { return }
        self.relay(.reached(lane: page.lane, through: lane.next - 1, by: nil))
        self.want(page.lane, through: lane.wanted)
    }

    private func add(_ page: LogPage) {
        guard var lane = self.lanes[page.lane] else { return }
        let topics = Array(lane.topics)
        for line in page.lines where line.sequence == lane.next {
            for number in topics {
                self.topics[number]?.builder.add(
                    line.bytes,
                    lane: page.lane,
                    sequence: line.sequence,
                    line.facts
                )
            }
            lane.next += 1
        }
        self.lanes[page.lane] = lane
        self.dirty.formUnion(topics)
    }

    /// Reads a lane's events up to `last`, if they are not here.
    func want(_ number: Int64, through last: Int64) {
        guard var lane = self.lanes[number] else { return self.hear(of: number) }
        lane.wanted = max(lane.wanted, last)
        defer { self.lanes[number] = lane }
        guard lane.next > 0, lane.next <= lane.wanted, !lane.isFetching else { return }
        lane.isFetching = true
        let want = PageRequest.Want.page(lane: number, after: lane.next - 1, scope: [number])
        self.readers[Int(number % Int64(self.readers.count))].request(
            PageRequest(want: want) { answer in
                self.inbox.withLock { inbox in
                    switch answer {
                    case .page(let page): inbox.pages.append(page)
                    case .missing(let bounds): inbox.missing[number] = bounds
                    case .failed, .snapshot: inbox.failed.append(number)
                    }
                }
                self.wake.yield()
            }
        )
    }

    /// Events were not there when they were read.
    func miss(_ number: Int64, _ bounds: SubscriptionMachine.Bounds) {
        guard var lane = self.lanes[number] else { return }
        lane.isFetching = false
        lane.floor = bounds.floors[number]
        lane.wanted = min(lane.wanted, bounds.heads[number])
        let isGone = lane.floor >= lane.next
        if isGone { lane.next = lane.floor + 1 }
        self.lanes[number] = lane
        guard isGone else { return }
        for topic in lane.topics { self.jump(topic, lane: number, to: lane.floor) }
        self.want(number, through: lane.wanted)
    }

    /// A topic goes on behind events that it has not got: its readers look into the database.
    private func jump(_ number: Int, lane: Int64, to sequence: Int64) {
        self.dirty.insert(number)
        self.publish()
        self.topics[number]?.builder.jump(lane, to: sequence)
        guard let topic = self.topics[number] else { return }
        let order = LoopOrder.jump(
            topic: number,
            index: topic.builder.nextIndex,
            positions: topic.builder.heads
        )
        for index in topic.loops.keys { self.links[index].orders.append(order) }
    }

    /// Looks at the database: for notices that were lost, lanes that are new, runs that ended.
    func look() async {
        do {
            let followed = Array(self.lanes.keys)
            if !followed.isEmpty {
                let bounds = try await self.source.bounds(followed)
                for lane in followed {
                    self.lanes[lane]?.floor = bounds.floors[lane]
                    self.notice(lane, through: bounds.heads[lane])
                }
            }
            for topic in Array(self.topics.values) where topic.scope.isOpen {
                // One session that is gone must not hide what the others have.
                let known = try? await self.source.lanes(of: topic.scope)
                for lane in known ?? []
                where self.topics[topic.number]?.lanes.contains(lane) == false {
                    self.unknown.insert(lane)
                }
            }
            if !self.unknown.isEmpty { await self.adopt() }
            try await self.tellEnds()
        } catch {
            self.logger.debug("look failed", metadata: ["reason": "\(error.message)"])
        }
    }

    /// A run may end without an event: one that nobody owned, or whose log was lost.
    private func tellEnds() async throws(StoreError) {
        let runs = Set(self.topics.values.flatMap(\.interest.runs))
        guard !runs.isEmpty else { return }
        let ended = try await self.source.ended(Array(runs))
        guard !ended.isEmpty else { return }
        for index in self.links.indices { self.links[index].orders.append(.ended(ended)) }
        self.publish()
    }

    // MARK: Lanes that come

    private func hear(of lane: Int64) {
        guard !self.strangers.contains(lane),
            self.topics.values.contains(where: \.scope.isOpen)
        else { return }
        self.unknown.insert(lane)
    }

    /// Has lanes that are new join the topics they belong to.
    func adopt() async {
        let lanes = Array(self.unknown)
        self.unknown = []
        do {
            let sessions = try await self.source.sessions(of: lanes)
            for lane in lanes {
                let topics = self.topics.values.filter { topic in
                    guard let session = sessions[lane] else { return false }
                    return topic.scope == .everything || topic.scope == .session(session)
                }
                if topics.isEmpty {
                    if self.strangers.count > 10_000 { self.strangers = [] }
                    self.strangers.insert(lane)
                    continue
                }
                try await self.ensure([lane])
                self.unknown.remove(lane)
                self.beginAgain(lane)
                for topic in topics { self.join(lane, topic.number) }
                self.want(lane, through: self.lanes[lane]?.wanted ?? 0)
            }
        } catch {
            // The next look finds them.
            self.logger.debug("new lanes not known", metadata: ["reason": "\(error.message)"])
        }
        self.publish()
    }

    /// Has the events of a new lane come like all others, page by page: who follows its session need
    /// not look for them in the database.
    private func beginAgain(_ number: Int64) {
        guard var lane = self.lanes[number], lane.topics.isEmpty, lane.floor == 0,
            lane.next > 1, lane.next <= Self.youngEventsMax
        else { return }
        lane.wanted = max(lane.wanted, lane.next - 1)
        lane.next = 1
        self.lanes[number] = lane
    }

    private func join(_ lane: Int64, _ number: Int) {
        guard var topic = self.topics[number], !topic.lanes.contains(lane),
            let next = self.lanes[lane]?.next, next > 0
        else { return }
        guard topic.lanes.count < StreamCursor.lanesMax else {
            self.logger.warning("stream too wide", metadata: ["lanes": "\(topic.lanes.count)"])
            return
        }
        topic.lanes.append(lane)
        topic.lanes.sort()
        self.topics[number] = topic
        self.lanes[lane]?.topics.insert(number)
        for index in topic.loops.keys {
            self.links[index].orders.append(.extend(topic: number, lanes: topic.lanes))
        }
        // Its first events are in the database already.
        if next > 1 { self.jump(number, lane: lane, to: next - 1) }
        self.publish()
    }

    // MARK: Topics that go

    /// Lets topics go that nobody has followed for a while, and lanes that no topic needs.
    func closeIdle() {
        let limit = ContinuousClock.now - Self.idleMax
        for topic in Array(self.topics.values) {
            guard let since = topic.interest.idleSince, since < limit else { continue }
            self.topics[topic.number] = nil
            self.numbers[topic.scope] = nil
            self.dirty.remove(topic.number)
            for lane in topic.lanes {
                self.lanes[lane]?.topics.remove(topic.number)
                guard self.lanes[lane]?.topics.isEmpty == true else { continue }
                self.lanes[lane] = nil
                self.relay(.left(lane: lane))
            }
            for index in topic.loops.keys {
                self.links[index].orders.append(.close(topic: topic.number))
            }
        }
        if self.topics.isEmpty, self.lanes.isEmpty {
            self.inbox.withLock { $0.isFollowed = false }
        }
        for index in self.links.indices { self.send(index) }
    }
}
