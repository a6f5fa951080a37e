// One stream for a whole page: everything that happens, and the output only of what somebody looks at.

import HTTPTypes
import PulserIR
import StateMachines
import TestKit
import Testing

@testable import Gateway

@Suite("Watched output")
struct WatchTests {
    /// Events of two runs, output among them, in this order.
    private static let told: [(kind: RunEvent.Kind, run: Int64)] = [
        (.runStarted, 5), (.stepOutput, 5), (.stepOutput, 6), (.runStarted, 6), (.stepOutput, 6),
        (.runFailed, 6), (.stepOutput, 5), (.runSucceeded, 5),
    ]

    @Test(
        "output comes of the watched runs alone; all other events come",
        arguments: [
            (nil, [1, 2, 3, 4, 5, 6, 7, 8]), ([], [1, 4, 6, 8]), ([5], [1, 2, 4, 6, 7, 8]),
            ([5, 6], [1, 2, 3, 4, 5, 6, 7, 8]), ([9], [1, 4, 6, 8]),
        ] as [([Int64]?, [Int64])]
    )
    func output(_ watched: [Int64]?, _ expected: [Int64]) async throws {
        let logs = MemoryLogs()
        try await HubBed.with(logs) { bed in
            var wish = StreamWish(scope: .lanes([1]), filter: EventFilter(watched: watched))
            let live = try await bed.open(wish)
            try await live.parts("it greets") { !$0.isEmpty }
            for (kind, run) in Self.told {
                bed.hub.committed(logs.commit([(1, HubBed.event(kind, run: run))]))
            }
            wish.start = .beginning
            let stored = try await bed.open(wish)
            for stream in [live, stored] {
                let sequences = try await stream.events(expected.count).map(\.sequence)
                #expect(sequences == expected)
            }
        }
    }

    @Test("a stream that watches nothing is not open: it is told how far it is by bookmarks")
    func openness() {
        #expect(EventFilter().isOpen)
        #expect(!EventFilter(watched: []).isOpen)
    }

    @Test("who is watched is said by ids, up to a hundred; a run's own stream takes no such word")
    func query() async throws {
        try await GatewayBed.with { bed in
            let few = (1...3).map { RunID($0).description }.joined(separator: ",")
            for query in ["watch=", "watch", "watch=\(few)", "watch=\(few)&types=run.*"] {
                let answer = try await bed.send(.head, "/v1/events?\(query)")
                #expect(answer.status == 200, "\(query): \(answer.text)")
            }
            let many = (1...101).map { RunID($0).description }.joined(separator: ",")
            for query in ["watch=x", "watch=\(few),y", "watch=\(many)"] {
                let answer = try await bed.get("/v1/events?\(query)")
                #expect(answer.status == 400 && answer.text.contains("watch"), "\(query)")
            }
            let own = try await bed.get("/v1/runs/\(RunID(1))/events?watch=")
            #expect(own.status == 400)
        }
    }
}
