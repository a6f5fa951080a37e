// Decides how other nodes' events reach a hub's streams: by their owners first, by the database always.

import Cluster
import PulserIR
import StateMachines
import TestKit
import Testing

@testable import Gateway
@testable import Store

@Suite(.timeLimit(.minutes(Sanitized.minutes(2))))
struct RelayTests {
    /// A stream of a lane that another node owns, whose relay was quicker once.
    private static func with(
        patience: Duration,
        _ body: @Sendable @escaping (HubBed, TailPeers, HubStream) async throws -> Void
    ) async throws {
        try await HubBed.with { bed in
            let peers = TailPeers()
            bed.hub.relay(through: peers, patience: patience)
            let stream = try await bed.open()
            try await eventually("the lane is followed where it is") { peers.isFollowed() }
            bed.commitElsewhere([1], by: peers)
            _ = try await stream.events(1)
            try await body(bed, peers, stream)
        }
    }

    @Test("a relayed event needs no page of the database, whatever is told of it besides")
    func relayed() async throws {
        try await Self.with(patience: .seconds(600)) { bed, peers, stream in
            let pages = bed.pages
            for count in 0..<500 {
                bed.commitElsewhere([1], by: peers, isNoticed: count.isMultiple(of: 2))
            }
            expectWhole(try await stream.events(501))
            // The notice comes first.
            let chunks = bed.logs.commit([(1, HubBed.event())])
            bed.hub.heard(HubBed.notice(chunks))
            bed.hub.heard(HubBed.notice(chunks))
            peers.commits(chunks)
            expectWhole(try await stream.events(502))
            #expect(bed.pages == pages)
        }
    }

    @Test("a notice that a relay does not honour in time is read, and the next one at once")
    func late() async throws {
        try await Self.with(patience: .milliseconds(50)) { bed, peers, stream in
            let pages = bed.pages
            bed.commitElsewhere([1], by: nil, isNoticed: true)
            expectWhole(try await stream.events(2))
            #expect(bed.pages > pages)
            bed.commitElsewhere([1], by: nil, isNoticed: true)
            expectWhole(try await stream.events(3))
            // What the relay brings behind that shows that it is there again.
            bed.commitElsewhere([1], by: peers)
            expectWhole(try await stream.events(4))
        }
    }

    @Test(
        "an owner that is silent, gone or of an earlier build holds nothing up",
        arguments: [TailPeers.Mode.mute, .gone, .old]
    )
    func broken(mode: TailPeers.Mode) async throws {
        // From the beginning.
        try await HubBed.with { bed in
            let peers = TailPeers()
            peers.set(mode)
            bed.hub.relay(through: peers, patience: .seconds(600))
            let stream = try await bed.open()
            try await eventually("the owner is asked") { peers.calls > 0 }
            for _ in 0..<20 { bed.commitElsewhere([1], by: peers, isNoticed: true) }
            expectWhole(try await stream.events(20))
        }
        // In the middle: who is gone says so, who is silent is waited for once.
        let patience: Duration = mode == .mute ? .milliseconds(50) : .seconds(600)
        try await Self.with(patience: patience) { bed, peers, stream in
            peers.set(mode)
            for count in 2...20 {
                bed.commitElsewhere([1], by: peers, isNoticed: true)
                expectWhole(try await stream.events(count))
            }
        }
    }

    @Test("a relay that was lost is taken up again, and nothing is lost or repeated meanwhile")
    func again() async throws {
        try await Self.with(patience: .seconds(600)) { bed, peers, stream in
            peers.set(.gone)
            for count in 2...10 {
                bed.commitElsewhere([1], by: peers, isNoticed: true)
                expectWhole(try await stream.events(count))
            }
            peers.set(.well)
            try await Self.untilRelayed(bed, peers, stream)
            // The owner forgets who follows it.
            for tails in peers.tails.values { tails.serve(on: nil) }
            bed.commitElsewhere([1], by: peers, isNoticed: true)
            try await Self.untilRelayed(bed, peers, stream)
            expectWhole(stream.events)
        }
    }

    @Test("a lane that moves is followed where it goes, or not at all when that is this node")
    func moves() async throws {
        try await Self.with(patience: .seconds(600)) { bed, peers, stream in
            peers.move(to: NodeEpoch(3))
            // The new owner commits before anybody follows it there.
            bed.commitElsewhere([1], by: peers, at: 3, isNoticed: true)
            expectWhole(try await stream.events(2))
            try await Self.untilRelayed(bed, peers, stream, at: 3)
            peers.move(to: nil)
            bed.commit([1])
            bed.commitElsewhere([1], by: nil, isNoticed: true)
            try await eventually("all come") {
                stream.stream.eventCount == bed.logs.total([1])
            }
            try await eventually("nobody keeps anything for it") {
                peers.tails.values.allSatisfy { !$0.isFollowed(1) }
            }
            expectWhole(stream.events)
        }
    }

    @Test("what is too large for a relay, and what comes behind it, is read")
    func large() async throws {
        try await Self.with(patience: .seconds(600)) { bed, peers, stream in
            let text = String(repeating: "x", count: EventTail.answerBytesMax)
            var event = HubBed.event()
            event.data = .object(["line": .string(text)])
            peers.commits(bed.logs.commit([(1, event)]))
            expectWhole(try await stream.events(2))
            bed.commitElsewhere([1], by: peers)
            expectWhole(try await stream.events(3))
        }
    }

    @Test("a hub without relays, or whose node's life has ended, reads what it is told of")
    func none() async throws {
        try await Self.with(patience: .seconds(600)) { bed, peers, stream in
            bed.hub.relay(through: nil)
            bed.commitElsewhere([1], by: peers, isNoticed: true)
            expectWhole(try await stream.events(2))
            let next = TailPeers()
            bed.hub.relay(through: next)
            try await Self.untilRelayed(bed, next, stream)
            expectWhole(stream.events)
        }
    }

    /// Commits without notices until one comes by itself before the hub looks.
    private static func untilRelayed(
        _ bed: HubBed,
        _ peers: TailPeers,
        _ stream: HubStream,
        at node: Int64 = 2
    ) async throws {
        try await eventually("the lane is followed there") {
            peers.tails[NodeEpoch(node)]?.isFollowed(1) == true
        }
        try await eventually("a relay brings events") {
            let pages = bed.pages
            bed.commitElsewhere([1], by: peers, at: node)
            let count = bed.logs.total([1])
            _ = try await stream.events(count)
            return bed.pages == pages
        }
    }
}
