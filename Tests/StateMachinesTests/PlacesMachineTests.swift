// The places of a node: who gets one, and that none is lost or made up.

import StateMachines
import TestKit
import Testing

@Suite("Places")
struct PlacesMachineTests {
    @Test("As long as there are places, who asks has as many as it wants")
    func free() {
        var machine = PlacesMachine(places: 5)
        #expect(machine.ask(3, lane: 1, session: "a", priority: 0) == .granted(3))
        #expect(machine.ask(3, lane: 2, session: "a", priority: 0) == .granted(2))
        guard case .waits(let ticket) = machine.ask(1, lane: 3, session: "a", priority: 0) else {
            Issue.record("there was no place left")
            return
        }
        #expect(machine.give(1) == [ticket])
        #expect(machine.give(5).isEmpty)
        #expect(machine.free == 5)
    }

    @Test("A session with a hundred lanes and one with a single lane take turns")
    func turns() {
        var machine = PlacesMachine(places: 0)
        for lane in 1...100 { _ = machine.ask(1, lane: Int64(lane), session: "noisy", priority: 0) }
        let quiet = machine.ask(1, lane: 200, session: "quiet", priority: 0)
        let granted = machine.give(2)
        #expect(granted.count == 2)
        #expect(granted.contains { .waits($0) == quiet })
    }

    @Test("Higher priority goes first, and a change of priority counts at once")
    func priority() {
        var machine = PlacesMachine(places: 0)
        let low = machine.ask(1, lane: 1, session: "a", priority: 0)
        let high = machine.ask(1, lane: 2, session: "a", priority: 5)
        let later = machine.ask(1, lane: 3, session: "b", priority: 0)
        machine.reorder(3, priority: 9)
        #expect(machine.give(1).map(PlacesMachine.Answer.waits) == [later])
        #expect(machine.give(2).map(PlacesMachine.Answer.waits) == [high, low])
    }

    @Test("In random histories no place is lost or given twice, and nobody waits more than a round")
    func histories() {
        for seed in 1...300 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let places = Int.random(in: 1...5, using: &random)
            var machine = PlacesMachine(places: places)
            var held = 0
            var waiting: [PlacesMachine.Ticket: String] = [:]
            // How often others were served since a session has been waiting.
            var passedOver: [String: Int] = [:]
            func grant(_ tickets: [PlacesMachine.Ticket]) {
                for ticket in tickets {
                    guard let session = waiting.removeValue(forKey: ticket) else {
                        Issue.record("seed \(seed): a place was given to nobody")
                        continue
                    }
                    held += 1
                    let others = Set(waiting.values)
                    for other in others where other != session {
                        passedOver[other, default: 0] += 1
                    }
                    passedOver[session] = nil
                }
            }
            for step in 0..<200 {
                if Bool.random(using: &random) {
                    let session = "s\(Int.random(in: 0..<4, using: &random))"
                    let wanted = Int.random(in: 1...3, using: &random)
                    switch machine.ask(wanted, lane: Int64(step), session: session, priority: 0) {
                    case .granted(let count): held += count
                    case .waits(let ticket): waiting[ticket] = session
                    }
                } else if held > 0 {
                    held -= 1
                    grant(machine.give(1))
                }
                #expect(held + machine.free == places, "seed \(seed)")
                #expect(waiting.isEmpty || machine.free == 0, "seed \(seed)")
                #expect(passedOver.values.allSatisfy { $0 <= 4 }, "seed \(seed)")
            }
        }
    }
}
