// Decides what a store looks like to streams in tests: logs in memory, committed at the test's word.

import PulserIR
import StateMachines
import Store
import Synchronization

@testable import Gateway

/// Logs of some lanes.
final class MemoryLogs: LogSource {
    struct State: Sendable {
        var sessions: [Int64: [Int64]] = [1: []]
        var lines: [Int64: [[UInt8]]] = [:]
        var floors: [Int64: Int64] = [:]
        var runs: [Int64: RunSummary] = [:]
        var epoch = "00000001"
        /// Pages that were read.
        var pages = 0
        /// Whether who looks for new lanes is told nothing; those heard of are known all the same.
        var hidesLanes = false
    }

    let state: Mutex<State>

    init(lanes: [Int64] = [1], session: Int64 = 1) {
        var state = State()
        state.sessions[session] = lanes
        for lane in lanes { state.lines[lane] = [] }
        self.state = Mutex(state)
    }

    /// Adds events to lanes in one commit.
    ///
    /// - Returns: What the writer's hook would be given.
    @discardableResult
    func commit(_ events: [(lane: Int64, event: RunEvent)]) -> [CommittedChunk] {
        self.state.withLock { state in
            var chunks: [Int64: CommittedChunk] = [:]
            for (lane, event) in events {
                let sequence = Int64(state.lines[lane]?.count ?? 0) + 1
                var line: [UInt8] = []
                event.write(sequence: sequence, to: &line)
                state.lines[lane, default: []].append(line)
                var chunk =
                    chunks[lane]
                    ?? CommittedChunk(lane: lane, firstSequence: sequence, count: 0, bytes: [])
                chunk.count += 1
                chunk.bytes += line
                chunks[lane] = chunk
            }
            return chunks.values.sorted { $0.lane < $1.lane }
        }
    }

    func total(_ lanes: [Int64]) -> Int {
        self.state.withLock { state in lanes.reduce(0) { $0 + (state.lines[$1]?.count ?? 0) } }
    }

    func epoch() async throws(StoreError) -> String { self.state.withLock { $0.epoch } }

    func lanes(of scope: StreamScope) async throws(StoreError) -> [Int64] {
        let lanes: [Int64]? = self.state.withLock { state in
            if state.hidesLanes, scope.isOpen { return nil }
            return switch scope {
            case .everything: state.sessions.values.flatMap { $0 }.sorted()
            case .session(let session): state.sessions[session]?.sorted()
            case .lanes(let lanes):
                lanes.allSatisfy { state.lines[$0] != nil } ? lanes : nil
            }
        }
        guard let lanes else { throw StoreError(.notFound, "there is no such thing") }
        return lanes
    }

    func sessions(of lanes: [Int64]) async throws(StoreError) -> [Int64: Int64] {
        self.state.withLock { state in
            var sessions: [Int64: Int64] = [:]
            for (session, own) in state.sessions {
                for lane in own where lanes.contains(lane) { sessions[lane] = session }
            }
            return sessions
        }
    }

    func bounds(_ lanes: [Int64]) async throws(StoreError) -> SubscriptionMachine.Bounds {
        self.state.withLock { state in
            var heads: [Int64: Int64] = [:]
            for lane in lanes { heads[lane] = Int64(state.lines[lane]?.count ?? 0) }
            return SubscriptionMachine.Bounds(
                floors: LanePositions(state.floors.filter { lanes.contains($0.key) }),
                heads: LanePositions(heads)
            )
        }
    }

    func page(lane: Int64, after: Int64) async throws(StoreError) -> LogPage {
        self.state.withLock { state in
            state.pages += 1
            var page = LogPage(lane: lane, lines: [])
            let lines = state.lines[lane] ?? []
            guard after >= state.floors[lane] ?? 0, after < lines.count else { return page }
            var room = StoredLogs.pageBytes
            page.append(
                lines[Int(after)..<min(lines.count, Int(after) + 400)].flatMap { $0 },
                first: after + 1,
                after: after,
                bytesMax: &room
            )
            return page
        }
    }

    func place(of run: Int64) async throws(StoreError) -> RunPlace {
        RunPlace(try await self.summary(of: run))
    }

    func ended(_ runs: [Int64]) async throws(StoreError) -> [RunPlace] {
        self.state.withLock { state in
            runs.compactMap { state.runs[$0] }.filter { $0.status.isTerminal }
                .map(RunPlace.init(_:))
        }
    }

    func openRuns(
        _ lanes: [Int64],
        before: Int64,
        limit: Int
    ) async throws(StoreError) -> [RunSummary] {
        self.state.withLock { state in
            let open = state.runs.values.filter {
                lanes.contains($0.lane) && !$0.status.isTerminal && $0.id.number < before
            }
            return Array(open.sorted { $0.id > $1.id }.prefix(limit))
        }
    }

    func summary(of run: Int64) async throws(StoreError) -> RunSummary {
        let summary = self.state.withLock { $0.runs[run] }
        guard let summary else { throw StoreError(.notFound, "there is no such run") }
        return summary
    }
}
