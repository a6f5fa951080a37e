// Decides what a pause means to queued runs and to those who claim them, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct PauseTests {
    @Test("a paused queued run is passed over, and has its place again when it is resumed")
    func queued() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let runs = try await bed.enqueue(3, lane: lane)
                #expect(try await bed.store.requestPause(runs[0], by: "ann\0") == .queued)
                #expect(try await bed.store.requestPause(runs[0], by: "bob") == .queued)
                #expect(try await bed.store.run(runs[0]).pausedBy == "ann\u{FFFD}")
                #expect(try await owner.claimOne(lane).fence.run == runs[1])
                #expect(try await bed.store.requestResume(runs[0]) == .queued)
                #expect(try await owner.claimOne(lane).fence.run == runs[0])
                let refusal = await code { _ = try await bed.store.requestResume(runs[0]) }
                #expect(refusal == .conflict)
            }
        }
    }

    @Test("a lane with nothing but paused runs has no work")
    func ready() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let run = try await bed.enqueue(1, lane: lane)[0]
                _ = try await bed.store.requestPause(run, by: "ann")
                #expect(try await bed.store.readyLanes(of: owner.node).isEmpty)
                _ = try await bed.store.requestResume(run)
                #expect(try await bed.store.readyLanes(of: owner.node).map(\.lane) == [lane])
            }
        }
    }

    @Test("the owner of a run under way hears of every pause, whoever takes over of the last one")
    func underWay() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                _ = try await bed.enqueue(1, lane: lane)
                let claimed = try await owner.claimOne(lane)
                let run = claimed.fence.run
                #expect(claimed.pause == RunPause(run: run, lane: lane, by: nil, number: 0))
                #expect(try await bed.store.pauses(of: owner.node).isEmpty)
                _ = try await bed.store.requestPause(run, by: "ann")
                let paused = RunPause(run: run, lane: lane, by: "ann", number: 1)
                #expect(try await bed.store.pauses(of: owner.node) == [paused])
                let want = try await owner.want(lane, room: 0)
                #expect(try await owner.writer.adopt([run], lanes: [want]).map(\.pause) == [paused])
                _ = try await bed.store.requestResume(run)
                let resumed = RunPause(run: run, lane: lane, by: nil, number: 2)
                #expect(try await bed.store.pauses(of: owner.node) == [resumed])
            }
        }
    }

    @Test("an ended run is not paused any more, and cannot be")
    func ended() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                _ = try await bed.enqueue(1, lane: lane)
                let claimed = try await owner.claimOne(lane)
                let run = claimed.fence.run
                _ = try await bed.store.requestPause(run, by: "ann")
                try await owner.writer.submit(
                    [.transition(transition(.cancelled))],
                    fence: claimed.fence,
                    log: try await owner.log(lane)
                )
                #expect(try await bed.store.run(run).pausedBy == nil)
                let refusal = await code { _ = try await bed.store.requestPause(run, by: "ann") }
                #expect(refusal == .conflict)
            }
        }
    }
}
