// Decides how the harness cuts streams into frames and judges what a reader got.

import PulserIR
import StateMachines
import TestKit
import Testing

@testable import opsload

/// Frames as a server writes them.
private enum Wire {
    static func event(_ lane: Int64, _ sequence: Int64) -> String {
        "{\"lane\":\(lane),\"seq\":\(sequence),\"at\":\"2026-11-20T12:00:00.250Z\",\"type\":\"x\"}"
    }

    static func bytes(_ form: StreamForm, _ frames: [(name: String?, json: String)]) -> [UInt8] {
        frames.flatMap { name, json -> [UInt8] in
            switch form {
            case .serverSentEvents:
                let head = name.map { "event: \($0)\n" } ?? "id: e:1.1\n"
                return Array("\(head)data: \(json)\n\n:\n\n".utf8)
            case .lines:
                guard let name else { return Array("\(json)\n".utf8) }
                let rest = json == "{}" ? "" : "," + json.dropFirst().dropLast()
                return Array("{\"frame\":\"\(name)\"\(rest)}\n".utf8)
            case .binary:
                let codes = ["hello": 2, "gap": 6, "heartbeat": 8]
                let length = UInt32(json.utf8.count + 1)
                let code = UInt8(name.map { codes[$0] ?? 0 } ?? 1)
                return withUnsafeBytes(of: length.bigEndian) { Array($0) } + [code]
                    + Array(json.utf8)
            }
        }
    }
}

@Suite
struct StreamTests {
    @Test("frames are found wherever the network cut them", arguments: StreamForm.allCases)
    func cutting(_ form: StreamForm) throws {
        let frames: [(name: String?, json: String)] =
            [("hello", "{\"from\":\"e:1.1\"}")]
            + (1...40).map { (nil, Wire.event(7, $0)) } + [("gap", "{\"lane\":7}")]
            + [(nil, Wire.event(8, 1)), ("heartbeat", "{}")]
        let bytes = Wire.bytes(form, frames)
        let wanted = frames.map { $0.name ?? "event" }
        var generator = SeededGenerator(seed: 7)
        for size in [1, 2, 3, 7, 64, bytes.count] {
            var cutter = FrameCutter(form)
            var names: [String] = []
            var heads: [EventHead] = []
            var day = EventHead.Day()
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(
                    rest.prefix(size == 64 ? Int.random(in: 1...64, using: &generator) : size)
                )
                rest = rest.dropFirst(piece.count)
                try piece.withUnsafeBytes { buffer in
                    try cutter.take(buffer) { frame in
                        switch frame {
                        case .event(let json):
                            names.append("event")
                            if let head = EventHead(json, day: &day) { heads.append(head) }
                        case .other(let name, _): names.append(name)
                        }
                    }
                }
            }
            #expect(names == wanted)
            #expect(!cutter.isInside)
            #expect(heads.map(\.sequence) == Array(1...40) + [1])
            #expect(heads.last?.lane == 8)
        }
    }

    @Test("a binary frame of an impossible length is no frame")
    func badLength() {
        var cutter = FrameCutter(.binary)
        #expect(throws: LoadError.self) {
            try [UInt8](repeating: 0, count: 5).withUnsafeBytes { try cutter.take($0) { _ in } }
        }
        #expect(throws: LoadError.self) {
            try [UInt8](repeating: 255, count: 5).withUnsafeBytes { try cutter.take($0) { _ in } }
        }
    }

    @Test("the head of an event is what its writer put there, on any day")
    func head() throws {
        var generator = SeededGenerator(seed: 3)
        var day = EventHead.Day()
        for _ in 0..<2_000 {
            let at = Int64.random(in: 0..<4_102_444_800_000, using: &generator)
            var bytes: [UInt8] = []
            RunEvent(.stepOutput, at: at, run: RunID(1)).write(sequence: 12, to: &bytes)
            let json = Array("{\"lane\":345,".utf8) + bytes.dropFirst()
            let head = json.withUnsafeBytes { EventHead($0, day: &day) }
            #expect(head?.atMilliseconds == at && head?.lane == 345 && head?.sequence == 12)
        }
        let broken = Array("{\"lane\":345,\"seq\":1,\"at\":\"2026\"}".utf8)
        #expect(broken.withUnsafeBytes { EventHead($0, day: &day) } == nil)
    }

    @Test("lost, repeated and late events are told apart")
    func audit() {
        var audit = LaneAudit([(lane: 5, sequence: 10)])
        for sequence: Int64 in [11, 12, 15, 13, 13, 12, 16] {
            audit.take(lane: 5, sequence: sequence)
        }
        #expect(audit.received == 7)
        #expect(audit.reordered == 1)
        #expect(audit.duplicated == 2)
        #expect(audit.passedOver == 1)
        #expect(audit.lost([5: 18]) == 3)
        #expect(audit.lost([5: 16, 6: 2]) == 3)
        audit.take(lane: 5, sequence: 14)
        audit.take(lane: 6, sequence: 1)
        #expect(audit.isComplete([5: 16, 6: 1]))
        #expect(!audit.isComplete([5: 17, 6: 1]))
    }

    @Test("many numbers passed over are counted, and few remembered")
    func holes() {
        var audit = LaneAudit()
        audit.take(lane: 1, sequence: 100_001)
        #expect(audit.lost([1: 100_001]) == 100_000)
    }

    @Test("a reader's place is the text that the product reads, and the other way round")
    func cursor() throws {
        var audit = LaneAudit([(lane: 900, sequence: 35), (lane: 3, sequence: 0)])
        for sequence: Int64 in 1...80 { audit.take(lane: 7, sequence: sequence) }
        let text = audit.cursor(epoch: "abcdefgh")
        let cursor = try #require(StreamCursor(text))
        #expect(cursor.positions == LanePositions([7: 80, 900: 35]))
        let read = try #require(LaneAudit.positions(cursor: cursor.text))
        #expect(read.epoch == "abcdefgh")
        #expect(read.1.map(\.lane) == [7, 900] && read.1.map(\.sequence) == [80, 35])
        #expect(LaneAudit().cursor(epoch: "abcdefgh") == "abcdefgh:0")
        #expect(LaneAudit.positions(cursor: "abcdefgh:0")?.1.isEmpty == true)
        #expect(LaneAudit.positions(cursor: "nonsense") == nil)
    }
}
