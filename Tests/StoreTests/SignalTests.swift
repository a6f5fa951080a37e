// Decides what becomes of signals, whenever they come and whoever waits, against a real server.

import PulserIR
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(3)))
struct SignalTests {
    @Test("a signal that comes before anybody waits is there for whoever does")
    func early() async throws {
        try await WaitBed.with { bed in
            #expect(try await bed.send("go", #"{"n":1}"#).row.sequence == 1)
            #expect(try await bed.send("go", #"{"n":2}"#).row.sequence == 2)
            #expect(try await bed.send("other").row.sequence == 3)
            try await bed.begin("a")
            let look = try await bed.take("go", "a")
            #expect(look.signal?.payload == #"{"n":1}"#)
            #expect(look.signal?.takenStep == "a")
            #expect(look.leftMilliseconds == nil)
            try await bed.begin("b")
            #expect(try await bed.take("go", "b").signal?.payload == #"{"n":2}"#)
            try await bed.begin("c")
            #expect(try await bed.take("go", "c").signal == nil)
            let rows = try await bed.store.signals(bed.run, limit: 10)
            #expect(rows.map(\.takenStep) == ["a", "b", nil])
        }
    }

    @Test("a signal waits in a queued run, and reaches it through any number of owners")
    func queued() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let run = try await bed.enqueue(1, lane: lane)[0]
            _ = try await bed.store.send(
                NewSignal(run: run, name: "go", payload: "7", sender: "anna\0")
            )
            try await WaitBed.with(bed) { bed in
                #expect(bed.run == run)
                let fence = try await bed.takenOver()
                try await bed.begin("a", fence: fence)
                let taken = try await bed.take("go", "a", fence: fence).signal
                #expect(taken?.payload == "7")
                #expect(taken?.sentBy == "anna\u{FFFD}")
                // The next owner finds what this one took.
                let next = try await bed.takenOver()
                #expect(try await bed.take("go", "a", fence: next).signal == taken)
            }
        }
    }

    @Test("an owner that lost the run takes nothing, nor does a node that lost the shard")
    func fenced() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.send("go")
            try await bed.begin("a")
            let fence = try await bed.takenOver()
            #expect(await code { _ = try await bed.take("go", "a") } == .stale)
            try await bed.bed.text("UPDATE shard SET generation = generation + 1")
            #expect(await code { _ = try await bed.take("go", "a", fence: fence) } == .stale)
            #expect(try await bed.store.signals(bed.run, limit: 9)[0].takenStep == nil)
        }
    }

    @Test("an attempt without an intent on record takes nothing")
    func withoutIntent() async throws {
        try await WaitBed.with { bed in
            _ = try await bed.send("go")
            #expect(await code { _ = try await bed.take("go", "a") } == .stale)
            #expect(try await bed.store.signals(bed.run, limit: 9)[0].takenStep == nil)
        }
    }

    @Test("the same key is the same signal; another signal under it is refused")
    func keys() async throws {
        try await WaitBed.with { bed in
            let first = try await bed.send("go", "1", key: "k")
            let again = try await bed.send("go", "1", key: "k")
            #expect(!first.isReplay && again.isReplay)
            #expect(first.row == again.row)
            #expect(await code { _ = try await bed.send("go", "2", key: "k") } == .conflict)
            #expect(await code { _ = try await bed.send("stop", "1", key: "k") } == .conflict)
            #expect(try await bed.send("go", "1", key: "l").row.sequence == 2)
        }
    }

    @Test("a run that has ended gets no signals, one that nobody knows neither")
    func ended() async throws {
        try await WaitBed.with { bed in
            try await bed.owner.writer.submit(
                [.transition(transition(.succeeded))],
                fence: bed.fence,
                log: bed.log
            )
            #expect(await code { _ = try await bed.send("go") } == .conflict)
            let nobody = NewSignal(run: RunID(999), name: "go", payload: "1", sender: "x")
            #expect(await code { _ = try await bed.store.send(nobody) } == .notFound)
        }
    }

    @Test("so many signals wait in a run, and no more")
    func bound() async throws {
        try await WaitBed.with { bed in
            try await bed.bed.text(
                """
                INSERT INTO signal (run_id, seq, name, payload, sent_by)
                SELECT \(bed.run.number), n, 'go', 'null', 'x'
                FROM generate_series(1, \(Limits.signalsOpenMax)) n
                """
            )
            #expect(await code { _ = try await bed.send("go") } == .conflict)
            try await bed.begin("a")
            #expect(try await bed.take("go", "a").signal?.sequence == 1)
            #expect(
                try await bed.send("go").row.sequence == Int64(Limits.signalsOpenMax) + 1
            )
        }
    }

    @Test("what comes after the wait's time does not count for it, and stays for the next one")
    func late() async throws {
        try await StoreBed.withPlayedTime { bed in
            try await WaitBed.with(bed) { bed in
                try await bed.begin("a")
                let look = try await bed.take("go", "a", within: 60_000)
                #expect(look.signal == nil)
                #expect((look.leftMilliseconds ?? 0) > 59_000)
                _ = try await bed.send("go", "1")
                try await bed.pass(61)
                _ = try await bed.send("go", "2")
                // The node was away when the first one came: it came in time.
                #expect(try await bed.take("go", "a", within: 60_000).signal?.payload == "1")
                try await bed.begin("b")
                #expect(try await bed.take("go", "b", within: 60_000).signal?.payload == "2")
                try await bed.begin("c")
                try await bed.pass(61)
                _ = try await bed.send("go", "3")
                let over = try await bed.take("go", "c", within: 60_000)
                #expect(over.signal == nil)
                #expect((over.leftMilliseconds ?? 1) <= 0)
                try await bed.begin("d")
                #expect(try await bed.take("go", "d").signal?.payload == "3")
            }
        }
    }

    @Test("two steps that wait for one name at once take two signals")
    func parallel() async throws {
        try await WaitBed.with { bed in
            for step in 0..<8 { try await bed.begin("s\(step)") }
            for number in 0..<8 { _ = try await bed.send("go", "\(number)") }
            let taken = try await withThrowingTaskGroup(of: String?.self) { group in
                for step in 0..<8 {
                    group.addTask { try await bed.take("go", "s\(step)").signal?.payload }
                }
                return try await group.reduce(into: Set<String>()) { set, text in
                    if let text { set.insert(text) }
                }
            }
            #expect(taken.count == 8)
        }
    }

    @Test("senders at once get numbers without gaps, and a key at once makes one signal")
    func sendersAtOnce() async throws {
        try await WaitBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { _ = try await bed.send("go", "\(number)") }
                    group.addTask { _ = try await bed.send("once", "0", key: "k") }
                }
                try await group.waitForAll()
            }
            let rows = try await bed.store.signals(bed.run, limit: 100)
            #expect(rows.map(\.sequence) == Array(1...21))
            #expect(rows.count { $0.name == "once" } == 1)
        }
    }

    @Test("whatever the order of signals, waits and takeovers, each is taken once and none is lost")
    func histories() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<12 {
            let ops = (0..<40).map { _ in Int.random(in: 0..<10, using: &random) }
            let names = (0..<40).map { _ in random.pick(["x", "y"]) }
            try await WaitBed.with { bed in
                try await Self.play(ops, names, bed, seed)
            }
        }
    }

    /// Plays one history: signals with and without keys, waits of both names that go on after a
    /// takeover, and owners that do not know that they were taken over.
    private static func play(
        _ ops: [Int],
        _ names: [String],
        _ bed: WaitBed,
        _ seed: UInt64
    ) async throws {
        var fence = bed.fence
        var old: [RunFence] = []
        var sent: [String: Int] = [:]
        var waiting: [(step: String, name: String)] = []
        var got: [String: Int64] = [:]
        for (index, op) in ops.enumerated() {
            let name = names[index]
            switch op {
            case 0...3:
                let key = op == 0 ? "k\(index / 8)\(name)" : nil
                if try await !bed.send(name, "0", key: key).isReplay { sent[name, default: 0] += 1 }
            case 4...5:
                let step = "s\(index)"
                try await bed.begin(step, fence: fence)
                waiting.append((step, name))
            case 6:
                old.append(fence)
                fence = try await bed.takenOver()
            case 7:
                guard let stale = old.last, let wait = waiting.first else { continue }
                let lost = stale
                #expect(
                    await code { _ = try await bed.take(wait.name, wait.step, fence: lost) }
                        == .stale,
                    "seed \(seed)"
                )
            default:
                for wait in waiting {
                    let look = try await bed.take(wait.name, wait.step, fence: fence)
                    guard let signal = look.signal else { continue }
                    #expect(signal.name == wait.name, "seed \(seed)")
                    #expect(got[wait.step] ?? signal.sequence == signal.sequence, "seed \(seed)")
                    got[wait.step] = signal.sequence
                }
            }
        }
        // The end: everybody looks once more, then more wait than there are signals.
        for index in 0..<(ops.count * 2) {
            let step = "e\(index)"
            try await bed.begin(step, fence: fence)
            waiting.append((step, index.isMultiple(of: 2) ? "x" : "y"))
        }
        for wait in waiting {
            let look = try await bed.take(wait.name, wait.step, fence: fence)
            if let signal = look.signal { got[wait.step] = signal.sequence }
        }
        let rows = try await bed.store.signals(bed.run, limit: 1_000)
        #expect(rows.count == sent.values.reduce(0, +), "seed \(seed)")
        #expect(rows.allSatisfy { $0.takenStep != nil }, "seed \(seed)")
        #expect(Set(got.values).count == got.count, "seed \(seed)")
        #expect(got.count == rows.count, "seed \(seed)")
    }
}
