// Decides that whoever listens hears of each view that rose, and that no statement tells while it writes.

import Postgres
import PulserIR
import Store
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterNoticeTests {
    private final class Heard: Sendable {
        private let list = Mutex<[Int64]>([])
        var ids: [Int64] { self.list.withLock { $0 } }
        func add(_ ids: [Int64]) { self.list.withLock { $0 += ids } }
    }

    @Test("each view that rises is told, and nothing is told when none does")
    func told() async throws {
        try await StoreBed.with { bed in
            let heard = Heard()
            let listener = Listener(
                configuration: bed.configuration,
                channels: [.cluster],
                logger: logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await listener.run { heard.add($0.ids.isEmpty ? [0] : $0.ids) }
                }
                // Once it listens it says that something may have been missed.
                try await eventually("it listens") { heard.ids == [0] }
                let first = try await bed.version()
                let nodes = try await bed.nodes(2)
                let term = try #require(try await bed.store.elect(nodes[0]))
                // Nothing rises by these.
                #expect(try await bed.store.elect(nodes[0]) == term)
                #expect(try await bed.store.elect(nodes[1]) == nil)
                #expect(try await bed.store.prolong(term))
                try await bed.store.activate(nodes[0])
                _ = try await bed.store.reap(by: nodes[0])
                try await bed.store.resign(term)
                try await bed.store.resign(term)
                try await bed.store.drain(nodes[1])
                try await bed.store.evict(nodes[1])
                let last = try await bed.version()
                try await eventually("the last one is heard of") { heard.ids.last == last }
                #expect(heard.ids == [0] + Array((first + 1)...last))
                group.cancelAll()
            }
        }
    }

    @Test("no statement of a node tells listeners and writes, nor tells beside another that may")
    func apart() {
        // NOTIFY holds a lock of the whole server from its transaction's commit on.
        let telling = Statements.all.filter { $0.sql.contains("pg_notify") }
        #expect(telling.map(\.name) == ["writer.notify"])
        #expect(telling.first?.sql == "SELECT pg_notify($1, $2)")
    }
}
