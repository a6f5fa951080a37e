// Decides how long the wait before the next attempt is.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct BackoffTests {
    private func random(_ generator: inout SeededGenerator, jitter: Double?) -> RetryPolicy {
        RetryPolicy(
            backoffMilliseconds: Int64.random(in: 0...100_000, using: &generator),
            multiplier: Double.random(in: 1...10, using: &generator),
            jitter: jitter ?? Double.random(in: 0...1, using: &generator),
            backoffMillisecondsMax: Int64.random(in: 0...1_000_000, using: &generator)
        )
    }

    @Test("a wait is never negative and never longer than the longest")
    func bounds() {
        for seed in UInt64(1)...1_000 {
            var generator = SeededGenerator(seed: seed)
            let policy = self.random(&generator, jitter: nil)
            for attempt in [1, 2, 3, 10, 100, Int.max] {
                let wait = Backoff.milliseconds(
                    after: attempt,
                    policy: policy,
                    random: Double.random(in: 0..<1, using: &generator)
                )
                #expect((0...policy.backoffMillisecondsMax).contains(wait), "seed \(seed)")
            }
        }
    }

    @Test("without jitter each wait is at least as long as the one before")
    func monotone() {
        for seed in UInt64(1)...500 {
            var generator = SeededGenerator(seed: seed)
            let policy = self.random(&generator, jitter: 0)
            let waits = (1...20).map {
                Backoff.milliseconds(after: $0, policy: policy, random: 0.9)
            }
            #expect(waits == waits.sorted(), "seed \(seed)")
            #expect(waits.first == min(policy.backoffMilliseconds, policy.backoffMillisecondsMax))
        }
    }

    @Test("jitter spreads a wait evenly around itself")
    func jitter() {
        let policy = RetryPolicy(backoffMilliseconds: 1_000, jitter: 0.2)
        #expect(Backoff.milliseconds(after: 1, policy: policy, random: 0) == 800)
        #expect(Backoff.milliseconds(after: 1, policy: policy, random: 0.5) == 1_000)
        #expect(Backoff.milliseconds(after: 2, policy: policy, random: 0.999_999) == 2_400)
    }

    @Test("the largest numbers a policy can hold do not trap")
    func extremes() {
        let policy = RetryPolicy(
            backoffMilliseconds: .max,
            multiplier: .infinity,
            jitter: 1,
            backoffMillisecondsMax: .max
        )
        for random in [0, 0.5, 0.999] {
            #expect(Backoff.milliseconds(after: 9, policy: policy, random: random) >= 0)
        }
    }

    @Test("an empty list of kinds means every kind")
    func kinds() {
        #expect(Backoff.retries(.exit, policy: RetryPolicy()))
        #expect(Backoff.retries(.exit, policy: RetryPolicy(when: [.network, .exit])))
        #expect(!Backoff.retries(.exit, policy: RetryPolicy(when: [.network])))
    }
}
