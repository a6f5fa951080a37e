// How long runs wait: pickup, fair.

import PulserIR
import Store

extension QueueLoad {
    /// One by one at a rate; from the commit of the enqueue to the claim, and to the commit of the end.
    func pickup(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        let lanes = try await room.lanes(scenario.lanes, width: scenario.width, session: "pickup")
        _ = try await room.ask("note_enqueues")
        let runs = try await self.oneByOne(room, lanes, count: scenario.runs)
        let rows = try await room.ask("pickups", runs.first, runs.last)
        guard rows.count == runs.count else { throw LoadError("the commits' times are not known") }
        var claimed = Latencies()
        var ended = Latencies()
        for row in rows where row.count == 3 {
            claimed.record(microseconds: row[1] - row[0])
            ended.record(microseconds: row[2] - row[0])
        }
        report.figures += claimed.figures("claimed") + ended.figures("ended")
        report.figures.append(Figure("runs", Double(runs.count), "runs"))
        try await self.check(room, runs: runs.count, &report)
    }

    /// Enqueues runs at the scenario's rate and waits for their end.
    private func oneByOne(
        _ room: QueueRoom,
        _ lanes: [Int64],
        count: Int
    ) async throws -> QueueRuns {
        let plan = try QueueRoom.plan("noop", steps: 1)
        let clock = ContinuousClock()
        let begin = clock.now
        let pause = Duration.seconds(1) / self.scenario.rate
        var runs = QueueRuns(first: .max, last: 0, count: count)
        for number in 0..<count {
            try await clock.sleep(until: begin + pause * number)
            let one = try await room.enqueue(1, of: plan, in: [lanes[number % lanes.count]])
            runs.first = min(runs.first, one.first)
            runs.last = max(runs.last, one.last)
        }
        try await room.drained(runs, lookEvery: .milliseconds(20))
        return runs
    }

    /// Sessions with a run now and then: alone, then beside one that has queued very many.
    func fair(_ room: QueueRoom, _ report: inout Report) async throws {
        let scenario = self.scenario
        try await room.warmUp(scenario)
        var quiet: [Int64] = []
        for number in 0..<scenario.quiet {
            quiet += try await room.lanes(1, width: 1, session: "quiet-\(number)")
        }
        let noisy = try await room.lanes(scenario.lanes, width: scenario.width, session: "noisy")
        let few = scenario.rate * scenario.seconds / 2
        let before = try await self.waits(room, self.oneByOne(room, quiet, count: few))
        let crowd = try await room.enqueue(
            scenario.runs,
            of: QueueRoom.plan("noop", steps: 1),
            in: noisy,
            batch: scenario.batch
        )
        // As long as the noisy one has something to do, and no longer.
        var beside = Latencies()
        var asked = 0
        while try await room.number("open", crowd.first, crowd.last) > 0 {
            let some = try await self.oneByOne(room, quiet, count: scenario.quiet)
            beside.add(try await self.waits(room, some))
            asked += some.count
        }
        if asked < 2 * scenario.quiet {
            report.faults.append(
                "the noisy session had too little to do: only \(asked) runs beside"
            )
        }
        report.figures += before.figures("alone") + beside.figures("beside")
        for (word, percentile) in [("p50", 50.0), ("p99", 99), ("max", 100)] {
            let alone = before.milliseconds(at: percentile)
            let ratio = beside.milliseconds(at: percentile) / max(alone, 0.001)
            report.figures.append(
                Figure("ratio.\(word)", ratio, "x", word == "max" ? .neither : .lower)
            )
        }
        let span = try await self.span(room, crowd)
        report.figures += [
            Figure(
                "noisy",
                Self.rate(crowd.count, from: span.begun, to: span.ended),
                "runs/s",
                .higher
            ),
            Figure("runs.beside", Double(asked), "runs"),
        ]
        try await self.check(room, runs: few + asked + crowd.count, &report)
    }

    /// How long runs waited until they were claimed.
    private func waits(_ room: QueueRoom, _ runs: QueueRuns) async throws -> Latencies {
        let lanes = try await room.ask("waits", runs.first, runs.last)
        var waits = Latencies()
        for row in lanes where row.count == 2 { waits.record(microseconds: row[1] - row[0]) }
        return waits
    }
}
