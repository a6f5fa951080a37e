// What time and quantity do to the queue: idle, long, memory.

import Postgres
import PulserIR
import Store

extension QueueLoad {
    /// Nothing to do: what node and server use meanwhile.
    func idle(_ room: QueueRoom, _ report: inout Report) async throws {
        try await room.warmUp(self.scenario)
        _ = try await room.ask("count_statements")
        // What the warm-up left to be tidied is done by then, and its transactions are counted: a
        // backend that has nothing more to do tells of its last ones after ten seconds.
        try await Self.rest(12)
        let statements = try await room.ask("statements").first?.first ?? -1
        let before = try await QueueUse(room)
        let seconds = try await Self.rest(self.scenario.seconds)
        let after = try await QueueUse(room)
        let more = try await room.ask("statements").first?.first ?? -1
        report.figures += after.figures(since: before, seconds: seconds)
        if statements >= 0 {
            report.figures.append(
                Figure("statements", Double(more - statements) / seconds, "per s", .lower)
            )
        } else {
            report.notes.append("NOT MEASURED: statements/s, pg_stat_statements is not installed")
        }
        report.figures.append(
            Figure("node.memory", try await room.nodeUse().residentBytes / 1e6, "MB", .lower)
        )
        try await self.check(room, runs: 0, &report)
    }

    /// Sleeps; tells for how long.
    @inline(never)
    @discardableResult
    private static func rest(_ seconds: Int) async throws -> Double {
        let begin = ContinuousClock.now
        try await Task.sleep(for: .seconds(seconds))
        return (ContinuousClock.now - begin) / .seconds(1)
    }

    /// Always something to do, beside clients that hold transactions open.
    func long(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let lanes = try await room.lanes(scenario.lanes, width: scenario.width, session: "long")
        let holders = try await Self.holders(scenario.holders, room)
        let memory = try await room.nodeUse().residentBytes
        let before = try await room.ask("bulk").first ?? []
        let runs = try await self.feed(room, lanes)
        try await room.drained(runs, lookEvery: .milliseconds(100))
        let after = try await room.ask("bulk").first ?? []
        let memoryAfter = try await room.nodeUse().residentBytes
        for holder in holders { await holder.close() }
        guard before.count == 3, after.count == 3 else { throw LoadError("sizes are not known") }
        let count = Double(runs.count)
        let rates = try await self.tenths(room, runs, &report)
        report.figures += [
            Figure("runs", count, "runs"),
            Figure("rate", rates.reduce(0, +) / Double(rates.count), "runs/s", .higher),
            Figure("rate.first", rates.first ?? 0, "runs/s", .higher),
            Figure("rate.last", rates.last ?? 0, "runs/s", .higher),
            Figure("decay", (rates.last ?? 0) / max(1, rates.first ?? 1), "x", .higher),
            Figure("tables", Double(after[0] - before[0]) / count, "bytes/run", .lower),
            Figure("indexes", Double(after[1] - before[1]) / count, "bytes/run", .lower),
            Figure("dead", Double(after[2]) / count, "rows/run", .lower),
            Figure("node.memory.before", memory / 1e6, "MB"),
            Figure("node.memory.after", memoryAfter / 1e6, "MB", .lower),
        ]
        try await self.check(room, runs: runs.count, &report)
    }

    /// Clients that each hold a transaction open.
    @inline(never)
    private static func holders(
        _ count: Int,
        _ room: QueueRoom
    ) async throws -> [PostgresConnection] {
        var holders: [PostgresConnection] = []
        for _ in 0..<count {
            let holder = try await PostgresConnection.connect(
                PostgresConfiguration(conninfo: room.database.conninfo),
                logger: OwnDatabase.logger
            )
            try await holder.script(
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id()"
            )
            holders.append(holder)
        }
        return holders
    }

    /// Keeps from five to ten thousand runs queued for as long as the scenario says.
    private func feed(_ room: QueueRoom, _ lanes: [Int64]) async throws -> QueueRuns {
        let plan = try QueueRoom.plan("noop", steps: 1)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(self.scenario.seconds)
        let depth = 10 * self.scenario.batch
        var all: QueueRuns?
        // The youngest batch of which all earlier ones have surely begun to end.
        var batches: [QueueRuns] = []
        while clock.now < end {
            if batches.count * self.scenario.batch >= depth, let oldest = batches.first {
                guard try await room.number("open", oldest.first, oldest.last) == 0 else {
                    try await Task.sleep(for: .milliseconds(20))
                    continue
                }
                batches.removeFirst()
            }
            let made = try await room.enqueue(self.scenario.batch, of: plan, in: lanes)
            batches.append(made)
            all = QueueRuns(
                first: all?.first ?? made.first,
                last: made.last,
                count: (all?.count ?? 0) + made.count
            )
        }
        guard let all else { throw LoadError("there was no time to enqueue anything") }
        return all
    }

    /// How many runs a second ended in each tenth of the time; every ten seconds are told.
    private func tenths(
        _ room: QueueRoom,
        _ runs: QueueRuns,
        _ report: inout Report
    ) async throws -> [Double] {
        let begin = try await self.span(room, runs).begun
        let tens = try await room.ask("ended", runs.first, begin, 10).dropLast()
        let words = tens.map { Figure.text(Double($0[1]) / 10) }.joined(separator: " ")
        report.notes.append("runs/s in each ten seconds: \(words)")
        let seconds = max(1, self.scenario.seconds / 10)
        let rows = try await room.ask("ended", runs.first, begin, Int64(seconds))
        let counts = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
        return (0..<10).map { Double(counts[Int64($0)] ?? 0) / Double(seconds) }
    }

    /// Very many queued runs behind lanes that are full; then others go by.
    func memory(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let rest = try await room.nodeUse().residentBytes
        let full = try await room.lanes(scenario.lanes, width: 1, session: "full")
        let nap = try QueueRoom.plan("nap", steps: 1, napMilliseconds: 3_600_000)
        let naps = try await room.enqueue(full.count, of: nap, in: full)
        while try await room.ask("waiting", naps.first, naps.last).first != [0, Int64(full.count)] {
            try await Task.sleep(for: .milliseconds(50))
        }
        let plan = try QueueRoom.plan("noop", steps: 1)
        let queued = try await room.enqueue(scenario.runs, of: plan, in: full, batch: 5_000)
        try await Task.sleep(for: .seconds(5))
        let waiting = try await room.nodeUse().residentBytes
        let free = try await room.lanes(scenario.lanes, width: scenario.width, session: "free")
        let runs = try await room.enqueue(50_000, of: plan, in: free, batch: scenario.batch)
        var peak = waiting
        while try await room.number("open", runs.first, runs.last) > 0 {
            peak = max(peak, try await room.nodeUse().residentBytes)
            try await Task.sleep(for: .milliseconds(100))
        }
        let span = try await self.span(room, runs)
        let state = try await room.ask("waiting", queued.first, queued.last).first
        if state != [Int64(queued.count), 0] {
            report.faults.append("of the runs that wait \(state ?? []) are queued and have begun")
        }
        report.figures += [
            Figure("runs.queued", Double(queued.count), "runs"),
            Figure("node.memory.rest", rest / 1e6, "MB", .lower),
            Figure("node.memory.queued", waiting / 1e6, "MB", .lower),
            Figure("node.memory.peak", peak / 1e6, "MB", .lower),
            Figure(
                "drained",
                Self.rate(runs.count, from: span.enqueued, to: span.ended),
                "runs/s",
                .higher
            ),
        ]
    }
}
