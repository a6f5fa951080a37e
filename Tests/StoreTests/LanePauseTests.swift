// Decides what a pause of a session or a lane keeps from being taken, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct LanePauseTests {
    @Test("a paused lane takes nothing new until it is resumed, whatever its owner heard")
    func lane() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let other = try await bed.store.ensureLane(session: "default", lane: "m")
                let ids = try await bed.enqueue(2, lane: lane)
                _ = try await bed.enqueue(1, lane: other)
                let wants = [
                    try await owner.want(lane, room: 1), try await owner.want(other, room: 1),
                ]
                let first = try await owner.writer.claim([wants[0]])
                #expect(first.map(\.fence.run) == [ids[0]])
                try await bed.store.pauseLane(lane, by: "ann", reason: "audit")
                try await bed.store.pauseLane(lane, by: "bob", reason: nil)
                let row = try #require(try await bed.store.loadLanes([lane]).first)
                #expect(row.pause?.by == "ann" && row.pause?.reason == "audit")
                let taken = try await owner.writer.claim(wants)
                #expect(taken.map(\.fence.lane) == [other])
                let ready = try await bed.store.readyLanes(of: owner.node)
                #expect(ready.isEmpty, "a lane that takes nothing is not woken again and again")
                // What is under way belongs to whoever owns the lane, paused or not.
                let adopting = [try await owner.want(lane, room: 0)]
                let adopted = try await owner.writer.adopt([ids[0]], lanes: adopting)
                #expect(adopted.map(\.fence.run) == [ids[0]])
                #expect(try await bed.store.resumeLane(lane))
                #expect(try await !bed.store.resumeLane(lane))
                #expect(try await bed.store.readyLanes(of: owner.node).map(\.lane) == [lane])
                #expect(try await owner.writer.claim(wants).map(\.fence.run) == [ids[1]])
            }
        }
    }

    @Test("a paused session's lanes take nothing new, and children of runs under way go on")
    func session() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let child = try await bed.store.ensureLane(session: "default", lane: "l/1")
                _ = try await bed.enqueue(1, lane: lane)
                _ = try await bed.enqueue(1, lane: child)
                let session = try await bed.store.session("default")
                try await bed.store.pauseSession(session.id, by: "ann", reason: nil)
                let paused = try await bed.store.session("default")
                #expect(paused.pause?.by == "ann" && paused.pause?.reason == nil)
                let all = try await bed.store.sessions(includingEnded: true)
                #expect(all.map(\.pause) == [paused.pause])
                #expect(try await bed.store.readyLanes(of: owner.node).map(\.lane) == [child])
                let wants = [
                    try await owner.want(lane, room: 1), try await owner.want(child, room: 1),
                ]
                #expect(try await owner.writer.claim(wants).map(\.fence.lane) == [child])
                #expect(try await bed.store.resumeSession(session.id))
                #expect(try await owner.writer.claim(wants).map(\.fence.lane) == [lane])
                try await bed.store.createSession(name: "over", intent: "")
                try await bed.store.archiveSession(name: "over")
                let over = try await bed.store.session("over").id
                let refusal = await code {
                    try await bed.store.pauseSession(over, by: "ann", reason: nil)
                }
                #expect(refusal == .conflict)
            }
        }
    }

    @Test("a run that waits for the end of a pause says whose, of what and why")
    func standing() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { _ in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let run = try await bed.enqueue(1, lane: lane)[0]
                #expect(try await bed.store.standing(of: run).lanePause == nil)
                try await bed.store.pauseLane(lane, by: "ann", reason: "audit")
                let paused = try await bed.store.standing(of: run)
                #expect(paused.gate == .lanePaused)
                #expect(paused.lanePause?.by == "ann" && paused.lanePause?.reason == "audit")
                #expect(paused.gateFor != nil)
                let session = try await bed.store.session("default").id
                try await bed.store.pauseSession(session, by: "bob", reason: nil)
                let both = try await bed.store.standing(of: run)
                #expect(both.gate == .sessionPaused && both.lanePause?.by == "bob")
            }
        }
    }
}
