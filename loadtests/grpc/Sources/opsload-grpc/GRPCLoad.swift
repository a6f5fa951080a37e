// Calls of one phase, paced as `opsload cluster` paces them: so many at once, or at a rate.

import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// Makes calls and counts them.
struct GRPCLoad: Sendable {
    /// What a phase came to.
    struct Result: Sendable {
        /// One for each call.
        var durations: [Duration] = []
        var failures = 0
        var seconds = 0.0

        mutating func add(_ other: Result) {
            self.durations += other.durations
            self.failures += other.failures
        }
    }

    let client: GRPCClient<HTTP2ClientTransport.Posix>
    let text: String

    /// Makes calls for so many seconds.
    func run(_ pace: GRPCScenario.Pace, seconds: Int) async -> Result {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        var result =
            if let rate = pace.rate {
                await self.open(rate, from: start, until: end)
            } else {
                await self.closed(pace.concurrency ?? 1, until: end)
            }
        result.seconds = (ContinuousClock.now - start) / .seconds(1)
        return result
    }

    private func closed(_ concurrency: Int, until end: ContinuousClock.Instant) async -> Result {
        await withTaskGroup(of: Result.self) { tasks in
            for _ in 0..<concurrency {
                tasks.addTask {
                    var result = Result()
                    var now = ContinuousClock.now
                    while now < end {
                        let isAnswered = await self.call(result.durations.count)
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
                    var due = start + interval * worker / workers
                    while due < end {
                        try? await Task.sleep(until: due, tolerance: .zero)
                        let isAnswered = await self.call(result.durations.count)
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

    private func call(_ number: Int) async -> Bool {
        let answer = try? await self.client.unary(
            request: ClientRequest(message: EchoMessage(number: number, text: self.text)),
            descriptor: EchoService.echo,
            serializer: EchoCoding(),
            deserializer: EchoCoding(),
            options: .defaults
        ) { try $0.message }
        return answer?.number == number
    }
}
