// What came of the requests of a load, by operation.

import Synchronization

/// Latencies and answers by operation; shared by all tasks.
final class APILedger: Sendable {
    struct Entry: Sendable {
        var latencies = Latencies()
        /// By status; 0 is no answer.
        var answers: [Int: Int] = [:]
        /// Sentences of requests without an answer.
        var failures: [String: Int] = [:]
    }

    private let entries = Mutex<[String: Entry]>([:])

    func record(_ operation: String, _ status: Int, _ latency: Duration, _ failure: String? = nil) {
        self.entries.withLock { entries in
            entries[operation, default: Entry()].latencies.record(latency)
            entries[operation, default: Entry()].answers[status, default: 0] += 1
            if let failure {
                entries[operation, default: Entry()].failures[failure, default: 0] += 1
            }
        }
    }

    /// All entries, by operation; forgets them.
    func take() -> [(operation: String, entry: Entry)] {
        self.entries.withLock { entries in
            defer { entries = [:] }
            return entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }
}
