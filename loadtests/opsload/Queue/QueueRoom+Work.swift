// Decides what is enqueued for a measurement, and how its end is noticed without disturbing it.

import PulserIR
import Store

/// Runs that were enqueued one behind the other.
struct QueueRuns: Sendable {
    var first: Int64
    var last: Int64
    var count: Int
}

extension QueueRoom {
    /// How long runs may take to end.
    private static let patience: Duration = .seconds(1_800)

    /// A plan of so many steps, each needing the one before and doing nothing.
    static func plan(
        _ name: String,
        steps: Int,
        napMilliseconds: Int64 = 0
    ) throws -> PlanRow {
        let plan = Plan(
            name: name,
            steps: (0..<steps).map { number in
                Step(
                    id: "s\(number)",
                    needs: number > 0 ? ["s\(number - 1)"] : [],
                    action: .sleep(milliseconds: napMilliseconds),
                    effects: Effects.none,
                    // A nap's own time comes on top.
                    timeoutMilliseconds: 600_000 + napMilliseconds
                )
            }
        )
        let bytes = try plan.canonicalBytes()
        return PlanRow(
            digest: Digest(of: bytes),
            name: name,
            body: String(decoding: bytes, as: UTF8.self)
        )
    }

    /// Makes a session.
    ///
    /// - Returns: The numbers of its lanes.
    nonisolated func lanes(_ count: Int, width: Int, session: String) async throws -> [Int64] {
        try await self.store.createSession(name: session, intent: "opsload queue")
        var lanes: [Int64] = []
        for number in 0..<count {
            lanes.append(
                try await self.store.ensureLane(session: session, lane: "l\(number)", width: width)
            )
        }
        return lanes
    }

    /// Enqueues runs in batches, lane by lane in turn; the node hears of it once.
    nonisolated func enqueue(
        _ count: Int,
        of plan: PlanRow,
        in lanes: [Int64],
        batch: Int = 1_000,
        delayMilliseconds: Int64 = 0
    ) async throws -> QueueRuns {
        var made = QueueRuns(first: .max, last: 0, count: count)
        for start in stride(from: 0, to: count, by: batch) {
            let runs = (start..<min(start + batch, count)).map {
                NewRun(
                    lane: lanes[$0 % lanes.count],
                    planDigest: plan.digest,
                    delayMilliseconds: delayMilliseconds
                )
            }
            let ids = try await self.store.enqueue(runs, plans: start == 0 ? [plan] : [])
            guard ids.count == runs.count else { throw LoadError("a batch lost runs") }
            for id in ids {
                made.first = min(made.first, id.number)
                made.last = max(made.last, id.number)
            }
            if start == 0, delayMilliseconds == 0 {
                // A notice takes less than 8,000 bytes; the node polls for the rest.
                let words = lanes.prefix(300).map(String.init).joined(separator: ",")
                await self.store.notify(.work, words)
            }
        }
        return made
    }

    /// Waits until all have ended.
    nonisolated func drained(_ runs: QueueRuns, lookEvery pause: Duration) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while try await self.number("open", runs.first, runs.last) > 0 {
            guard ContinuousClock.now < deadline else {
                throw LoadError("runs have not ended within \(Self.patience)")
            }
            try await Task.sleep(for: pause)
        }
    }

    /// Has runs go through before anything is measured.
    @inline(never)
    nonisolated func warmUp(_ scenario: QueueScenario) async throws {
        guard scenario.warmupRuns > 0 else { return }
        let lanes = try await self.lanes(scenario.lanes, width: scenario.width, session: "warmup")
        let plan = try Self.plan("warmup", steps: 1)
        let runs = try await self.enqueue(scenario.warmupRuns, of: plan, in: lanes)
        try await self.drained(runs, lookEvery: .milliseconds(50))
    }

    /// What is wrong with everything that happened here.
    nonisolated func breaches(expected: Int) async throws -> [String] {
        try await self.database.rows("SELECT load.breaches(\(expected))").compactMap(\.first)
    }
}
