// Decides when a node looks for what is asked of its runs, and how much of it is under way at once.

internal import Distributed
internal import Logging
internal import PulserIR
internal import Store

extension DispatcherActor {
    /// Queued runs that are ended at once.
    static let endsMax = 1_000

    /// Says that something may be asked of runs here. Whoever hears of it does not wait for it: there
    /// is one look at a time, however many say so.
    func heardOfRequests() {
        self.isLookDue = true
        self.looks.continuation.yield()
    }

    /// Answers what is asked of runs here, until cancelled.
    func answerRequests() async {
        for await _ in self.looks.stream where self.isLookDue {
            do throws(StoreError) {
                try await self.look()
            } catch {
                // A failed look costs latency only: the poll sees that something is asked still.
                self.room.logger.debug("requests wait", metadata: ["reason": "\(error.message)"])
            }
        }
    }

    /// Goes through all that is asked once: runs under way are told, and those that are queued end a
    /// page at a time. A page is read only when the ends of all before are stored or refused, so no
    /// run that ended is read and ended again.
    private func look() async throws(StoreError) {
        var place = RequestPlace.first
        var isAgain = false
        while !Task.isCancelled {
            if self.isLookDue {
                self.isLookDue = false
                // What was asked now may lie before the place where this look is.
                isAgain = place != .first
                try await self.tellRunsUnderWay()
            }
            if let next = try await self.endQueued(after: place) {
                place = next
            } else if isAgain {
                isAgain = false
                place = .first
            } else if self.isLookDue {
                place = .first
            } else {
                return
            }
        }
    }

    /// Hands requests to the lanes of runs under way: no more than these lanes have in memory.
    private func tellRunsUnderWay() async throws(StoreError) {
        let requests = try await self.room.store.requests(of: self.node)
        try await self.ensureLanes(requests.map(\.fence.lane))
        for request in requests { self.lanes[request.fence.lane]?.channel.send(.cancel(request)) }
        for pause in try await self.room.store.pauses(of: self.node) {
            self.lanes[pause.lane]?.channel.send(.pause(pause))
        }
    }

    /// Ends some of the queued runs that are to end, and waits until that is stored.
    ///
    /// - Returns: Where the next begin; `nil` when these were the last.
    private func endQueued(after place: RequestPlace) async throws(StoreError) -> RequestPlace? {
        let requests = try await self.room.store.queuedRequests(
            of: self.node,
            after: place,
            limit: Self.endsMax
        )
        try await self.ensureLanes(requests.map(\.fence.lane))
        let lanes = self.lanes
        await withDiscardingTaskGroup { group in
            for (number, some) in Dictionary(grouping: requests, by: \.fence.lane) {
                // Of a shard that is about to move, or is not ready: its next look finds them.
                guard let lane = lanes[number]?.actor else { continue }
                group.addTask { await lane.whenLocal { await $0.end(some) } }
            }
        }
        guard requests.count == Self.endsMax, let last = requests.last else { return nil }
        return RequestPlace(after: last)
    }
}
