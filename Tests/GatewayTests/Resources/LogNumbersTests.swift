// Decides that the numbers of wanted lines are those that reading all lines finds.

import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite("Numbers of a log's lines", .timeLimit(.minutes(3)))
struct LogNumbersTests {
    /// Writes lines of one run, between events that are none.
    private func write(_ bed: GatewayBed, _ lines: [String]) async throws -> RunID {
        let ids = try await bed.store.manyRuns(1, lane: "wide")
        let lane = try await bed.store.ensureLane(session: "default", lane: "wide")
        try await TestNode.with(bed.store) { node in
            let (runs, log) = try await node.claim(lane, room: 1)
            let run = try #require(runs.first)
            let first = log.nextSequence
            for (number, line) in lines.enumerated() {
                let data: [String: JSONValue] = [
                    "stream": .string(number % 10 == 9 ? "stderr" : "stdout"),
                    "line": .string(line),
                ]
                log.append(
                    RunEvent(
                        .stepOutput,
                        at: Int64(number),
                        run: run.fence.run,
                        step: number % 2 == 0 ? "a" : "b",
                        attempt: number < lines.count / 2 ? 1 : 2,
                        data: .object(data)
                    )
                )
                if number % 7 == 0 { log.append(RunEvent(.stepStarted, at: 0, run: run.fence.run)) }
                if number % 1_000 == 999 {
                    try await node.writer.submit([], fence: run.fence, log: log)
                }
            }
            try await node.end(run, log, .succeeded, first: first)
        }
        return ids[0]
    }

    private func ranges(_ numbers: [Int]) -> JSONValue {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound == number - 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return .array(
            ranges.map { .array([.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))]) }
        )
    }

    @Test("counts and ranges equal a reading of all lines")
    func equal() async throws {
        try await GatewayBed.with { bed in
            let lines = (1...3_000).map { number in
                number % 13 < 3 ? "\u{1B}[31mERROR\u{1B}[0m disk \(number)" : "info line \(number)"
            }
            let run = try await self.write(bed, lines)
            let numbers = Array(1...3_000)
            let cases: [(String, [Int])] = [
                ("", numbers), ("?level=error", numbers.filter { $0 % 13 < 3 }),
                ("?level=info,none", numbers.filter { $0 % 13 >= 3 }),
                ("?q=ERROR%20disk", numbers.filter { $0 % 13 < 3 }),
                ("?q=line%20%5Cd*7$&regex", numbers.filter { $0 % 13 >= 3 && $0 % 10 == 7 }),
                ("?source=stderr", numbers.filter { $0 % 10 == 0 }),
                ("?source=b&attempt=2", numbers.filter { $0 % 2 == 0 && $0 > 1_500 }),
                ("?q=nowhere", []),
                ("?from=2900&level=error", numbers.filter { $0 > 2_899 && $0 % 13 < 3 }),
            ]
            for (query, wanted) in cases {
                let json = try await bed.get("/v1/runs/\(run)/log/numbers\(query)").json
                #expect(json["total"] == .integer(3_000), "\(query)")
                #expect(json["hits"] == .integer(Int64(wanted.count)), "\(query)")
                #expect(json["ranges"] == self.ranges(wanted), "\(query)")
                #expect(json["is_more"] == .bool(false), "\(query)")
                #expect(json["next"] == .null, "\(query)")
            }
            for bad in ["?q=", "?q=(&regex=true", "?level=loud", "?from=0", "?colour=red"] {
                let answer = try await bed.get("/v1/runs/\(run)/log/numbers\(bad)")
                #expect(answer.status == 400, "\(bad)")
            }
        }
    }

    @Test("what one answer cannot hold is told from where it says to go on")
    func goesOn() async throws {
        try await GatewayBed.with { bed in
            let lines = (1...45_000).map { $0 % 2 == 0 ? "x" : "y" }
            let run = try await self.write(bed, lines)
            var first: [Int64] = []
            var next: Int64? = 1
            var answers = 0
            while let from = next {
                let path = "/v1/runs/\(run)/log/numbers?q=x&from=\(from)"
                let json = try await bed.get(path).json
                answers += 1
                let ranges = json["ranges"]?.arrayValue ?? []
                #expect(ranges.count <= LogReader.rangesMax)
                first += ranges.compactMap { $0.arrayValue?.first?.integerValue }
                next = json["next"]?.integerValue
                #expect(json["is_more"] == .bool(next != nil))
                if answers == 1 { #expect(json["hits"] == .integer(22_500)) }
            }
            #expect(answers == 2)
            #expect(first == (1...22_500).map { Int64($0 * 2) })
            let row = try await bed.store.run(run)
            var reader = LogReader(store: bed.store, index: LogIndex())
            reader.budget.bytes = 1
            let part = try await reader.numbers(row, nil, from: 1, filter: LogFilter())
            #expect(part.next == part.total + 1)
            #expect(part.total < 45_000)
        }
    }

    @Test("a run that has not begun has no lines")
    func empty() async throws {
        try await GatewayBed.with { bed in
            let run = try await bed.run()
            let json = try await bed.get("/v1/runs/\(run)/log/numbers").json
            #expect(json["total"] == .integer(0))
            #expect(json["ranges"] == .array([]))
            #expect(json["is_more"] == .bool(false))
        }
    }
}
