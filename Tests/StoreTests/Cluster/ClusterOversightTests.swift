// Decides what operators are told of the cluster, its shards and a run that does not run.

import PulserIR
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
struct ClusterOversightTests {
    @Test(
        "the status shows the coordinator, what each node holds, who suspects whom and what moves"
    )
    func status() async throws {
        try await StoreBed.withPlayedTime { bed in
            let empty = try await bed.store.clusterStatus()
            #expect(empty.nodes.isEmpty && empty.freeShards == 1_024 && empty.termLeft == .zero)
            #expect(empty.view == ClusterView(version: 0, nodes: []))
            let nodes = try await bed.nodes(3)
            let term = try #require(try await bed.store.elect(nodes[0]))
            let owners = Dictionary(uniqueKeysWithValues: (0..<6).map { (Int32($0), nodes[1]) })
            _ = try await bed.store.assign(term, owners)
            let served = (0..<4).map { OwnedShard(shard: Int32($0), generation: 1) }
            _ = try await bed.store.start(nodes[1], served)
            _ = try await bed.store.mark(term, [3: nodes[2]])
            try await bed.store.suspect(nodes[2], by: nodes[1], isHard: true)
            try await bed.text(
                """
                UPDATE suspicion SET first_at = first_at - interval '9 s',
                    last_at = last_at - interval '4 s'
                """
            )
            try await bed.text("UPDATE shard SET state_since = state_since - interval '7 s'")
            try await bed.store.drain(nodes[2])
            try await bed.text(
                "UPDATE node SET status_since = status_since - interval '8 s' "
                    + "WHERE status = 'draining'"
            )
            let status = try await bed.store.clusterStatus()
            #expect(status.view.coordinator == term && status.view.version == 8)
            #expect(status.termLeft > .seconds(5) && status.termLeft <= ClusterRules.lease)
            #expect(status.protocolSpoken == 1 && status.freeShards == 1_018)
            #expect(status.view.nodes == status.nodes.map(\.node))
            let owner = try #require(status.nodes.first { $0.node.epoch == nodes[1] })
            #expect((owner.assigned, owner.running, owner.handingOff) == (2, 3, 1))
            let leaving = try #require(status.nodes.first { $0.node.epoch == nodes[2] })
            #expect(leaving.node.status == .draining && leaving.statusFor >= .seconds(8))
            let vote = try #require(status.suspicions.first)
            #expect(status.suspicions.count == 1)
            #expect(vote.target == nodes[2] && vote.voter == nodes[1] && vote.isHard)
            #expect(vote.age >= .seconds(9) && vote.repeatedBefore >= .seconds(4))
            #expect(vote.age > vote.repeatedBefore)
            let move = try #require(status.handOffs.first)
            #expect(status.handOffs.count == 1 && move.stateFor >= .seconds(7))
            #expect(move.shard.shard == 3 && move.shard.target == nodes[2])
        }
    }

    @Test("the list of shards is of one node, in one state, or of all")
    func shards() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            let term = try #require(try await bed.store.elect(nodes[0]))
            _ = try await bed.store.assign(term, [1: nodes[0], 2: nodes[1], 3: nodes[1]])
            _ = try await bed.store.start(nodes[1], [OwnedShard(shard: 3, generation: 1)])
            func numbers(_ owner: NodeEpoch?, _ state: ShardState?) async throws -> [Int32] {
                try await bed.store.shards(of: owner, in: state).map(\.shard.shard)
            }
            #expect(try await numbers(nil, nil) == Array(0..<1_024))
            #expect(try await numbers(nodes[1], nil) == [2, 3])
            #expect(try await numbers(nil, .assigned) == [1, 2])
            #expect(try await numbers(nodes[1], .running) == [3])
            #expect(try await numbers(nil, .free).count == 1_021)
            #expect(try await numbers(nodes[0], .handingOff) == [])
        }
    }

    @Test("why a queued run does not run: each gate on its way from a free shard to its node")
    func queued() async throws {
        try await StoreBed.withPlayedTime { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let shard = try #require(try await bed.store.loadLanes([lane]).first).shard
            let run = try await bed.enqueue(1, lane: lane)[0]
            func gate() async throws -> RunGate { try await bed.store.standing(of: run).gate }
            #expect(try await gate() == .shardFree)
            let nodes = try await bed.nodes(2)
            let term = try #require(try await bed.store.elect(nodes[0]))
            _ = try await bed.store.assign(term, [shard: nodes[0]])
            #expect(try await gate() == .shardAssigned)
            let owned = OwnedShard(shard: shard, generation: 1)
            _ = try await bed.store.start(nodes[0], [owned])
            #expect(try await gate() == .ready)
            _ = try await bed.store.mark(term, [shard: nodes[1]])
            let moving = try await bed.store.standing(of: run)
            #expect(moving.gate == .shardHandingOff && moving.targetName == "n")
            try await bed.text("UPDATE shard SET state_since = state_since - interval '16 s'")
            _ = try await bed.store.force(term, [shard])
            _ = try await bed.store.start(nodes[1], [OwnedShard(shard: shard, generation: 2)])
            #expect(try await gate() == .earlierLease)
            try await bed.text("UPDATE shard SET effects_after = clock_timestamp()")
            #expect(try await gate() == .ready)
            try await bed.store.drain(nodes[1])
            #expect(try await gate() == .nodeDraining)
            try await bed.store.undrain(nodes[1])
            try await bed.pass(12, for: nodes[1])
            let late = try await bed.store.standing(of: run)
            #expect(late.gate == .leaseOver && late.owner?.status == .active)
            #expect(try #require(late.gateFor) >= .seconds(1))
            #expect(await code { _ = try await bed.store.standing(of: RunID(9_999)) } == .notFound)
        }
    }

    @Test("why a run does not run: its pause, its time, its lane, its child, its node, a request")
    func runs() async throws {
        try await StoreBed.withPlayedTime { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l", width: 2)
                let ids = try await bed.enqueue(4, lane: lane)
                func standing(_ number: Int) async throws -> RunStanding {
                    try await bed.store.standing(of: ids[number])
                }
                #expect(try await standing(1).gate == .ready)
                let behind = try await standing(3)
                #expect(behind.gate == .behindOthers && behind.ahead == 3)
                #expect(behind.laneName == "l" && behind.sessionName == "default")
                _ = try await owner.claimOne(lane)
                _ = try await owner.claimOne(lane)
                #expect(try await standing(0).gate == .underWay)
                let full = try await standing(2)
                #expect(full.gate == .laneFull && full.laneActive == 2 && full.gateFor != nil)
                #expect(full.foremost == ids[0])
                _ = try await bed.store.requestPause(ids[2], by: "ann")
                let paused = try await standing(2)
                #expect(paused.gate == .paused && paused.pausedBy == "ann")
                #expect(paused.gateFor != nil)
                try await bed.text(
                    "UPDATE run SET due_at = now() + interval '1 h' WHERE id = \(ids[3].number)"
                )
                try await bed.text(
                    """
                    UPDATE run SET status = 'waiting', wait_reason = 'a person decides'
                    WHERE id = \(ids[0].number)
                    """
                )
                let later = try await standing(3)
                #expect(later.gate == .notDue && later.dueIn > .seconds(3_000))
                let waiting = try await standing(0)
                #expect(waiting.gate == .waiting && waiting.waitReason == "a person decides")
                let child = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    delayMilliseconds: 60_000,
                    parent: ids[0],
                    depth: 1
                )
                let children = try await bed.store.enqueue([child], plans: [samplePlan])
                let parent = try await standing(0)
                #expect(parent.gate == .child && parent.child == children[0])
                _ = try await bed.store.requestCancel(ids[1], reason: "wrong plan")
                let cancelled = try await standing(1)
                #expect(cancelled.gate == .cancelRequested)
                #expect(cancelled.cancelReason == "wrong plan")
                // Its node dies: another one has the shard, and then takes the run over.
                try await bed.store.leave(owner.node)
                #expect(try await standing(1).gate == .shardFree)
                let next = try await bed.active("next")
                _ = try await bed.store.takeShards(1_024, for: next)
                #expect(try await standing(1).gate == .takeOver)
                try await bed.text(
                    "UPDATE run_any SET status = 'failed', finished_at = now(), is_done = true"
                )
                #expect(try await standing(1).gate == .ended)
            }
        }
    }

    @Test(
        "since when a run rests: paused, waiting, behind its child; and since when it is under way"
    )
    func since() async throws {
        try await StoreBed.withPlayedTime { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                _ = try await bed.enqueue(1, lane: lane)
                let run = try await owner.claimOne(lane)
                let log = try await owner.log(lane)
                func write(_ status: RunStatus, _ reason: String? = nil) async throws {
                    var move = transition(status)
                    move.waitReason = reason
                    try await owner.writer.submit([.transition(move)], fence: run.fence, log: log)
                }
                /// What holds the run up and for how long, when `seconds` more have passed.
                func gate(after seconds: Int) async throws -> (RunGate, Int64) {
                    try await bed.text(
                        """
                        UPDATE run SET paused_at = paused_at - interval '\(seconds) s',
                            waiting_at = waiting_at - interval '\(seconds) s',
                            started_at = started_at - interval '\(seconds) s',
                            enqueued_at = enqueued_at - interval '\(seconds) s'
                        """
                    )
                    let standing = try await bed.store.standing(of: run.fence.run)
                    let time = try #require(standing.gateFor, "\(standing.gate)")
                    // Whole minutes: a test takes less than one.
                    return (standing.gate, time.components.seconds / 60)
                }
                #expect(try await gate(after: 60) == (.underWay, 1))
                try await write(.waiting, "a person decides")
                #expect(try await gate(after: 120) == (.waiting, 2))
                // Written again after a lost acknowledgement it goes on; for another reason it is new.
                try await write(.waiting, "a person decides")
                #expect(try await gate(after: 60) == (.waiting, 3))
                try await write(.waiting, "its next attempt begins soon")
                #expect(try await gate(after: 0) == (.waiting, 0))
                let child = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    parent: run.fence.run,
                    depth: 1
                )
                _ = try await bed.store.enqueue([child], plans: [samplePlan])
                #expect(try await gate(after: 180) == (.child, 3))
                // Whoever paused it is in the way first, also while it comes to rest.
                _ = try await bed.store.requestPause(run.fence.run, by: "ann")
                #expect(try await gate(after: 240) == (.paused, 4))
                try await write(.running)
                #expect(try await gate(after: 60) == (.paused, 5))
                _ = try await bed.store.requestResume(run.fence.run)
                #expect(try await gate(after: 0).0 == .child)
                _ = try await bed.store.requestPause(run.fence.run, by: "bea")
                #expect(try await gate(after: 0) == (.paused, 0))
            }
        }
    }

    @Test("a request to end a queued run is heard before its time, but not without an owner")
    func requests() {
        var standing = RunStanding(
            run: RunID(1),
            status: .queued,
            sessionName: "s",
            laneName: "l",
            laneWidth: 1,
            laneActive: 0,
            ahead: 0,
            cancelReason: "why",
            dueIn: .seconds(60),
            readyFor: .seconds(-60),
            shard: ShardStanding(
                shard: ShardView(shard: 1, owner: nil, generation: 1, state: .free),
                stateFor: .seconds(3)
            )
        )
        #expect(standing.gate == .shardFree && standing.gateFor == .seconds(3))
        standing.shard.shard.owner = NodeEpoch(1)
        standing.shard.shard.state = .running
        standing.owner = RunStanding.Owner(
            name: "n",
            status: .draining,
            statusFor: .seconds(2),
            leaseLeft: .seconds(5)
        )
        #expect(standing.gate == .cancelRequested && standing.gateFor == nil)
        standing.cancelReason = nil
        #expect(standing.gate == .notDue)
        standing.dueIn = .zero
        #expect(standing.gate == .nodeDraining && standing.gateFor == .seconds(2))
    }
}
