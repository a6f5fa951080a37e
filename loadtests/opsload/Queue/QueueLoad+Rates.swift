// How many runs and steps a second: drain, enqueue, steps, storm.

import PulserIR
import Store

extension QueueLoad {
    /// All runs are queued before the node comes; from the first that begins to the last that ended.
    func drain(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let lanes = try await room.lanes(scenario.lanes, width: scenario.width, session: "drain")
        try await room.stopNode()
        let runs = try await room.enqueue(
            scenario.runs,
            of: QueueRoom.plan("noop", steps: 1),
            in: lanes,
            batch: scenario.batch
        )
        try await room.startNode()
        let before = try await QueueUse(room)
        try await room.drained(runs, lookEvery: .milliseconds(50))
        let after = try await QueueUse(room)
        let span = try await self.span(room, runs)
        report.figures += [
            Figure("runs", Double(runs.count), "runs"),
            Figure(
                "drained",
                Self.rate(runs.count, from: span.begun, to: span.ended),
                "runs/s",
                .higher
            ),
        ]
        report.figures += after.figures(since: before, per: runs.count, of: "run")
        try await self.check(room, runs: runs.count, &report)
    }

    /// Batches one after the other, then runs alone: one client, then 32 at once. Nobody works.
    func enqueue(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let lanes = try await room.lanes(scenario.lanes, width: scenario.width, session: "enqueue")
        let plan = try QueueRoom.plan("noop", steps: 1)
        try await room.stopNode()
        let clock = ContinuousClock()
        var runs = QueueRuns(first: .max, last: 0, count: 0)
        func timed(
            _ name: String,
            _ body: () async throws -> [QueueRuns]
        ) async throws {
            let begin = clock.now
            let made = try await body()
            let count = made.reduce(0) { $0 + $1.count }
            let rate = Double(count) / ((clock.now - begin) / .seconds(1))
            report.figures.append(Figure(name, rate, "runs/s", .higher))
            for one in made {
                runs.first = min(runs.first, one.first)
                runs.last = max(runs.last, one.last)
                runs.count += one.count
            }
        }
        try await timed("batches") {
            [try await room.enqueue(scenario.runs, of: plan, in: lanes, batch: scenario.batch)]
        }
        let single = max(1, min(scenario.runs / 50, 2_000))
        try await timed("single") {
            [try await room.enqueue(single, of: plan, in: lanes, batch: 1)]
        }
        try await timed("single.32") {
            try await withThrowingTaskGroup(of: QueueRuns.self) { group in
                for number in 0..<32 {
                    let lane = lanes[number % lanes.count]
                    group.addTask {
                        try await room.enqueue(single / 4 + 1, of: plan, in: [lane], batch: 1)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        let stored = try await self.span(room, runs).count
        if stored != runs.count {
            report.faults.append("\(stored) runs are stored of \(runs.count)")
        }
        report.figures.append(Figure("runs", Double(runs.count), "runs"))
        try await room.startNode()
        try await room.drained(runs, lookEvery: .milliseconds(200))
        try await self.check(room, runs: runs.count, &report)
    }

    /// Long chains of steps that do nothing; each result is on record before the next step begins.
    func steps(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let lanes = try await room.lanes(scenario.lanes, width: scenario.width, session: "steps")
        try await room.stopNode()
        let runs = try await room.enqueue(
            scenario.runs,
            of: QueueRoom.plan("chain", steps: scenario.steps),
            in: lanes
        )
        try await room.startNode()
        let before = try await QueueUse(room)
        try await room.drained(runs, lookEvery: .milliseconds(50))
        let after = try await QueueUse(room)
        let span = try await self.span(room, runs)
        let steps = runs.count * scenario.steps
        report.figures += [
            Figure("steps", Double(steps), "steps"),
            Figure(
                "durable",
                Self.rate(steps, from: span.begun, to: span.ended),
                "steps/s",
                .higher
            ),
        ]
        report.figures += after.figures(since: before, per: steps, of: "step")
        let together = try await room.ask("together").first?.first ?? 0
        if together > 0 {
            report.faults.append(
                "\(together) steps began before the result of the one before was on record"
            )
        }
        try await self.check(room, runs: runs.count, &report)
    }

    /// Many runs become due at one instant; how long until the last has begun.
    func storm(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let lanes = try await room.lanes(scenario.lanes, width: scenario.width, session: "storm")
        // One transaction, hence one instant.
        let runs = try await room.enqueue(
            scenario.runs,
            of: QueueRoom.plan("noop", steps: 1),
            in: lanes,
            batch: scenario.runs,
            delayMilliseconds: 5_000
        )
        try await room.drained(runs, lookEvery: .milliseconds(50))
        let span = try await self.span(room, runs)
        if span.begun < span.due { report.faults.append("a run began before it was due") }
        let first = Double(span.begun - span.due) / 1_000
        let last = Double(span.lastBegun - span.due) / 1_000
        report.figures += [
            Figure("runs", Double(runs.count), "runs"),
            Figure("first.began", first, "ms after due", .lower, tolerance: 1),
            Figure("last.began", last, "ms after due", .lower),
            Figure(
                "rate",
                Self.rate(runs.count, from: span.due, to: span.ended),
                "runs/s",
                .higher
            ),
        ]
        try await self.check(room, runs: runs.count, &report)
    }

    /// When runs were due, began and ended, in microseconds since 1970.
    struct Span {
        var count: Int
        var enqueued: Int64
        var due: Int64
        var begun: Int64
        var lastBegun: Int64
        var ended: Int64
    }

    func span(_ room: QueueRoom, _ runs: QueueRuns) async throws -> Span {
        let row = try await room.ask("span", runs.first, runs.last).first ?? []
        guard row.count == 6 else { throw LoadError("the runs' times cannot be told") }
        return Span(
            count: Int(row[0]),
            enqueued: row[1],
            due: row[2],
            begun: row[3],
            lastBegun: row[4],
            ended: row[5]
        )
    }
}
