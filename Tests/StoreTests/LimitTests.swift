// Decides that limits of lanes hold, against a real server whose time is played.

import PulserIR
import StateMachines
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(3)))
struct LimitTests {
    /// What began, by what the server's clock said before and after.
    private struct Start {
        var lane: Int64
        var key: String
        var before: Int
        var after: Int
    }

    private static func step(_ rate: Rate) -> Int {
        Int((rate.milliseconds * 1_000 + rate.count - 1) / rate.count)
    }

    /// A window in which more began than the rate lets begin; `nil` when there is none.
    private static func excess(_ starts: [Start], _ rate: Rate) -> String? {
        let step = Self.step(rate)
        for (first, start) in starts.enumerated() {
            for (last, end) in starts.enumerated() where last >= first {
                let allowed = (end.after - start.before) / step + Int(rate.burst)
                if last - first + 1 > allowed {
                    return "\(last - first + 1) in \(end.after - start.before) us, \(rate)"
                }
            }
        }
        return nil
    }

    /// Lanes that share a limit, and somebody who claims, ends and lets time pass at random.
    private struct World {
        let bed: StoreBed
        let owner: Owner
        var lanes: [Int64] = []
        var rules: [Int64: LaneRules] = [:]
        var live: [(run: RunID, lane: Int64, key: String)] = []
        var starts: [Start] = []
        var cursors: [Int64: String] = [:]

        func now() async throws -> Int { try await self.bed.number("SELECT rate_now()") }

        func pass(_ microseconds: Int) async throws {
            try await self.bed.text(
                "UPDATE played.base SET at = at + \(microseconds) * interval '1 us'"
            )
        }

        func busy(_ lane: Int64) -> [QueueKey: Int] {
            self.live.filter { $0.lane == lane && !$0.key.isEmpty }
                .reduce(into: [:]) { $0[QueueKey($1.key), default: 0] += 1 }
        }

        mutating func claim(_ lane: Int64, _ room: Int) async throws -> Int {
            var want = try await self.owner.want(lane, room: room)
            want.busy = self.busy(lane)
            want.cursor.key = self.cursors[lane] ?? ""
            let before = try await self.now()
            let claimed = try await self.owner.writer.claim([want])
            let after = try await self.now()
            #expect(claimed.count <= room)
            for run in claimed {
                self.live.append((run.fence.run, lane, run.key))
                self.starts.append(Start(lane: lane, key: run.key, before: before, after: after))
            }
            let at = want.cursor.key
            let last = claimed.map(\.key).max { ($0 <= at ? 1 : 0, $0) < ($1 <= at ? 1 : 0, $1) }
            if let last { self.cursors[lane] = last }
            if let width = self.rules[lane]?.keyWidth {
                #expect(self.busy(lane).values.allSatisfy { $0 <= width })
            }
            return claimed.count
        }

        mutating func end(_ index: Int) async throws {
            let run = self.live.remove(at: index).run
            try await self.bed.text("DELETE FROM run WHERE id = \(run.number)")
        }
    }

    private static func rate(_ random: inout SeededGenerator) -> Rate? {
        guard Bool.random(using: &random) else { return nil }
        return Rate(
            count: Int64.random(in: 1...7, using: &random),
            milliseconds: Int64.random(in: 1...3_000, using: &random),
            burst: Int64.random(in: 1...4, using: &random)
        )
    }

    @Test(
        "no rate and no width of a key is ever exceeded, and what waits is told when it can begin",
        arguments: 0..<12
    )
    func histories(seed: Int) async throws {
        try await StoreBed.withPlayedTime { bed in
            try await Owner.with(bed) { owner in
                var random = SeededGenerator(seed: UInt64(seed))
                var world = World(bed: bed, owner: owner)
                let shared = Rate(count: 3, milliseconds: 1_000, burst: 2)
                _ = try await bed.store.setLimit("shared", try #require(shared))
                for name in ["a", "b"] {
                    let lane = try await bed.store.ensureLane(session: "default", lane: name)
                    var rules = LaneRules()
                    rules.keyWidth = Bool.random(using: &random) ? 2 : nil
                    rules.rate = Self.rate(&random)
                    rules.keyRate = Self.rate(&random)
                    rules.limits = ["shared"]
                    _ = try await bed.store.updateLane(lane, width: 8, rules: rules)
                    world.lanes.append(lane)
                    world.rules[lane] = rules
                }
                for _ in 0..<60 {
                    let lane = world.lanes[Int.random(in: 0...1, using: &random)]
                    switch Int.random(in: 0..<5, using: &random) {
                    case 0:
                        let runs = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                            NewRun(
                                lane: lane,
                                planDigest: samplePlan.digest,
                                key: ["", "x", "y", "z"][Int.random(in: 0...3, using: &random)]
                            )
                        }
                        _ = try await bed.store.enqueue(runs, plans: [samplePlan])
                    case 1 where !world.live.isEmpty:
                        try await world.end(Int.random(in: 0..<world.live.count, using: &random))
                    case 2: try await world.pass(Int.random(in: 1...900_000, using: &random))
                    default: _ = try await world.claim(lane, Int.random(in: 1...6, using: &random))
                    }
                }
                try await self.drain(&world)
                for lane in world.lanes {
                    let own = world.starts.filter { $0.lane == lane }
                    if let rate = world.rules[lane]?.rate {
                        #expect(Self.excess(own, rate) == nil, "seed \(seed)")
                    }
                    guard let rate = world.rules[lane]?.keyRate else { continue }
                    for key in ["x", "y", "z"] {
                        let starts = own.filter { $0.key == key }
                        #expect(Self.excess(starts, rate) == nil, "seed \(seed), key \(key)")
                    }
                }
                #expect(Self.excess(world.starts, try #require(shared)) == nil, "seed \(seed)")
            }
        }
    }

    /// Everything begins that was queued: whenever a lane says how long it waits, it gets a run then.
    private func drain(_ world: inout World) async throws {
        for lane in world.lanes {
            var last = LaneWait.Scope.key
            while true {
                let ready = try await world.bed.number(
                    "SELECT count(*) FROM run WHERE lane_id = \(lane) AND status = 'queued'"
                )
                if ready == 0 { break }
                let wait = try await world.bed.store.laneWait(lane, busy: world.busy(lane))
                guard let wait else {
                    let full = world.live.firstIndex { $0.lane == lane }
                    try await world.end(try #require(full, "nothing holds lane \(lane) up"))
                    continue
                }
                try await world.pass(Int(wait.time / .microseconds(1)))
                let taken = try await world.claim(lane, 8)
                // Behind a lane's rate there may be its keys' rates, and no third.
                #expect(taken > 0 || wait.scope != .key && last != wait.scope, "\(wait)")
                last = taken > 0 ? .key : wait.scope
            }
        }
    }

    @Test("claimers at once never get more than a rate lets begin, nor more of a limit they share")
    func together() async throws {
        try await StoreBed.withPlayedTime { bed in
            try await Owner.with(bed) { owner in
                let rate = try #require(Rate("1/h:5"))
                _ = try await bed.store.setLimit("shared", rate)
                var lanes: [Int64] = []
                for name in ["a", "b", "c", "d"] {
                    let lane = try await bed.store.ensureLane(session: "default", lane: name)
                    var rules = LaneRules()
                    if name == "a" { rules.rate = Rate("1/h:3") } else { rules.limits = ["shared"] }
                    _ = try await bed.store.updateLane(lane, rules: rules)
                    _ = try await bed.enqueue(20, lane: lane)
                    lanes.append(lane)
                }
                let writers =
                    [owner.writer]
                    + (0..<3).map { _ in
                        WriterActor(store: bed.store, node: owner.node)
                    }
                let taken = try await withThrowingTaskGroup(of: [ClaimedRun].self) { group in
                    for writer in writers.dropFirst() {
                        group.addTask {
                            try? await writer.run()
                            return []
                        }
                    }
                    for number in 0..<16 {
                        let lane = lanes[number % 4]
                        group.addTask {
                            var want = try await owner.want(lane, room: 4)
                            want.busy = [:]
                            return try await writers[number / 4].claim([want])
                        }
                    }
                    var taken: [ClaimedRun] = []
                    for _ in 0..<16 { taken += try await group.next() ?? [] }
                    group.cancelAll()
                    return taken
                }
                #expect(taken.count { $0.fence.lane == lanes[0] } == 3)
                #expect(taken.count { $0.fence.lane != lanes[0] } == 5)
            }
        }
    }

    @Test("who does not know that a lane has limits, or paused keys, gets none of its runs")
    func unaware() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let runs = ["a", "b"].map {
                    NewRun(lane: lane, planDigest: samplePlan.digest, key: $0)
                }
                let ids = try await bed.store.enqueue(runs, plans: [samplePlan])
                try await bed.store.pauseLane(lane, key: "a", by: "ann", reason: nil)
                var want = try await owner.want(lane, room: 9)
                #expect(try await owner.writer.claim([want]).isEmpty)
                let settings = try await bed.store.readyLanes(of: owner.node)
                #expect(settings.map(\.limits.isEmpty) == [false])
                want.busy = [:]
                #expect(try await owner.writer.claim([want]).map(\.fence.run) == [ids[1]])
                #expect(try await bed.store.laneWait(lane, busy: [:]) == nil)
                let paused = try await bed.store.pausedKeys(lane: lane, after: nil, limit: 9)
                #expect(paused.keys.map(\.key) == ["a"] && paused.next == nil)
                #expect(try await bed.store.resumeLane(lane, key: "a"))
                want.busy = nil
                #expect(try await owner.writer.claim([want]).map(\.fence.run) == [ids[0]])
            }
        }
    }

    @Test("keys that only look alike are two: each may have as many runs as a key's width")
    func lookAlike() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                var rules = LaneRules()
                rules.keyWidth = 1
                _ = try await bed.store.updateLane(lane, width: 9, rules: rules)
                let keys = ["é", "e\u{301}", "é", "e\u{301}"]
                let runs = keys.map {
                    NewRun(lane: lane, planDigest: samplePlan.digest, key: $0)
                }
                let ids = try await bed.store.enqueue(runs, plans: [samplePlan])
                var counts = KeysMachine()
                var want = try await owner.want(lane, room: 9)
                want.busy = [:]
                let first = try await owner.writer.claim([want])
                #expect(first.map(\.fence.run) == Array(ids.prefix(2)))
                for run in first { counts.note(run.fence.run, key: QueueKey(run.key)) }
                want.busy = counts.busy(of: Set(first.map(\.fence.run)))
                #expect(want.busy == ["é": 1, "e\u{301}": 1])
                #expect(try await owner.writer.claim([want]).isEmpty)
                want.busy = counts.busy(of: [ids[1]])
                #expect(try await owner.writer.claim([want]).map(\.fence.run) == [ids[2]])
            }
        }
    }

    @Test(
        "keys of a lane with limits take turns: none waits longer than one round",
        arguments: 0..<4
    )
    func turns(seed: Int) async throws {
        try await StoreBed.withPlayedTime { bed in
            try await Owner.with(bed) { owner in
                var random = SeededGenerator(seed: UInt64(seed))
                var world = World(bed: bed, owner: owner)
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                var rules = LaneRules()
                rules.keyWidth = 3
                _ = try await bed.store.updateLane(lane, rules: rules)
                world.rules[lane] = rules
                let keys = ["noisy", "q1", "q2", "q3", "q4"]
                let runs = keys.flatMap { key in
                    Array(repeating: key, count: key == "noisy" ? 200 : 12).map {
                        NewRun(lane: lane, planDigest: samplePlan.digest, key: $0)
                    }
                }
                _ = try await bed.store.enqueue(runs, plans: [samplePlan])
                while world.starts.count < 50 {
                    _ = try await world.claim(lane, Int.random(in: 1...4, using: &random))
                    let counts = keys.map { key in world.starts.count { $0.key == key } }
                    let spread = (counts.max() ?? 0) - (counts.min() ?? 0)
                    #expect(spread <= 1, "seed \(seed): \(counts)")
                    while !world.live.isEmpty { try await world.end(0) }
                }
            }
        }
    }

    @Test("a run that limits hold up says which of them, and until when")
    func standing() async throws {
        try await StoreBed.withPlayedTime { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                var rules = LaneRules()
                rules.keyWidth = 1
                rules.keyRate = Rate("1/h")
                _ = try await bed.store.updateLane(lane, width: 9, rules: rules)
                let runs = (0..<2).map { _ in
                    NewRun(lane: lane, planDigest: samplePlan.digest, key: "a")
                }
                let ids = try await bed.store.enqueue(runs, plans: [samplePlan])
                var want = try await owner.want(lane, room: 9)
                want.busy = [:]
                #expect(try await owner.writer.claim([want]).map(\.fence.run) == [ids[0]])
                let full = try await bed.store.standing(of: ids[1])
                #expect(full.gate == .keyFull && full.keyActive == 1)
                try await bed.text("DELETE FROM run WHERE id = \(ids[0].number)")
                let slow = try await bed.store.standing(of: ids[1])
                #expect(slow.gate == .rateLimited && slow.rateWait?.scope == .key)
                _ = try await bed.store.setLimit("bank", try #require(Rate("1/d")))
                rules = LaneRules()
                rules.limits = ["bank"]
                _ = try await bed.store.updateLane(lane, rules: rules)
                #expect(try await bed.store.standing(of: ids[1]).gate == .ready)
                // Who is paused waits for no time that could be over.
                #expect(try await bed.store.laneWait(lane, busy: [:]) != nil)
                try await bed.store.pauseLane(lane, by: "ann", reason: "audit")
                #expect(try await bed.store.laneWait(lane, busy: [:]) == nil)
                try await bed.store.resumeLane(lane)
                try await bed.store.pauseLane(lane, key: "a", by: "ann", reason: "audit")
                let paused = try await bed.store.standing(of: ids[1])
                #expect(paused.gate == .keyPaused && paused.lanePause?.reason == "audit")
            }
        }
    }

    @Test("a lane's rules are kept, compared when edited, and name only limits that there are")
    func rules() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let before = try #require(try await bed.store.loadLanes([lane]).first)
            #expect(before.rules == LaneRules() && before.settings.limits.isEmpty)
            var rules = LaneRules()
            rules.keyWidth = 2
            rules.rate = Rate("5/s:2")
            rules.keyRate = Rate("1/m")
            rules.ageingMilliseconds = nil
            let set = try await bed.store.updateLane(lane, rules: rules, expected: before)
            #expect(set.rules == rules && !set.settings.limits.isEmpty)
            let stale = await code {
                _ = try await bed.store.updateLane(lane, width: 2, expected: before)
            }
            #expect(stale == .conflict)
            rules.limits = ["bank"]
            let unknown = await code { _ = try await bed.store.updateLane(lane, rules: rules) }
            #expect(unknown == .notFound)
            _ = try await bed.store.setLimit("bank", try #require(Rate("9/m")))
            let named = try await bed.store.updateLane(lane, rules: rules)
            #expect(named.rules.limits == ["bank"])
            #expect(await code { try await bed.store.deleteLimit("bank") } == .conflict)
            let changed = try await bed.store.setLimit("bank", try #require(Rate("8/m")))
            #expect(changed.lanes == 1 && changed.rate == Rate("8/m"))
            let now = try #require(try await bed.store.loadLanes([lane]).first)
            #expect(now.settings.limits != named.settings.limits, "its owner sees the change")
            _ = try await bed.store.updateLane(lane, rules: LaneRules())
            try await bed.store.deleteLimit("bank")
            #expect(await code { _ = try await bed.store.limit("bank") } == .notFound)
        }
    }
}
