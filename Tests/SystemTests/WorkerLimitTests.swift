// Decides that limits of a lane hold for workers outside, and are free again whatever becomes of them.

import Foundation
import HTTPTypes
import PulserIR
import Store
import Synchronization
import TestKit
import Testing

extension SystemTests {
    @Suite("Limits of workers outside", .timeLimit(.minutes(4)))
    struct WorkerLimitTests {
        /// What workers hold, by their own word: from the answer that gave it to the request that ends it.
        private final class Ledger: Sendable {
            private struct State {
                var held: [QueueKey: Set<String>] = [:]
                var worst: [QueueKey: Int] = [:]
                var isOver = false
            }

            private let keys: [String: String]
            private let state = Mutex(State())

            init(keys: [String: String]) { self.keys = keys }

            func take(_ run: String) {
                let key = QueueKey(self.keys[run] ?? "?")
                self.state.withLock { state in
                    state.held[key, default: []].insert(run)
                    let count = state.held[key]?.count ?? 0
                    state.worst[key] = max(count, state.worst[key] ?? 0)
                }
            }

            func drop(_ run: String) {
                let key = QueueKey(self.keys[run] ?? "?")
                self.state.withLock { state in _ = state.held[key]?.remove(run) }
            }

            /// The most that workers had of each key at once.
            var worst: [QueueKey: Int] { self.state.withLock { $0.worst } }

            /// Whether all has ended, and workers may go.
            var isOver: Bool {
                get { self.state.withLock { $0.isOver } }
                set { self.state.withLock { $0.isOver = newValue } }
            }
        }

        private static let lane: [String] = ["--width", "6", "--key-width", "2", "--limit", "bank"]

        /// Two lanes that are worked outside and share a limit, with so many runs of each key.
        ///
        /// - Returns: Keys by run.
        private static func fill(_ site: Site) async throws -> [String: String] {
            try await APIClient.with(site) { api in
                _ = try await api.send(.post, "/v1/sessions", ["name": "mail"])
                for lane in ["out", "more"] {
                    let made = try await api.send(
                        .post,
                        "/v1/sessions/mail/lanes",
                        ["name": .string(lane), "worker": "external"]
                    )
                    #expect(made.status == 201)
                }
            }
            try await site.run(["limits", "set", "bank", "--rate", "60/s:6"])
            let out = ["lanes", "set", "mail/out", "--rate", "40/s:4", "--key-rate", "25/s:2"]
            #expect(try await site.run(out + Self.lane).code == 0)
            #expect(try await site.run(["lanes", "set", "mail/more"] + Self.lane).code == 0)
            let plan = try site.plan("outside", "steps: [{id: one, shell: {argv: [echo]}}]")
            let first = try await site.run(
                ["run", plan, "--detach", "--session", "mail", "--lane", "out", "--for", "out a"]
            )
            try #require(first.code == 0, "\(first.error)")
            return try await site.withStore { store in
                let id = try #require(RunID(String(first.output.prefix(8))))
                var keys = [id.description: "out a"]
                let digest = try await store.run(id).planDigest
                for lane in ["out", "more"] {
                    let number = try await store.ensureLane(session: "mail", lane: lane)
                    let runs = (0..<28).map {
                        NewRun(
                            lane: number,
                            planDigest: digest,
                            key: "\(lane) \(["a", "b", "é", "e\u{301}"][$0 % 4])"
                        )
                    }
                    let ids = try await store.enqueue(runs)
                    for (id, run) in zip(ids, runs) { keys[id.description] = run.key }
                }
                return keys
            }
        }

        /// Asks until somebody answers: nodes die meanwhile.
        private static func ask(
            _ api: APIClient,
            _ path: String,
            _ body: JSONValue
        ) async throws -> APIAnswer {
            let answered = Mutex<APIAnswer?>(nil)
            try await eventually("\(path) is answered") {
                guard let answer = try? await api.send(.post, "/v1/claims" + path, body),
                    answer.status < 500
                else { return false }
                answered.withLock { $0 = answer }
                return true
            }
            return try #require(answered.withLock { $0 })
        }

        /// Takes runs, and ends them, keeps them, gives them back, or forgets them, until all have ended.
        private static func work(
            _ api: APIClient,
            _ name: String,
            _ ledger: Ledger,
            seed: UInt64
        ) async throws {
            var random = SeededGenerator(seed: seed)
            var held: [(run: String, claim: JSONValue)] = []
            while !ledger.isOver || !held.isEmpty {
                // Now and then one asks that is never heard of again: its short lease ends. What is
                // given in an answer that a kill took away is missed for as long as the other.
                let isDoomed = !ledger.isOver && Int.random(in: 0..<6, using: &random) == 0
                let lease: JSONValue = isDoomed ? 1_000 : 15_000
                let wish: JSONValue = [
                    "session": "mail", "lanes": ["out", "more"], "worker": .string(name),
                    "max": .integer(Int64.random(in: 1...4, using: &random)), "wait_ms": 300,
                    "lease_ms": lease,
                ]
                let claims = try await Self.ask(api, "", wish).json["claims"]?.arrayValue ?? []
                for claim in claims {
                    let run = claim["run"]?.stringValue ?? ""
                    ledger.take(run)
                    if isDoomed {
                        ledger.drop(run)
                    } else {
                        held.append((run, claim["claim_no"] ?? .null))
                    }
                }
                for (run, claim) in held.shuffled(using: &random) {
                    let fate = Int.random(in: 0..<10, using: &random)
                    if fate < 2 {
                        // Held over the next claim, unless somebody else has it by now.
                        let beat: JSONValue = ["claim_no": claim, "lease_ms": 15_000]
                        let answer = try await Self.ask(api, "/\(run)/heartbeat", beat)
                        if answer.status == 200 { continue }
                    }
                    held.removeAll { $0.run == run }
                    ledger.drop(run)
                    if fate == 2 {
                        _ = try await Self.ask(api, "/\(run)/release", ["claim_no": claim])
                    } else {
                        let end: JSONValue = ["claim_no": claim, "status": "succeeded"]
                        _ = try await Self.ask(api, "/\(run)/complete", end)
                    }
                }
            }
        }

        @Test(
            "no limit is exceeded and none stays taken, though workers vanish and nodes are killed"
        )
        func histories() async throws {
            try await Site.with { site in
                let first = try await site.startListeningNode()
                let keys = try await Self.fill(site)
                let ledger = Ledger(keys: keys)
                try await APIClient.with(site) { api in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<5 {
                            group.addTask {
                                let seed = UInt64(number)
                                try await Self.work(api, "w\(number)", ledger, seed: seed)
                            }
                        }
                        var node = first
                        for count in [10, 30] {
                            try await Self.ended(site, atLeast: count)
                            try await node.program.killHard()
                            node = try await site.startListeningNode(at: node.url)
                        }
                        try await Self.ended(site, atLeast: keys.count)
                        ledger.isOver = true
                        try await group.waitForAll()
                    }
                }
                #expect(ledger.worst.values.allSatisfy { $0 <= 2 }, "\(ledger.worst)")
                #expect(ledger.worst.count == 8)
                let ends = try await site.rows("SELECT DISTINCT status FROM run_any")
                #expect(ends == [["succeeded"]])
                try await Self.audit(site)
                try await Self.isFree(site)
                try await LaneLogAudit.check(site, "workers' limits")
            }
        }

        /// Waits for so many ends; meanwhile no key has more under way than it may.
        private static func ended(_ site: Site, atLeast count: Int) async throws {
            try await eventually("\(count) runs ended", within: .seconds(120)) {
                let busy = try await site.rows(
                    """
                    SELECT key, count(*) FROM run WHERE status IN ('claimed', 'running')
                    GROUP BY key HAVING count(*) > 2
                    """
                )
                #expect(busy.isEmpty, "more under way than the key's width")
                let ended = try await site.rows("SELECT count(*) FROM run_done")
                return (Int(ended[0][0]) ?? 0) >= count
            }
        }

        /// By the database's clock first begins kept to the rates; other claims of a run count, too, so
        /// there can only be fewer.
        private static func audit(_ site: Site) async throws {
            let rows = try await site.rows(
                """
                SELECT (extract(epoch FROM started_at) * 1000000)::bigint, key FROM run_done
                ORDER BY started_at
                """
            ).map { (at: Int($0[0]) ?? 0, key: Array($0[1].utf8)) }
            let out = rows.filter { $0.key.starts(with: "out ".utf8) }
            Self.keeps(rows.map(\.at), try #require(Rate("60/s:6")), "the shared limit")
            Self.keeps(out.map(\.at), try #require(Rate("40/s:4")), "the lane")
            for key in Set(out.map(\.key)) {
                let starts = out.filter { $0.key == key }.map(\.at)
                Self.keeps(starts, try #require(Rate("25/s:2")), "a key")
            }
        }

        private static func keeps(_ starts: [Int], _ rate: Rate, _ whose: String) {
            let step = Int(rate.milliseconds) * 1_000 / Int(rate.count)
            for (first, begun) in starts.enumerated() {
                for (last, end) in starts.enumerated() where last >= first {
                    // A moment is rounded to a microsecond twice.
                    let allowed = (end - begun + 2) / step + Int(rate.burst)
                    #expect(
                        last - first < allowed,
                        "\(whose): \(last - first + 1) in \(end - begun) us"
                    )
                }
            }
        }

        /// Each key has all its places again: as many as it may have at once are given, and no more.
        private static func isFree(_ site: Site) async throws {
            let keys = ["out a", "out b", "out é", "out e\u{301}"]
            let ids = try await site.withStore { store in
                let lane = try await store.ensureLane(session: "mail", lane: "out")
                // Room for all of them: what holds them up is their keys alone.
                _ = try await store.updateLane(lane, width: 16)
                let row = try await site.rows("SELECT id FROM run_done LIMIT 1")[0][0]
                let digest = try await store.run(RunID(Int64(row) ?? 0)).planDigest
                let runs = (keys + keys + keys).map {
                    NewRun(lane: lane, planDigest: digest, key: $0)
                }
                let ids = try await store.enqueue(runs)
                await store.tell(.work(lane: lane))
                return ids.map(\.description)
            }
            let given = Mutex<[String]>([])
            try await APIClient.with(site) { api in
                let wish: JSONValue = [
                    "session": "mail", "lane": "out", "max": 16, "wait_ms": 300, "worker": "last",
                ]
                try await eventually("two of each key are given") {
                    let claims = try await api.send(.post, "/v1/claims", wish).json["claims"]
                    let runs = (claims?.arrayValue ?? []).compactMap { $0["run"]?.stringValue }
                    given.withLock { $0 += runs }
                    return given.withLock { $0.count } >= 8
                }
                let more = try await api.send(.post, "/v1/claims", wish).json["claims"]
                #expect(more == [])
            }
            #expect(Set(given.withLock { $0 }) == Set(ids.prefix(8)))
        }
    }
}
