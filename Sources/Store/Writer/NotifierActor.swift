// Tells listeners which logs grew, many at a time, never inside a writing transaction.

internal import Synchronization

/// Coalesces notices: while one is under way the next ones gather.
///
/// Owner: the writer. Runs on: default pool. Ends: cancellation; a notice lost then costs its
/// listeners one poll.
actor NotifierActor {
    /// The pause between two notices; a person does not see it, the database does.
    static let interval: Duration = .milliseconds(10)
    /// A NOTIFY's payload must stay under 8,000 bytes.
    static let lanesMax = 300

    private let store: Store
    private let noted = Mutex<Set<Int64>>([])
    private let signal: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(store: Store) {
        self.store = store
        (self.signal, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds lanes to the next notice.
    nonisolated func note(_ lanes: [Int64]) {
        guard !lanes.isEmpty else { return }
        self.noted.withLock { $0.formUnion(lanes) }
        self.wake.yield()
    }

    func run() async throws {
        for await _ in self.signal {
            let lanes = self.noted.withLock { noted in
                defer { noted = [] }
                return noted.sorted()
            }
            for start in stride(from: 0, to: lanes.count, by: Self.lanesMax) {
                let part = lanes[start..<min(start + Self.lanesMax, lanes.count)]
                await self.store.notify(.events, part.map(String.init).joined(separator: ","))
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}
