// Decides which lanes a node is told of that have something to take.

import PulserIR
import Testing

@testable import Store

@Suite("Ready lanes", .timeLimit(.minutes(2)))
struct ReadyLanesTests {
    @Test("lanes with something to take are found, whichever others are passed over")
    func gaps() async throws {
        try await StoreBed.with { bed in
            var lanes: [Int64] = []
            for number in 0..<6 {
                let lane = try await bed.store.ensureLane(session: "default", lane: "L\(number)")
                let run = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    key: number.isMultiple(of: 2) ? "k" : ""
                )
                _ = try await bed.store.enqueue([run], plans: [samplePlan])
                lanes.append(lane)
            }
            let empty = try await bed.store.ensureLane(session: "default", lane: "empty")
            try await Owner.with(bed) { [lanes] owner in
                for passed in [[], [lanes[0]], [lanes[2], lanes[3]], [empty, lanes[5]], lanes] {
                    let found = try await bed.store.readyLanes(of: owner.node, except: passed)
                    #expect(found.map(\.lane).sorted() == lanes.filter { !passed.contains($0) })
                }
            }
        }
    }
}
