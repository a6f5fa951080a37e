// Decides that pages, tails and searches of a log tell what reading all of it tells.

import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct LogTests {
    private struct Written: Sendable {
        var step: String
        var attempt: Int
        var stream: String
        var text: String
    }

    private static let words = [
        "ERROR disk full", "warning: slow", "info done", "plain", "ünïcode → \u{1F600}",
        "quote \" and \\ back", "DEBUG x=1", "tab\tin", "",
    ]

    /// Two runs of one lane print at once; the first one's lines are told.
    private func write(
        _ bed: GatewayBed,
        _ random: inout SeededGenerator,
        lines: Int
    ) async throws -> (run: RunID, written: [Written]) {
        var plan: [(isOurs: Bool, line: Written)] = []
        for number in 0..<lines {
            plan.append(
                (
                    Int.random(in: 0..<3, using: &random) > 0,
                    Written(
                        step: ["a", "b", "c[\(number % 4)]"].randomElement(using: &random) ?? "a",
                        attempt: Int.random(in: 1...3, using: &random),
                        stream: Bool.random(using: &random) ? "stdout" : "stderr",
                        text: (Self.words.randomElement(using: &random) ?? "") + " \(number)"
                    )
                )
            )
        }
        let script = plan
        let flushEvery = Int.random(in: 1...97, using: &random)
        let ids = try await bed.store.manyRuns(2, lane: "wide")
        let lane = try await bed.store.ensureLane(session: "default", lane: "wide")
        try await TestNode.with(bed.store) { node in
            let (runs, log) = try await node.claim(lane, room: 2)
            let first = log.nextSequence
            let mine = try #require(runs.first { $0.fence.run == ids[0] })
            let other = try #require(runs.first { $0.fence.run == ids[1] })
            for (number, entry) in script.enumerated() {
                let run = entry.isOurs ? mine : other
                log.append(
                    RunEvent(
                        .stepOutput,
                        at: Int64(number),
                        run: run.fence.run,
                        step: entry.line.step,
                        attempt: entry.line.attempt,
                        data: .object([
                            "stream": .string(entry.line.stream), "line": .string(entry.line.text),
                        ])
                    )
                )
                if number % 5 == 0 {
                    log.append(RunEvent(.stepStarted, at: 0, run: run.fence.run, step: "a"))
                }
                if number % flushEvery == 0 {
                    try await node.writer.submit([], fence: run.fence, log: log)
                }
            }
            try await node.end(mine, log, .succeeded, first: first)
            try await node.end(other, log, .failed, first: first)
        }
        return (ids[0], script.filter(\.isOurs).map(\.line))
    }

    @Test("pages from anywhere, with any filter, equal a reading of all lines", arguments: 0..<4)
    func pages(_ seed: UInt64) async throws {
        try await GatewayBed.with { bed in
            var random = SeededGenerator(seed: seed)
            let (run, all) = try await self.write(bed, &random, lines: 2_500)
            let row = try await bed.store.run(run)
            let index = LogIndex(positionsMax: 64, positionsPerRunMax: 16)
            var reader = LogReader(store: bed.store, index: index)
            reader.budget.time = .seconds(120)
            for _ in 0..<60 {
                var filter = LogFilter()
                if Bool.random(using: &random) {
                    filter.attempts = [Int64.random(in: 1...3, using: &random)]
                }
                if Int.random(in: 0..<3, using: &random) == 0 { filter.sources = ["stderr", "c"] }
                if Int.random(in: 0..<3, using: &random) == 0 { filter.levels = [.error, .none] }
                let from = Int64.random(in: -300...Int64(all.count) + 20, using: &random)
                let count = Int.random(in: 1...120, using: &random)
                let start = from == 0 ? 1 : from
                let wanted = self.brute(all, from: start, count: count, filter)
                let page = try await reader.page(row, from: start, count: count, filter: filter)
                let context = "seed \(seed) from \(start) count \(count) \(filter)"
                #expect(page.lines.map(\.number) == wanted.map(\.number), "\(context)")
                #expect(page.lines.map(\.text) == wanted.map(\.text), "\(context)")
            }
        }
    }

    @Test("however much others write between two lines, what was read is not read again")
    func farApart() {
        let index = LogIndex()
        let run = RunID(1)
        index.note(run, LogPosition(line: 1, sequence: 100))
        // A few lines, then others only.
        index.note(run, LogPosition(line: 11, sequence: 120))
        #expect(index.nearest(run, line: 11) == LogPosition(line: 1, sequence: 100))
        for sequence in stride(from: Int64(5_000), to: 90_000, by: 1_000) {
            index.note(run, LogPosition(line: 11, sequence: sequence))
        }
        #expect(index.nearest(run, line: 11) == LogPosition(line: 11, sequence: 89_000))
        #expect(index.nearest(run, line: 10) == LogPosition(line: 1, sequence: 100))
        #expect(index.positions(run).count == 2)
        // What is read once more from its beginning takes nothing back.
        index.note(run, LogPosition(line: 1, sequence: 100))
        #expect(index.nearest(run, line: 11) == LogPosition(line: 11, sequence: 89_000))
    }

    private func brute(
        _ all: [Written],
        from: Int64,
        count: Int,
        _ filter: LogFilter
    ) -> [(number: Int64, text: String)] {
        let fitting = all.enumerated().filter { entry in
            let line = entry.element
            if !filter.attempts.isEmpty, !filter.attempts.contains(Int64(line.attempt)) {
                return false
            }
            if !filter.sources.isEmpty, line.stream != "stderr" || !line.step.hasPrefix("c[") {
                return false
            }
            if !filter.levels.isEmpty {
                let graver = ["warning", "info", "DEBUG"]
                if graver.contains(where: line.text.hasPrefix) { return false }
            }
            return true
        }.map { (number: Int64($0.offset + 1), text: $0.element.text) }
        if from > 0 { return Array(fitting.filter { $0.number >= from }.prefix(count)) }
        return Array(fitting.suffix(Int(-from)).prefix(count))
    }

    @Test("a search finds every line that a reading of all lines finds", arguments: 0..<3)
    func search(_ seed: UInt64) async throws {
        try await GatewayBed.with { bed in
            var random = SeededGenerator(seed: seed + 100)
            let (run, all) = try await self.write(bed, &random, lines: 1_200)
            for (query, test) in [
                ("q=disk", { @Sendable (text: String) in text.contains("disk") }),
                ("q=DISK&ignore_case=false", { @Sendable _ in false }),
                (
                    "q=%5E(info%7Cwarning).*7$&regex=true",
                    { @Sendable (text: String) in
                        (text.hasPrefix("info") || text.hasPrefix("warning")) && text.hasSuffix("7")
                    }
                ),
            ] {
                var found: [Int64] = []
                var next: Int64? = 1
                while let from = next {
                    let path = "/v1/runs/\(run)/log/search?\(query)&from=\(from)&count=40"
                    let answer = try await bed.get(path)
                    #expect(answer.status == 200, "\(answer.text)")
                    for match in try answer.json["matches"]?.arrayValue ?? [] {
                        let number = try #require(match["line"]?.integerValue)
                        found.append(number)
                        let before = match["before"]?.arrayValue?.compactMap {
                            $0["line"]?.integerValue
                        }
                        let least = max(1, number - 2)
                        #expect(before == Array(least..<number))
                        let after = match["after"]?.arrayValue?.compactMap {
                            $0["line"]?.integerValue
                        }
                        let most = min(Int64(all.count), number + 2)
                        #expect(after == (number < most ? Array((number + 1)...most) : []))
                    }
                    next = try answer.json["next"]?.integerValue
                }
                let wanted = all.enumerated().filter { test($0.element.text) }
                    .map { Int64($0.offset + 1) }
                #expect(found == wanted, "\(query) seed \(seed)")
            }
            let raw = try await bed.get("/v1/runs/\(run)/log/raw")
            #expect(raw.text == all.map { $0.text + "\n" }.joined())
            let some = try await bed.get("/v1/runs/\(run)/log/raw?attempt=2&steps=true")
            let lines = all.filter { $0.attempt == 2 }.map { "\($0.step) | \($0.text)\n" }
            #expect(some.text == lines.joined())
        }
    }

    @Test("a search that may answer little at once tells where it goes on, and misses nothing")
    func smallAnswers() async throws {
        try await GatewayBed.with { bed in
            var random = SeededGenerator(seed: 7)
            let (run, all) = try await self.write(bed, &random, lines: 600)
            let row = try await bed.store.run(run)
            var reader = LogReader(store: bed.store, index: LogIndex())
            reader.budget.answerBytes = 100
            reader.budget.time = .seconds(120)
            var found: [Int64] = []
            var next: Int64? = 1
            while let from = next {
                let part = try await reader.search(
                    row,
                    LinePattern(text: "disk", ignoresCase: true),
                    from: from,
                    count: 200,
                    context: 2,
                    filter: LogFilter()
                )
                let bytes = part.matches.reduce(0) { $0 + $1.line.text.utf8.count }
                #expect(bytes < 200)
                found += part.matches.map(\.line.number)
                next = part.next
            }
            let wanted = all.enumerated().filter { $0.element.text.contains("disk") }
            #expect(found == wanted.map { Int64($0.offset + 1) })
        }
    }

    @Test("only so many searches run at once; one more is told to come back")
    func gate() async throws {
        try await GatewayBed.with { bed in
            let run = try await bed.run()
            for _ in 0..<LogResource.searchesMax { #expect(bed.gateway.searches.enter()) }
            for query in ["/search?q=x", "?from=-5", "?level=error"] {
                let answer = try await bed.get("/v1/runs/\(run)/log\(query)")
                #expect(answer.code == "overloaded", "\(query)")
                #expect(answer.fields[.retryAfter] == "1")
            }
            #expect(try await bed.get("/v1/runs/\(run)/log").status == 200)
            bed.gateway.searches.leave()
            // Each leaves when it has been answered, so one place is enough for many.
            for _ in 0..<3 {
                #expect(try await bed.get("/v1/runs/\(run)/log/search?q=x").status == 200)
            }
        }
    }

    @Test("a bad expression is refused with its place; a good one cannot take long")
    func patterns() throws {
        func occurs(_ pattern: String, _ line: String, _ ignoresCase: Bool = false) throws -> Bool {
            try LinePattern(expression: pattern, ignoresCase: ignoresCase).occurs(in: line)
        }
        #expect(try occurs("a+b{2,3}c?$", "xaabbb"))
        #expect(try !occurs("^b", "ab"))
        #expect(try occurs("\\bfoo\\b", "a foo b"))
        #expect(try !occurs("\\bfoo\\b", "afoob"))
        #expect(try occurs("[^\\d\\s]+@[a-c.-]+", "12 x@a-b.c"))
        #expect(try occurs("(?:one|two|three){2}", "onethree"))
        #expect(try occurs("ÜBER", "über", true))
        #expect(try occurs("[A-C]x", "bX", true))
        #expect(try occurs("", "anything"))
        for text in ["a", "c", "e", "f", "x"] { #expect(try occurs("[ec-da-bxf]", text)) }
        for text in ["g", "w", "y", "@"] { #expect(try !occurs("[ec-da-bxf]", text)) }
        #expect(try !occurs("[^c-ea-d]", "abcde") && occurs("[^c-ea-d]", "f"))
        #expect(try occurs("x{", "x{"))
        #expect(try occurs("(a|b)*c|d", "ababc"))
        #expect(try occurs("()*x", "x"))
        let steep = String(repeating: "a?", count: 100) + String(repeating: "a", count: 100)
        #expect(try occurs(steep, String(repeating: "a", count: 100)))
        #expect(try !occurs("(a*)*(a*)*b", String(repeating: "a", count: 3_000)))
        for bad in ["(", "a)", "[a", "*a", "a**", "(?=a)", "\\1", "a{3,2}", "[z-a]", "\\"] {
            #expect(throws: PatternError.self, "\(bad)") {
                try LinePattern(expression: bad, ignoresCase: false)
            }
        }
        #expect(throws: PatternError.self) {
            try LinePattern(expression: "((a{200}){200}){200}", ignoresCase: false)
        }
    }
}
