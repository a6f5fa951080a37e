// Decides that the rules of a run hold in thousands of random histories.

import PulserIR
import Testing

@Suite
struct RunHistoryTests {
    @Test("every random history with crashes, cancels and timeouts keeps the rules of a run")
    func histories() {
        var ends: [RunStatus: Int] = [:]
        var broken: [String] = []
        for seed in UInt64(1)...4_000 {
            var simulation = RunSimulation(seed: seed)
            simulation.run()
            if let violation = simulation.rules.violation {
                broken.append("seed \(seed): \(violation)")
            }
            if let end = simulation.rules.end { ends[end, default: 0] += 1 }
        }
        let first = broken.prefix(12).joined(separator: "\n")
        #expect(broken.isEmpty, "\(broken.count) broken:\n\(first)")
        // A simulation that never comes to one of the ends tests little.
        for end in [RunStatus.succeeded, .failed, .cancelled, .timedOut] {
            #expect(ends[end, default: 0] > 100, "ends: \(ends)")
        }
    }
}
