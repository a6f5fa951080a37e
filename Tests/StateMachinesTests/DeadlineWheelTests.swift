// Deadlines: never early, at most a slot late, and none forgotten.

import StateMachines
import TestKit
import Testing

@Suite("Deadlines")
struct DeadlineWheelTests {
    @Test("In random histories every deadline passes once, not early and at most one slot late")
    func histories() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            var wheel = DeadlineWheel(slot: .milliseconds(50))
            var expected: [UInt64: Duration] = [:]
            var now = Duration.zero
            for key in 0..<400 as Range<UInt64> {
                let time = now + .milliseconds(Int.random(in: 0...3_000, using: &random))
                let wake = wheel.set(key, at: time)
                #expect(wake > time && wake <= time + wheel.slot, "seed \(seed)")
                expected[key] = time
                if Int.random(in: 0..<3, using: &random) == 0,
                    let gone = expected.keys.randomElement(using: &random)
                {
                    wheel.remove(gone)
                    expected[gone] = nil
                }
                #expect(wheel.count == expected.count, "seed \(seed)")
                if let wakeAt = wheel.wakeAt, let first = expected.values.min() {
                    #expect(wakeAt <= first + wheel.slot, "seed \(seed): somebody wakes too late")
                }
                now += .milliseconds(Int.random(in: 0...40, using: &random))
                for passed in wheel.passed(at: now) {
                    let time = expected.removeValue(forKey: passed)
                    #expect(time.map { $0 <= now } == true, "seed \(seed): early or unknown")
                }
                #expect(expected.values.allSatisfy { $0 + wheel.slot >= now }, "seed \(seed): late")
            }
        }
    }

    @Test("Very many that are taken back leave nothing behind")
    func tidy() {
        var wheel = DeadlineWheel()
        for key in 0..<200_000 as Range<UInt64> {
            _ = wheel.set(key, at: .seconds(600))
            if key > 10 { wheel.remove(key - 10) }
        }
        for key in 0..<200_000 as Range<UInt64> { wheel.remove(key) }
        #expect(wheel.count == 0)
        #expect(wheel.wakeAt == nil)
        #expect(wheel.passed(at: .seconds(700)).isEmpty)
    }
}
