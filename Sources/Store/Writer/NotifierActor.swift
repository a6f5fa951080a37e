// Tells listeners which logs grew and how far, many at a time, never inside a writing transaction.

internal import Synchronization

/// Coalesces notices: while one is under way the next ones gather.
///
/// Owner: the writer. Runs on: default pool. Ends: cancellation; a notice lost then costs its
/// listeners one poll.
actor NotifierActor {
    /// The pause between two notices; a person does not see it, the database does.
    static let interval: Duration = .milliseconds(10)
    /// A NOTIFY's payload must stay under 8,000 bytes.
    static let payloadBytesMax = 7_900

    private let store: Store
    /// By lane, the number after the last event that is stored.
    private let noted = Mutex<[Int64: Int64]>([:])
    private let signal: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(store: Store) {
        self.store = store
        (self.signal, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds lanes, with where their logs end now, to the next notice.
    nonisolated func note(_ lanes: [(lane: Int64, end: Int64)]) {
        guard !lanes.isEmpty else { return }
        self.noted.withLock { noted in
            for (lane, end) in lanes { noted[lane] = max(noted[lane] ?? end, end) }
        }
        self.wake.yield()
    }

    func run() async throws {
        for await _ in self.signal {
            let ends = self.noted.withLock { noted in
                defer { noted = [:] }
                return noted
            }
            for payload in Self.payloads(ends) { await self.store.notify(.events, payload) }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// `lane:end` pairs, separated by commas, in as few payloads as they fit into.
    private static func payloads(_ ends: [Int64: Int64]) -> [String] {
        var payloads: [String] = []
        var payload = ""
        for (lane, end) in ends.sorted(by: { $0.key < $1.key }) {
            let pair = "\(lane):\(end)"
            if payload.utf8.count + 1 + pair.utf8.count > Self.payloadBytesMax {
                payloads.append(payload)
                payload = ""
            }
            if !payload.isEmpty { payload += "," }
            payload += pair
        }
        if !payload.isEmpty { payloads.append(payload) }
        return payloads
    }
}
