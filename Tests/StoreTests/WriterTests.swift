// Decides what a node's writes come to when they are old, repeated or broken, against a real server.

import PulserIR
import Store
import TestKit
import Testing

/// A claimed run with its lane's log.
struct Claimed: Sendable {
    let bed: StoreBed
    let owner: Owner
    let lane: Int64
    let fence: RunFence
    let log: LaneLog

    static func with(_ body: @Sendable (Claimed) async throws -> Void) async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                _ = try await bed.enqueue(1, lane: lane)
                let run = try await owner.claimOne(lane)
                let log = try await owner.log(lane)
                try await body(
                    Claimed(bed: bed, owner: owner, lane: lane, fence: run.fence, log: log)
                )
            }
        }
    }

    func submit(_ writes: [RunWrite]) async throws {
        try await self.owner.writer.submit(writes, fence: self.fence, log: self.log)
    }

    func rows(_ table: String) async throws -> Int {
        try await self.bed.number("SELECT count(*) FROM \(table)")
    }

    func artifact(_ name: String = "f") -> ArtifactRow {
        ArtifactRow(
            step: "a",
            name: name,
            digest: Digest(of: [1]),
            size: 1,
            mediaType: "text/plain",
            content: [1]
        )
    }

    /// Every kind of write.
    var all: [RunWrite] {
        [
            .journal(record("a")), .artifact(self.artifact()), .transition(transition(.succeeded)),
            .event(event(self.fence.run)),
        ]
    }
}

@Suite(.timeLimit(.minutes(2)))
struct WriterTests {
    @Test("a write is stored with its events, and reads back as it was")
    func stored() async throws {
        try await Claimed.with { run in
            var written = record("a", 1, .failed)
            written.result = .object(["text": .string("\0 \u{1F600}")])
            written.outputs = ["n": .integer(1)]
            written.failure = "no"
            written.failureKind = .exit
            try await run.submit([
                .journal(written), .artifact(run.artifact("a\0b")),
                .transition(transition(.running)), .event(event(run.fence.run)),
            ])
            let store = run.bed.store
            #expect(try await store.journal(run.fence.run).map(\.record) == [written])
            #expect(try await store.artifacts(run.fence.run).map(\.name) == ["a\u{FFFD}b"])
            #expect(try await store.run(run.fence.run).status == .running)
            #expect(try await store.events(lane: run.lane, from: 1).map(\.count) == [1])
        }
    }

    @Test("of an artifact whose bytes lie in a folder it is known whose")
    func folder() async throws {
        try await Claimed.with { run in
            var large = run.artifact("large")
            large.content = nil
            try await run.submit([.artifact(run.artifact("small")), .artifact(large)])
            let nodes = try await run.bed.store.view().nodes.map(\.name)
            let rows = try await run.bed.store.artifacts(run.fence.run)
            #expect(rows.map(\.name) == ["large", "small"])
            #expect(rows.map(\.node) == [nodes[0], nil])
            // Made anew it is small, and nobody's.
            try await run.submit([.artifact(run.artifact("large"))])
            #expect(try await run.bed.store.artifacts(run.fence.run).map(\.node) == [nil, nil])
        }
    }

    @Test("a shard at an older generation writes nothing")
    func oldGeneration() async throws {
        try await Claimed.with { run in
            let shard = run.fence.shard.shard
            try await run.bed.text(
                "UPDATE shard SET generation = generation + 1 WHERE shard_id = \(shard)"
            )
            #expect(await code { try await run.submit(run.all) } == .stale)
            for table in ["step_journal", "artifact", "run_events"] {
                #expect(try await run.rows(table) == 0)
            }
            #expect(try await run.bed.store.run(run.fence.run).status == .claimed)
            #expect(run.log.isLost)
            #expect(await code { try await run.submit([]) } == .stale)
        }
    }

    @Test("an older claim writes nothing about its run and is told so; the lane's log stays")
    func oldClaim() async throws {
        try await Claimed.with { run in
            try await run.bed.text("UPDATE run SET claim_no = claim_no + 1")
            for write in run.all.dropLast() {
                #expect(await code { try await run.submit([write]) } == .stale, "\(write)")
            }
            #expect(try await run.rows("run_events") == 0)
            // What tells of such a write says that it was refused, and what came beside it is stored.
            for write in run.all.dropLast() {
                run.log.append(event(RunID(77)))
                let tells = RunWrite.event(event(run.fence.run))
                #expect(await code { try await run.submit([write, tells, tells]) } == .stale)
            }
            let chunks = try await run.bed.store.events(lane: run.lane, from: 1)
            #expect(chunks.map(\.firstSequence) == [1, 4, 7])
            let lines = String(decoding: chunks.flatMap(\.bytes), as: UTF8.self).split(
                separator: "\n"
            )
            let types = try lines.map {
                try JSONValue(parsing: String($0))["type"]?.stringValue ?? ""
            }
            let told = event(RunID(77)).kind.rawValue
            #expect(types == (0..<3).flatMap { _ in [told, "write.refused", "write.refused"] })
            let sequences = try lines.map { try JSONValue(parsing: String($0))["seq"] }
            #expect(sequences == (1...9).map { .integer($0) })
            #expect(try await run.rows("step_journal") == 0)
            #expect(try await run.rows("artifact") == 0)
            #expect(try await run.bed.store.run(run.fence.run).status == .claimed)
            #expect(!run.log.isLost)
        }
    }

    @Test("the first result of an attempt stands; an intent and a note do not")
    func firstResult() async throws {
        try await Claimed.with { run in
            try await run.submit([.journal(record("a", 1, .intent))])
            try await run.submit([.journal(record("a", 1, .succeeded))])
            for state in [StepRecord.State.failed, .intent, .unknown] {
                let refusal = await code { try await run.submit([.journal(record("a", 1, state))]) }
                #expect(refusal == .stale)
            }
            try await run.submit([.journal(record("b", 0, .skipped))])
            try await run.submit([.journal(record("b", 0, .failed))])
            let states = try await run.bed.store.journal(run.fence.run).map(\.record.state)
            #expect(states == [.succeeded, .failed])
        }
    }

    @Test("a commit whose acknowledgement was lost is accepted again and stored once")
    func sentTwice() async throws {
        try await Claimed.with { run in
            try await run.submit(run.all)
            let twin = LaneLog(lane: run.lane, shard: run.fence.shard, nextSequence: 1)
            try await run.owner.writer.submit(run.all, fence: run.fence, log: twin)
            for table in ["step_any", "artifact", "run_events", "run_done"] {
                #expect(try await run.rows(table) == 1)
            }
            #expect(try await run.bed.store.run(run.fence.run).status == .succeeded)
            // Other bytes at the same place are another owner's.
            let stranger = LaneLog(lane: run.lane, shard: run.fence.shard, nextSequence: 1)
            stranger.append(event(RunID(77)))
            let refusal = await code {
                try await run.owner.writer.submit([], fence: run.fence, log: stranger)
            }
            #expect(refusal == .stale)
        }
    }

    @Test("a row that cannot be stored fails alone, whether the server or the wire refuses it")
    func badRow() async throws {
        try await Claimed.with { run in
            // Text with a NUL, and a key too long for its index however it is compressed.
            let bad = ["\0", noise(9_000)]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { try await run.submit([.journal(record("s\(number)"))]) }
                }
                for step in bad {
                    group.addTask {
                        let refusal = await code { try await run.submit([.journal(record(step))]) }
                        #expect(refusal == .server)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await run.rows("step_journal") == 20)
        }
    }

    @Test("more writes than one batch holds are all stored, each with its events")
    func manyBatches() async throws {
        try await Claimed.with { run in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2_500 {
                    group.addTask {
                        try await run.submit([
                            .journal(record("s\(number)")), .event(event(run.fence.run)),
                        ])
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await run.rows("step_journal") == 2_500)
            #expect(try await run.bed.number("SELECT sum(n) FROM run_events") == 2_500)
        }
    }
}

/// Letters that do not compress.
private func noise(_ count: Int) -> String {
    var generator = SeededGenerator(seed: 1)
    return String(
        (0..<count).map { _ in
            Character(UnicodeScalar(UInt8.random(in: 33...126, using: &generator)))
        }
    )
}
