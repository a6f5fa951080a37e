// Decides that looking at a stored line's bytes tells what reading it as JSON tells.

import PulserIR
import TestKit
import Testing

@testable import Gateway

@Suite("Looking at a line")
struct LineGlanceTests {
    private static let run = RunID(77)
    private static let texts = [
        "plain", "", "ERROR disk full", "tab\tin", "quote \" and \\ back",
        "\u{1B}[31mERROR\u{1B}[0m x",
        "ünïcode → \u{1F600}", "\u{1B}]0;title\u{07}warning", "\",\"stream\":\"stderr\"}}",
        "\u{1}\u{1F}", "DEBUG \\u001b[0m", "end\\",
    ]

    private func event(
        _ text: String,
        step: String? = "a",
        attempt: Int? = 1,
        stream: String = "stdout",
        more: [String: JSONValue] = [:]
    ) -> ArraySlice<UInt8> {
        var bytes: [UInt8] = []
        let data: [String: JSONValue] = ["stream": .string(stream), "line": .string(text)]
        RunEvent(
            .stepOutput,
            at: 5,
            run: Self.run,
            step: step,
            attempt: attempt,
            data: .object(data.merging(more) { $1 })
        ).write(sequence: 12, to: &bytes)
        return bytes.dropLast()
    }

    @Test("a glance sees what the JSON says", arguments: texts)
    func same(_ text: String) throws {
        let mark = LineMark(run: Self.run)
        for step in ["build", "c[3]", nil] {
            for stream in ["stdout", "stderr"] {
                for more in [[:], ["truncated": JSONValue.bool(true)]] {
                    let event = self.event(
                        text,
                        step: step,
                        attempt: step == nil ? nil : 41,
                        stream: stream,
                        more: more
                    )
                    let start = try #require(mark.end(of: event))
                    let glance = try #require(LineGlance(event, from: start))
                    let line = try #require(LogLine(number: 1, sequence: 12, event: event))
                    #expect(String(decoding: event[glance.step], as: UTF8.self) == line.step)
                    #expect(glance.attempt == line.attempt)
                    #expect(glance.isError == (line.stream == "stderr"))
                    var bytes: [UInt8] = []
                    LineText.unescape(event[glance.text], into: &bytes)
                    #expect(String(decoding: bytes, as: UTF8.self) == line.text)
                    if glance.isPlain { #expect(bytes[...] == event[glance.text]) }
                }
            }
        }
    }

    @Test("a line that is written in another way is read as JSON")
    func otherForms() {
        var sieve = LogSieve(Self.run, LogFilter(), LinePattern(text: "X", ignoresCase: true))
        let other = self.event("an x", more: ["colour": .string("red")])
        let mark = LineMark(run: Self.run)
        #expect(mark.end(of: other).flatMap { LineGlance(other, from: $0) } == nil)
        let isWanted = sieve.admits(other)
        let isOther = sieve.admits(self.event("a y", step: "quo\"te"))
        #expect(isWanted && !isOther)
        #expect(LineMark(run: RunID(78)).end(of: other) == nil)
    }

    @Test("a level is seen through colours")
    func levels() throws {
        let cases: [(String, LogLine.Level)] = [
            ("\u{1B}[31mERROR\u{1B}[0m disk full", .error),
            ("\u{1B}[1;33mWARN\u{1B}[m x", .warning),
            ("12:00:01 [\u{1B}[32mINFO\u{1B}[39m] ready", .info), ("E\u{1B}[1mRROR", .error),
            ("\u{1B}]8;;https://x\u{1B}\\error\u{1B}]8;;\u{1B}\\", .error),
            ("\u{1B}]0;never ends error", .error), ("«ERROR»", .error), ("möerror", .none),
            ("errors: 0", .none), ("no_error", .none), ("→ debug", .debug), ("", .none),
            (String(repeating: "-", count: 95) + "error", .none),
            ("a b c d e f g h i j k l error", .none), ("a b c d e f g h i j k error", .error),
        ]
        for (text, level) in cases {
            let event = self.event(text)
            let line = LogLine(number: 1, sequence: 1, event: event)
            #expect(line?.level == level, "\(text.debugDescription)")
            var filter = LogFilter()
            filter.levels = [level]
            var sieve = LogSieve(Self.run, filter)
            let isWanted = sieve.admits(event)
            #expect(isWanted, "\(text.debugDescription)")
        }
    }

    @Test("a search sees through colours, unless it speaks of them")
    func searches() throws {
        let event = self.event("\u{1B}[31mdisk\u{1B}[0m full \u{1B}[1m100\u{1B}[0m%")
        func finds(_ pattern: LinePattern) -> Bool {
            var sieve = LogSieve(Self.run, LogFilter(), pattern)
            return sieve.admits(event)
        }
        #expect(finds(LinePattern(text: "Disk FULL 100%", ignoresCase: true)))
        #expect(!finds(LinePattern(text: "31m", ignoresCase: true)))
        #expect(try finds(LinePattern(expression: "^disk full \\d+%$", ignoresCase: false)))
        #expect(try finds(LinePattern(expression: "\\e\\[31m", ignoresCase: false)))
        #expect(finds(LinePattern(text: "\u{1B}[1m100", ignoresCase: false)))
    }

    @Test("what a search skips it would not have found", arguments: 0..<40)
    func skips(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let parts = ["a", "b", "[bc]", ".", "(?:ab|c)", "\\bd", "^", "$", "é", "[^a]", "\\d"]
        let tails = ["", "", "*", "+", "?", "{2}"]
        for _ in 0..<60 {
            var expression = ""
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let part = parts.randomElement(using: &random) ?? ""
                expression += part
                if !part.hasPrefix("^"), part != "$" {
                    expression += tails.randomElement(using: &random) ?? ""
                }
            }
            let folds = Bool.random(using: &random)
            var compiler = PatternCompiler(expression, ignoresCase: folds)
            guard let program = try? compiler.compile() else { continue }
            let pattern = try LinePattern(expression: expression, ignoresCase: folds)
            for _ in 0..<20 {
                let letters = "abcdABé1 ".unicodeScalars
                var line = ""
                for _ in 0..<Int.random(in: 0...8, using: &random) {
                    if let letter = letters.randomElement(using: &random) {
                        line.unicodeScalars.append(letter)
                    }
                }
                var slow = PatternMatcher(program: program, ignoresCase: folds)
                let scalars = line.unicodeScalars.map {
                    folds ? PatternMatcher.folded($0) : $0.value
                }
                let wanted = slow.occurs(in: scalars)
                #expect(
                    pattern.occurs(in: line) == wanted,
                    "\(expression) in '\(line)' seed \(seed)"
                )
            }
        }
    }
}
