// No deadline comes early, none is lost, whatever is added and removed in between.

import NIOCore
import TestKit
import Testing

@testable import Cluster

@Suite("The timing wheel")
struct TimingWheelTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test("every deadline passes once, in its tick, unless it was taken out", arguments: 1...50)
    func history(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var wheel = TimingWheel<Int>(tick: .milliseconds(10), slots: 16, at: Self.start)
        var waiting: [Int: (due: NIODeadline, token: TimingWheel<Int>.Token)] = [:]
        var now = Self.start
        for element in 0..<2_000 {
            let due = now + .milliseconds(Int64.random(in: -20...900, using: &random))
            waiting[element] = (max(due, now), wheel.insert(element, due: due))
            if random.chance(40), let victim = waiting.randomElement(using: &random) {
                let removals = [
                    wheel.remove(victim.value.token), wheel.remove(victim.value.token),
                ]
                #expect(removals == [true, false])
                waiting[victim.key] = nil
            }
            let jump = random.chance(2) ? 5_000 : Int64.random(in: 0...12, using: &random)
            now = now + .milliseconds(jump)
            for passed in wheel.advance(to: now) {
                let entry = waiting.removeValue(forKey: passed)
                #expect(entry.map { $0.due <= now } == true, "seed \(seed)")
            }
            // Two ticks: one it is rounded up to, one that has only begun.
            #expect(waiting.values.allSatisfy { $0.due + .milliseconds(20) > now }, "seed \(seed)")
            #expect(wheel.count == waiting.count)
        }
        #expect(Set(wheel.advance(to: now + .seconds(60))) == Set(waiting.keys))
        #expect(wheel.count == 0)
    }
}
