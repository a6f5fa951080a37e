// Decides that a campaign's checks find each kind of breach, and nothing where all is well.

import PulserIR
import Testing

@testable import opsload

@Suite("Checks of a cluster under faults")
struct FaultAuditTests {
    private static let plan = JudgedPlan(
        name: "p",
        steps: [("s0", .idempotent), ("s1", .none), ("s2", .destructive)]
    )

    /// Three runs in each of two lanes, as they should be.
    private static func sound() -> FaultEvidence {
        var evidence = FaultEvidence()
        evidence.plans = [Self.plan]
        evidence.lanes = [
            FaultEvidence.Lane(id: 1, name: "l0", shard: 10),
            FaultEvidence.Lane(id: 2, name: "l1", shard: 20),
        ]
        for number in 0..<6 {
            let id = Int64(number + 1)
            let lane = Int64(number % 2 + 1)
            let letters = RunID(id).description
            evidence.ordered[letters] = "p"
            evidence.runs.append(
                FaultEvidence.Run(
                    id: id,
                    lane: lane,
                    plan: "p",
                    status: "succeeded",
                    failure: "",
                    enqueued: 0,
                    started: id * 100,
                    finished: id * 100 + 90,
                    firstSequence: Int64(number / 2) * 2 + 1,
                    lastSequence: Int64(number / 2) * 2 + 2
                )
            )
            for step in ["s0", "s1", "s2"] {
                evidence.steps.append(Self.step(id, step, 1, "succeeded"))
            }
            for step in ["s0", "s2"] {
                evidence.lines["l\(number % 2)", default: []].append(
                    "l\(number % 2) \(letters) \(step) 1"
                )
            }
            let first = Int64(number / 2) * 2 + 1
            let events = ["step.succeeded\",\"step\":\"s2", "run.succeeded"].enumerated().map {
                "{\"seq\":\(first + Int64($0.offset)),\"type\":\"\($0.element)\","
                    + "\"run\":\"\(letters)\"}\n"
            }
            evidence.chunks[lane, default: []].append(
                (first: first, count: 2, bytes: Array(events.joined().utf8))
            )
        }
        evidence.streams = [Self.stream(of: evidence)]
        return evidence
    }

    private static func step(
        _ run: Int64,
        _ step: String,
        _ attempt: Int,
        _ state: String
    ) -> FaultEvidence.Step {
        FaultEvidence.Step(
            run: run,
            step: step,
            attempt: attempt,
            state: state,
            isSuperseded: false,
            ended: 0
        )
    }

    private static func stream(
        of evidence: FaultEvidence,
        _ change: (inout [(lane: Int64, sequence: Int64)]) -> Void = { _ in }
    ) -> FaultEvidence.Stream {
        var stream = FaultEvidence.Stream(name: "it", audit: LaneAudit(), logs: [:])
        var order: [(lane: Int64, sequence: Int64)] = []
        for (lane, chunks) in evidence.chunks {
            stream.logs[lane] = chunks.flatMap(\.bytes)
            order += (1...6).map { (lane, Int64($0)) }
        }
        change(&order)
        for place in order { stream.audit.take(lane: place.lane, sequence: place.sequence) }
        return stream
    }

    private enum Rule {
        case ended, results, effects, order, log, streams
    }

    /// What the rule finds after a change.
    private static func found(
        _ rule: Rule,
        _ change: (inout FaultEvidence) -> Void
    ) -> [String] {
        var evidence = Self.sound()
        change(&evidence)
        let audit = FaultAudit(evidence)
        return switch rule {
        case .ended: audit.ended()
        case .results: audit.results()
        case .effects: audit.effects()
        case .order: audit.order()
        case .log: audit.log()
        case .streams: audit.streams()
        }
    }

    @Test("nothing is found where every rule was kept")
    func soundness() {
        #expect(FaultAudit(Self.sound()).breaches == [])
    }

    @Test("a run that is open, failed, lost or there twice is found")
    func ended() {
        #expect(Self.found(.ended) { $0.runs[0].status = "running" }.count == 1)
        let failed = Self.found(.ended) {
            $0.runs[0].status = "failed"
            $0.runs[0].failure = "because"
        }
        #expect(failed == ["run \(RunID(1)) is failed: because"])
        #expect(Self.found(.ended) { $0.runs.removeLast() }.count == 1)
        #expect(Self.found(.ended) { $0.ordered["\(RunID(1))"] = nil }.count == 1)
    }

    @Test("a step with two accepted results, or none, is found")
    func results() {
        let two = Self.found(.results) {
            $0.steps.append(Self.step(1, "s0", 2, "succeeded"))
        }
        #expect(two == ["step s0 of run \(RunID(1)) has 2 accepted results"])
        #expect(Self.found(.results) { $0.steps.removeFirst() }.count == 1)
        #expect(Self.found(.results) { $0.steps[0].step = "x" }.count == 2)
    }

    @Test("an effect twice is found unless it is idempotent and an attempt was cut off")
    func effects() {
        let id = RunID(1)
        let twice: (inout FaultEvidence) -> Void = {
            $0.lines["l0"]?.insert("l0 \(id) s0 1", at: 0)
        }
        #expect(
            Self.found(.effects, twice)
                == ["step s0 of run \(id) happened 2 times; 0 attempts were cut off"]
        )
        let allowed = Self.found(.effects) {
            twice(&$0)
            $0.steps[0].attempt = 2
            $0.steps.append(Self.step(1, "s0", 1, "unknown"))
        }
        #expect(allowed == [])
        let destructive = Self.found(.effects) {
            $0.lines["l0"]?.insert("l0 \(id) s2 1", at: 2)
            $0.steps.append(Self.step(1, "s2", 2, "unknown"))
        }
        #expect(destructive.count == 1)
    }

    @Test("an effect that is missing, torn, or in another lane's file is found")
    func strayEffects() {
        #expect(Self.found(.effects) { $0.lines["l0"]?.removeFirst() }.count == 1)
        #expect(
            Self.found(.effects) { $0.lines["l0"]?.append("l0 \(RunID(1)) s") }.count == 1
        )
        #expect(
            Self.found(.effects) { $0.lines["l1"]?.append("l1 \(RunID(1)) s0 1") }.count
                == 1
        )
        #expect(
            Self.found(.effects) { $0.lines["l0"]?.append("l0 \(RunID(1)) s9 1") }.count
                == 1
        )
    }

    @Test("a lane out of order is found in its times, its events and its effects")
    func order() {
        #expect(Self.found(.order) { $0.runs[2].started = 150 }.count == 1)
        #expect(Self.found(.order) { $0.runs[2].firstSequence = 2 }.count == 1)
        let lines = Self.found(.order) { $0.lines["l0"]?.swapAt(1, 2) }
        #expect(lines.count == 1)
        // A later step before an earlier one of the same run.
        #expect(Self.found(.order) { $0.lines["l0"]?.swapAt(0, 1) }.count == 1)
    }

    @Test("a log with a gap, or that tells of a result twice, is found")
    func log() {
        #expect(Self.found(.log) { _ = $0.chunks[1]?.remove(at: 1) }.count == 1)
        let twice = Self.found(.log) { evidence in
            let text = "{\"seq\":7,\"type\":\"run.succeeded\",\"run\":\"\(RunID(1))\"}\n"
            evidence.chunks[1]?.append((first: 7, count: 1, bytes: Array(text.utf8)))
        }
        #expect(twice == ["lane l0 tells 2 times of run.succeeded \(RunID(1)) "])
    }

    @Test("a subscriber with a lost, repeated, late or different event is found")
    func streams() {
        func found(_ change: (inout [(lane: Int64, sequence: Int64)]) -> Void) -> [String] {
            Self.found(.streams) { $0.streams = [Self.stream(of: $0, change)] }
        }
        #expect(found { _ in } == [])
        #expect(found { $0.remove(at: 3) } == ["it lost 1 events"])
        #expect(found { $0.removeLast() } == ["it lost 1 events"])
        #expect(found { $0.append($0[3]) } == ["it had 1 events twice"])
        #expect(found { $0.swapAt(2, 3) } == ["it had 1 events out of order"])
        let other = Self.found(.streams) { $0.streams[0].logs[1]?[20] = 0 }
        #expect(other == ["it had other events of lane 1 than stored"])
    }

    @Test(
        "the same seed gives the same faults, one of each kind first, none twice on a node at once"
    )
    func schedule() {
        let schedules = (1...50).map { seed in
            FaultSchedule(seed: UInt64(seed), nodes: 5, count: 60, pauseMilliseconds: 3_000)
        }
        let again = FaultSchedule(seed: 50, nodes: 5, count: 60, pauseMilliseconds: 3_000)
        #expect(schedules.last == again)
        #expect(Set(schedules).count == 50)
        for schedule in schedules {
            #expect(schedule.faults.count == 60)
            #expect(Set(schedule.faults.prefix(6).map(\.name)) == Set(FaultSchedule.kinds))
            var until: [Int: Int] = [:]
            for fault in schedule.faults {
                guard let node = fault.node else { continue }
                #expect(fault.atMilliseconds >= until[node] ?? 0)
                until[node] = fault.atMilliseconds + fault.lastsMilliseconds
                #expect(until.values.count { $0 > fault.atMilliseconds } <= 3)
            }
        }
    }

    @Test("recovery counts from the loss to the next owner and to the lanes' next claims")
    func recovery() {
        var evidence = FaultEvidence()
        evidence.lanes = [
            FaultEvidence.Lane(id: 1, name: "l0", shard: 10),
            FaultEvidence.Lane(id: 2, name: "l1", shard: 11),
        ]
        evidence.nodes = [
            FaultEvidence.Node(epoch: 1, name: "n1", started: 0),
            FaultEvidence.Node(epoch: 2, name: "n2", started: 0),
            FaultEvidence.Node(epoch: 3, name: "n1", started: 900),
        ]
        func change(_ at: Int64, _ shard: Int64, _ owner: Int64, _ state: String = "running") {
            let generation = Int64(evidence.shardChanges.count { $0.shard == shard })
            evidence.shardChanges.append(
                FaultEvidence.ShardChange(
                    at: at,
                    shard: shard,
                    owner: owner,
                    generation: generation,
                    state: state
                )
            )
        }
        for shard in [10, 11, 12] as [Int64] { change(1, shard, shard == 12 ? 2 : 1) }
        change(150, 10, 0, "free")
        change(200, 10, 2, "assigned")
        change(250, 10, 2)
        change(300, 11, 3)
        evidence.runs = [1, 2].map { lane in
            FaultEvidence.Run(
                id: lane,
                lane: lane,
                plan: "p",
                status: "succeeded",
                failure: "",
                enqueued: 5,
                // The second lane has nothing to do.
                started: 6,
                finished: lane == 1 ? 500 : 50,
                firstSequence: 1,
                lastSequence: 1
            )
        }
        evidence.claims = [
            FaultEvidence.Claim(at: 6, run: 1, lane: 1, owner: 1),
            FaultEvidence.Claim(at: 260, run: 1, lane: 1, owner: 2),
        ]
        let audit = RecoveryAudit(evidence)
        let loss = NodeLoss(node: "n1", at: 100)
        #expect(audit.epoch(of: "n1", at: 100) == 1)
        let kill = audit.kill(loss)
        #expect(kill.shards == [10: 150, 11: 200])
        #expect(kill.lanes == [1: 160])
        #expect(kill.whole == 200 && kill.missing == 0)
        let drain = audit.drain(loss)
        #expect(drain.shards == [10: 100, 11: 0])
        #expect(drain.lanes == [1: 110])
        // The run had ended before the shard was let go: then its end counts, or the next one's order.
        evidence.runs[0].finished = 130
        evidence.runs.append(evidence.runs[0])
        evidence.runs[2].id = 3
        evidence.runs[2].finished = 600
        evidence.claims[1].run = 3
        #expect(RecoveryAudit(evidence).drain(loss).lanes == [1: 130])
        evidence.runs[2].enqueued = 145
        #expect(RecoveryAudit(evidence).drain(loss).lanes == [1: 115])
        // Nobody takes the shard.
        evidence.shardChanges.removeAll { $0.at == 300 }
        #expect(RecoveryAudit(evidence).kill(loss).missing == 1)
    }
}
