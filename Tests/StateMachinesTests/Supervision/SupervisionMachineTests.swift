// Decides which crashes are survived, which child is given up, and when a supervisor gives up itself.

import StateMachines
import TestKit
import Testing

@Suite
struct SupervisionMachineTests {
    private typealias Machine = SupervisionMachine<String>

    @Test("a child that crashes is started again, later each time, and nobody else is touched")
    func restart() {
        var machine = Machine()
        for child in ["a", "b"] { #expect(machine.start(child, at: .zero) == true) }
        let first = machine.ended("a", .crashed(reason: "one"), at: .seconds(1), random: 0.5)
        #expect(first == .restart("a", after: .milliseconds(100)))
        #expect(machine.count == 2)
        #expect(machine.start("a", at: .seconds(2)) == true)
        let second = machine.ended("a", .crashed(reason: "two"), at: .seconds(3), random: 0.5)
        #expect(second == .restart("a", after: .milliseconds(200)))
    }

    @Test("jitter spreads restarts by a fifth to both sides")
    func jitter() {
        for (random, expected) in [(0.0, 80), (0.5, 100), (1.0, 120)] {
            var machine = Machine()
            _ = machine.start("a", at: .zero)
            let action = machine.ended("a", .crashed(reason: ""), at: .zero, random: random)
            #expect(action == .restart("a", after: .milliseconds(expected)))
        }
    }

    @Test("a child that ends well is not started again")
    func finished() {
        var machine = Machine()
        _ = machine.start("a", at: .zero)
        #expect(machine.ended("a", .finished, at: .seconds(1), random: 0) == nil)
        #expect(machine.count == 0)
        #expect(machine.ended("a", .crashed(reason: "late"), at: .seconds(1), random: 0) == nil)
    }

    @Test("the third crash in a row makes a child poison: isolated with its reason, never started")
    func poison() {
        var machine = Machine()
        for second in 1...2 {
            #expect(machine.start("a", at: .seconds(second)) == true)
            _ = machine.ended("a", .crashed(reason: "x"), at: .seconds(second), random: 0)
        }
        #expect(machine.start("a", at: .seconds(3)) == true)
        let end = machine.ended("a", .crashed(reason: "bad input"), at: .seconds(3), random: 0)
        #expect(end == .isolate("a", reason: "bad input"))
        #expect(machine.isolated == ["a": "bad input"])
        #expect(machine.start("a", at: .seconds(4)) == false)
        #expect(machine.start("b", at: .seconds(4)) == true)
        #expect(machine.forgive("a") == "bad input")
        #expect(machine.start("a", at: .seconds(5)) == true)
    }

    @Test("crashes of a child that lived for a minute in between do not add up")
    func stable() {
        var machine = Machine()
        for minute in 1...20 {
            let now = Duration.seconds(61 * minute)
            #expect(machine.start("a", at: now) == true)
            let end = machine.ended(
                "a",
                .crashed(reason: "x"),
                at: now + .seconds(60),
                random: 0.5
            )
            #expect(end == .restart("a", after: .milliseconds(100)))
        }
    }

    @Test(
        "five restarts within a minute are made, the sixth escalates, and then nothing is decided"
    )
    func escalation() {
        var machine = Machine()
        for number in 1...5 {
            _ = machine.start("\(number)", at: .zero)
            let end = machine.ended(
                "\(number)",
                .crashed(reason: "x"),
                at: .seconds(number * 10),
                random: 0.5
            )
            #expect(end == .restart("\(number)", after: .milliseconds(100)))
        }
        var late = machine
        for other in ["6", "7"] {
            _ = machine.start(other, at: .seconds(60))
            _ = late.start(other, at: .seconds(60))
        }
        let sixth = machine.ended("6", .crashed(reason: "disk full"), at: .seconds(69), random: 0)
        #expect(sixth == .escalate(reason: "disk full"))
        #expect(machine.hasEscalated && machine.count == 7)
        #expect(machine.start("8", at: .seconds(200)) == false)
        #expect(machine.ended("7", .crashed(reason: "x"), at: .seconds(200), random: 0) == nil)
        // A second later the first restart has left the window.
        let survived = late.ended("6", .crashed(reason: "x"), at: .seconds(70), random: 0.5)
        #expect(survived == .restart("6", after: .milliseconds(100)))
    }

    @Test("a supervisor that begins anew restarts again, and what is poison is found all the same")
    func beginsAnew() {
        var machine = SupervisionMachine<Int>()
        var (ends, now): ([Int: Int], Duration) = ([:], .zero)
        var escalations = 0
        while machine.isolated.count < 8, now < .seconds(3_600) {
            now += .seconds(1)
            for child in 0..<8 where machine.start(child, at: now) {
                ends[child, default: 0] += 1
                let end = machine.ended(child, .crashed(reason: "bad"), at: now, random: 0.5)
                guard case .escalate = end else { continue }
                #expect(machine.start(child, at: now) == false)
                escalations += 1
                machine.begin()
            }
        }
        #expect(ends == Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, 3) }))
        #expect(escalations > 0)
    }

    @Test("random crashes: never more restarts in a minute than allowed, poison stays away")
    func histories() {
        for seed in UInt64(1)...300 {
            var random = SeededGenerator(seed: seed)
            var machine = SupervisionMachine<Int>()
            var restarts: [Duration] = []
            var now: Duration = .zero
            while now < .seconds(600), !machine.hasEscalated {
                now += .milliseconds(Int.random(in: 100...15_000, using: &random))
                let child = Int.random(in: 0..<6, using: &random)
                let mayStart = machine.start(child, at: now)
                #expect(mayStart == (machine.isolated[child] == nil), "seed \(seed)")
                guard mayStart, random.chance(60) else { continue }
                let end = machine.ended(child, .crashed(reason: "x"), at: now, random: 0)
                if case .restart = end { restarts.append(now) }
            }
            for restart in restarts {
                let near = restarts.count { $0 <= restart && restart - $0 < .seconds(60) }
                #expect(near <= 5, "seed \(seed)")
            }
        }
    }
}

@Suite
struct RecallMachineTests {
    @Test("remembered children start in order, a few at once, then at the rate")
    func rate() {
        var machine = RecallMachine<Int>(perSecond: 10, burst: 3)
        #expect(machine.remember(Array(0..<10)) == [])
        #expect(machine.due(at: .seconds(5)) == [0, 1, 2])
        #expect(machine.due(at: .milliseconds(5_099)) == [])
        #expect(machine.wakeAt == .milliseconds(5_100))
        #expect(machine.due(at: .milliseconds(5_100)) == [3])
        #expect(machine.due(at: .milliseconds(5_350)) == [4, 5])
        #expect(machine.due(at: .seconds(100)) == [6, 7, 8])
        #expect(machine.due(at: .milliseconds(100_100)) == [9])
        #expect(machine.wakeAt == nil)
    }

    @Test("a child waits once, can be dropped, and one that finds no place is given back")
    func bound() {
        var machine = RecallMachine<Int>(burst: 1, waitingMax: 3)
        #expect(machine.remember([1, 2, 2, 3, 4]) == [4])
        #expect(machine.remember([1]) == [])
        machine.forget(2)
        #expect(machine.remember([4]) == [])
        var started: [Int] = []
        while let wakeAt = machine.wakeAt { started += machine.due(at: wakeAt) }
        #expect(started == [1, 3, 4])
        #expect(machine.remember([1]) == [])
    }
}
