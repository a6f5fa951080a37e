// Zone files mean what Python's zoneinfo says they mean, and no bytes bring the reader down.

import PulserIR
import TestKit
import Testing

@Suite("Time zones")
struct TimeZoneTests {
    @Test("clocks change at the seconds and by the amounts that Python's zoneinfo names")
    func changes() throws {
        var zones: [String: TimeZoneRules] = [:]
        var last: (name: String, second: Int64, offset: Int64)?
        var count = 0
        for line in try ZoneFixtures.changes() {
            let name = String(line[0])
            let zone = try zones[name] ?? ZoneFixtures.zone(name)
            zones[name] = zone
            if line[1] == "end" {
                let before = try #require(last)
                let end = try #require(Int64(line[2]))
                #expect(zone.segment(at: before.second).end >= end, "\(name)")
                last = nil
                continue
            }
            let second = try #require(Int64(line[1]))
            let offset = try #require(Int64(line[2]))
            #expect(zone.offset(at: second) == offset, "\(name) \(second)")
            if let last {
                #expect(zone.segment(at: last.second).end == second, "\(name) \(second)")
                #expect(zone.offset(at: second - 1) == last.offset, "\(name) \(second)")
            }
            last = (name, second, offset)
            count += 1
        }
        #expect(zones.count == ZoneFixtures.names.count)
        #expect(count > 500)
    }

    @Test("stretches meet without a gap, from the first change to far beyond the table")
    func stretches() throws {
        for name in ZoneFixtures.names {
            let zone = try ZoneFixtures.zone(name)
            var segment = zone.segment(at: -5_000_000_000)
            while segment.end < 5_000_000_000 {
                let next = zone.segment(at: segment.end)
                #expect(next.start == segment.end, "\(name) \(segment.end)")
                #expect(zone.segment(at: next.end - 1) == next, "\(name) \(segment.end)")
                #expect(zone.segment(at: segment.start) == segment)
                segment = next
            }
        }
    }

    @Test(
        "a zone without a database, without a name or with a path for a name is refused in a sentence"
    )
    func library() throws {
        let library = TimeZoneLibrary { name throws(ScheduleError) in
            throw ScheduleError("there is no '\(name)'", hint: "install tzdata")
        }
        #expect(try library.zone("UTC") == .utc)
        for name in ["", "/etc/passwd", "../x", "a//b", "a/", "Europe/..", "a b", "ä"] {
            let error = #expect(throws: ScheduleError.self) { try library.zone(name) }
            #expect(error?.message.hasSuffix("is not the name of a time zone") == true, "\(name)")
        }
        let error = #expect(throws: ScheduleError.self) { try library.zone("Europe/Berlin") }
        #expect(error?.description == "there is no 'Europe/Berlin'; install tzdata")
    }

    @Test("a file that is cut off or has other bytes is read as a zone or refused, never more")
    func damage() throws {
        var random = SeededGenerator(seed: 7)
        var refused = 0
        for name in ZoneFixtures.names {
            let file = try ZoneFixtures.file(name)
            for length in 0..<file.count {
                #expect(throws: ScheduleError.self) {
                    try TimeZoneRules(file: Array(file.prefix(length)), name: name)
                }
            }
            for _ in 0..<300 {
                var bytes = file
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                        in: 0...255,
                        using: &random
                    )
                }
                guard let zone = try? TimeZoneRules(file: bytes, name: name) else {
                    refused += 1
                    continue
                }
                for second in [Int64.min, -1_000_000_000, 0, 1_700_000_000, 9_000_000_000, .max] {
                    let segment = zone.segment(at: second)
                    #expect(segment.start < segment.end)
                }
            }
        }
        #expect(refused > 50)
    }
}
