// Calls of one phase: so many at once, or at a rate; latencies count from when a call was due.

import Cluster

/// Makes calls and counts them.
struct ClusterLoad: Sendable {
    /// What a phase came to.
    struct Result: Sendable {
        /// One for each call; put into a histogram when nothing is measured any more.
        var durations: [Duration] = []
        var failures = 0
        var seconds = 0.0

        var calls: Int { self.durations.count }

        var latencies: Latencies {
            var latencies = Latencies()
            for duration in self.durations { latencies.record(duration) }
            return latencies
        }

        mutating func add(_ other: Result) {
            self.durations += other.durations
            self.failures += other.failures
        }
    }

    let actors: [EchoActor]
    let text: String

    /// Makes calls for so many seconds.
    func run(_ pace: APIScenario.Pace, seconds: Int) async -> Result {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        var result =
            switch pace {
            case .closed(let concurrency): await self.closed(concurrency, until: end)
            case .open(let perSecond): await self.open(perSecond, from: start, until: end)
            }
        result.seconds = (ContinuousClock.now - start) / .seconds(1)
        return result
    }

    private func closed(_ concurrency: Int, until end: ContinuousClock.Instant) async -> Result {
        await withTaskGroup(of: Result.self) { tasks in
            for worker in 0..<concurrency {
                tasks.addTask {
                    var result = Result()
                    let actor = self.actors[worker % self.actors.count]
                    var now = ContinuousClock.now
                    while now < end {
                        let isAnswered = await self.call(actor, result.calls)
                        let later = ContinuousClock.now
                        result.durations.append(later - now)
                        if !isAnswered { result.failures += 1 }
                        now = later
                    }
                    return result
                }
            }
            return await tasks.reduce(into: Result()) { $0.add($1) }
        }
    }

    /// A worker has each of its calls due at its own time; one that is late makes up for it.
    private func open(
        _ perSecond: Double,
        from start: ContinuousClock.Instant,
        until end: ContinuousClock.Instant
    ) async -> Result {
        let workers = min(256, max(1, Int(perSecond / 20)))
        let interval = Duration.seconds(1) * Double(workers) / perSecond
        return await withTaskGroup(of: Result.self) { tasks in
            for worker in 0..<workers {
                tasks.addTask {
                    var result = Result()
                    let actor = self.actors[worker % self.actors.count]
                    var due = start + interval * worker / workers
                    while due < end {
                        try? await Task.sleep(until: due, tolerance: .zero)
                        let isAnswered = await self.call(actor, result.calls)
                        result.durations.append(ContinuousClock.now - due)
                        if !isAnswered { result.failures += 1 }
                        due += interval
                    }
                    return result
                }
            }
            return await tasks.reduce(into: Result()) { $0.add($1) }
        }
    }

    private func call(_ actor: EchoActor, _ number: Int) async -> Bool {
        let message = EchoMessage(number: number, text: self.text)
        guard let answer = try? await actor.echo(message) else { return false }
        return answer.number == number
    }
}
