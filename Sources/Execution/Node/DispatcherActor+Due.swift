// Has runs for later join the queues of their lanes when they are due.

internal import Logging
internal import Metrics
internal import Store

extension DispatcherActor {
    /// Runs that one statement passes on.
    private static let dueMax = 5_000
    /// What is due later than this a poll tells in time.
    static let dueHorizon: Duration = .seconds(2)

    /// Passes on what is due, until cancelled.
    func passDue() async {
        for await _ in self.due.wakes {
            do {
                var count = Self.dueMax
                while count == Self.dueMax {
                    let lanes = try await self.room.store.passDue(of: self.node, limit: Self.dueMax)
                    count = lanes.count
                    await self.wake(Set(lanes).sorted())
                }
                self.expect(try await self.room.store.glance(atReady: false))
            } catch {
                // The poll sees that it is still due.
                self.room.logger.debug("due runs wait", metadata: ["reason": "\(error.message)"])
            }
        }
    }

    /// Remembers when the next run is due; another node's, too, since shards move.
    func expect(_ glance: Glance) {
        guard let due = glance.dueMilliseconds.map({ Duration.milliseconds($0) }),
            due < Self.dueHorizon
        else { return }
        self.due.expect(after: due)
    }
}
