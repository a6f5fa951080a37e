// Decides what a follower of a stream tells, where it goes on, and when it gives up.

import StateMachines
import TestKit
import Testing

@testable import opsroom

@Suite struct StreamMachineTests {
    private static let epoch = "0123abcd"

    private static func cursor(_ positions: [Int64: Int64]) -> String {
        StreamCursor(epoch: Self.epoch, positions: LanePositions(positions)).text
    }

    private static func event(
        _ lane: Int64,
        _ sequence: Int64,
        _ id: [Int64: Int64]? = nil
    ) -> StreamMessage {
        StreamMessage(
            id: id.map(Self.cursor),
            data: "{\"lane\":\(lane),\"seq\":\(sequence),\"type\":\"step.output\"}"
        )
    }

    private static func isTold(_ news: StreamMachine.News) -> Bool {
        if case .event = news { true } else { false }
    }

    @Test("an event that comes again is not told again, whether it carries an id or not")
    func duplicates() {
        var machine = StreamMachine(patience: .seconds(1))
        #expect(Self.isTold(machine.take(Self.event(1, 5, [1: 5, 2: 3]))))
        #expect(!Self.isTold(machine.take(Self.event(1, 5, [1: 5, 2: 3]))))
        #expect(Self.isTold(machine.take(Self.event(2, 4))))
        #expect(!Self.isTold(machine.take(Self.event(2, 4))))
        #expect(!Self.isTold(machine.take(Self.event(1, 2))))
        #expect(machine.cursor == Self.cursor([1: 5, 2: 4]))
    }

    @Test("whatever is lost between two ids is asked for again, and told once")
    func randomLosses() {
        for seed in UInt64(1)...200 {
            var numbers = SeededGenerator(seed: seed)
            var log: [(lane: Int64, sequence: Int64)] = []
            var heads: [Int64: Int64] = [:]
            for _ in 0..<60 {
                let lane = Int64.random(in: 1...3, using: &numbers)
                heads[lane, default: 0] += 1
                log.append((lane, heads[lane] ?? 0))
            }
            let isMarked = (0..<60).map { _ in Bool.random(using: &numbers) }
            var machine = StreamMachine(
                cursor: Self.cursor([:]),
                patience: .seconds(1)
            )
            var told: [String] = []
            var isComplete = false
            while !isComplete {
                // The server begins behind the cursor: it goes by lane and number, not by place.
                let known = machine.cursor.flatMap { StreamCursor($0) }?.positions
                let repeated = Int.random(in: 0...2, using: &numbers)
                var place = LanePositions()
                isComplete = true
                for (index, entry) in log.enumerated() {
                    place[entry.lane] = entry.sequence
                    let behind = known.map { entry.sequence <= $0[entry.lane] - Int64(repeated) }
                    if behind ?? false { continue }
                    if Int.random(in: 0..<20, using: &numbers) == 0 {
                        isComplete = false
                        break
                    }
                    let id = isMarked[index] ? place.later(known ?? LanePositions()) : nil
                    let message = StreamMessage(
                        id: id.map { StreamCursor(epoch: Self.epoch, positions: $0).text },
                        data: "{\"lane\":\(entry.lane),\"seq\":\(entry.sequence)}"
                    )
                    if case .event(let line) = machine.take(message) { told.append(line) }
                }
            }
            #expect(told.count == Set(told).count, "seed \(seed)")
            for lane in Int64(1)...3 {
                let lines = told.filter { $0.hasPrefix("{\"lane\":\(lane),") }
                let wanted = log.filter { $0.lane == lane }
                    .map { "{\"lane\":\(lane),\"seq\":\($0.sequence)}" }
                #expect(lines == wanted, "seed \(seed)")
            }
        }
    }

    @Test("a reset is told, and what follows begins anew")
    func reset() {
        var machine = StreamMachine(cursor: Self.cursor([1: 50]), patience: .seconds(1))
        let news = machine.take(StreamMessage(event: "reset", data: #"{"reason":"epoch"}"#))
        guard case .reset(_, let reason) = news else {
            Issue.record("\(news) is no reset")
            return
        }
        #expect(reason == "epoch")
        #expect(machine.cursor == nil)
        #expect(Self.isTold(machine.take(Self.event(1, 7, [1: 7]))))
    }

    @Test("a gap says how many events are left out")
    func gap() {
        var machine = StreamMachine(patience: .seconds(1))
        let frame = StreamMessage(event: "gap", data: #"{"lane":1,"from":4,"to":9,"count":6}"#)
        guard case .gap(_, let count) = machine.take(frame) else {
            Issue.record("no gap")
            return
        }
        #expect(count == 6)
    }

    @Test("the end of a stream tells how its run ended; a bookmark moves the cursor")
    func ends() {
        var machine = StreamMachine(patience: .seconds(1))
        let cursor = Self.cursor([1: 9])
        let mark = StreamMessage(event: "bookmark", data: "{\"cursor\":\"\(cursor)\"}")
        #expect(machine.take(mark) == .nothing)
        #expect(machine.cursor == cursor)
        let end = StreamMessage(event: "end", data: #"{"status":"failed"}"#)
        #expect(machine.take(end) == .end(status: "failed"))
    }

    @Test("a server that never answered is not tried again; one that did is, until patience ends")
    func patience() {
        let now = ContinuousClock.now
        var machine = StreamMachine(patience: .seconds(60))
        #expect(machine.lost(at: now, isWorthRetrying: true, chance: 0) == .giveUp)
        machine.opened()
        #expect(machine.lost(at: now, isWorthRetrying: false, chance: 0) == .giveUp)
        var pauses: [Duration] = []
        var last = now
        while case .again(let pause) = machine.lost(at: last, isWorthRetrying: true, chance: 1) {
            pauses.append(pause)
            last = last.advanced(by: pause)
        }
        #expect(pauses.first == .milliseconds(100))
        #expect(pauses.max() == .seconds(5))
        #expect(now.duration(to: last) >= .seconds(60))
        #expect(now.duration(to: last) < .seconds(70))
    }

    @Test("a connection that opens and says nothing does not end the outage")
    func emptyConnections() {
        let now = ContinuousClock.now
        var machine = StreamMachine(patience: .seconds(10))
        machine.opened()
        _ = machine.lost(at: now, isWorthRetrying: true, chance: 0)
        machine.opened()
        let late = now.advanced(by: .seconds(11))
        #expect(machine.lost(at: late, isWorthRetrying: true, chance: 0) == .giveUp)
        _ = machine.take(StreamMessage(event: "hello", data: "{}"))
        #expect(machine.lost(at: late, isWorthRetrying: true, chance: 0) != .giveUp)
    }

    @Test("a node that goes away says when to come again")
    func bye() {
        var machine = StreamMachine(patience: .seconds(10))
        machine.opened()
        let bye = StreamMessage(event: "bye", data: #"{"cursor":"0123abcd:0","retry_ms":1500}"#)
        #expect(machine.take(bye) == .bye)
        let remedy = machine.lost(at: .now, isWorthRetrying: true, chance: 0)
        #expect(remedy == .again(after: .milliseconds(1_500)))
    }

    @Test("a stream reads the same however it is cut, with either kind of line end")
    func cuts() {
        let text =
            ": hi\n\nid: a\ndata: 1\n\nevent: gap\ndata: {\"x\":\ndata: 2}\n\nid: b\n\ndata:é\n\n"
        let whole = [
            StreamMessage(id: "a", data: "1"),
            StreamMessage(event: "gap", data: "{\"x\":\n2}"), StreamMessage(id: "b"),
            StreamMessage(data: "é"),
        ]
        for end in ["\n", "\r\n", "\r"] {
            let bytes = Array(text.replacing("\n", with: end).utf8)
            for size in 1...bytes.count {
                var reader = StreamReader()
                var messages: [StreamMessage] = []
                for start in stride(from: 0, to: bytes.count, by: size) {
                    messages += reader.take(bytes[start..<min(start + size, bytes.count)])
                }
                #expect(messages == whole, "pieces of \(size)")
            }
        }
    }

    @Test("a line without end is not kept")
    func overlong() {
        var reader = StreamReader()
        for _ in 0..<5 { _ = reader.take([UInt8](repeating: 0x61, count: 1 << 20)) }
        #expect(reader.isOverlong)
    }
}
