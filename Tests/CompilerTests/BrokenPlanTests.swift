// Every mistake in a plan is told with its place and its cure.

import Compiler
import Foundation
import PulserIR
import TestKit
import Testing

@Suite("Broken plans") struct BrokenPlanTests {
    @Test("there are broken plans to test with")
    func count() { #expect(Fixtures.broken.count >= 80) }

    /// The lines `#! …` at the top of a file are all findings, in order, word by word.
    @Test(
        "a broken plan yields exactly the findings its first lines list",
        arguments: Fixtures.broken
    )
    func findings(name: String) throws {
        let file = Fixtures.folder.appending(path: "broken/\(name).yaml")
        let bytes = [UInt8](try Data(contentsOf: file))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let expected = lines.prefix { $0.hasPrefix("#! ") }.map { String($0.dropFirst(3)) }
        #expect(!expected.isEmpty)
        #expect(Fixtures.problems(bytes, file: "\(name).yaml") == expected)
    }

    @Test("ten megabytes are refused unread")
    func tenMegabytes() {
        let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 10 << 20)
        #expect(
            Fixtures.problems(bytes)
                == [
                    "1:1: error: the file has 10485760 bytes, a plan at most 1048576; hint: split it into child plans"
                ]
        )
    }

    private static let garbage: [([UInt8], String)] = [
        (
            [0x7F, 0x45, 0x4C, 0x46, 2, 1],
            "1:1: error: the file holds the control character U+007F; hint: plans are UTF-8 text"
        ),
        (
            [0x61, 0x3A, 0x0A, 0xFF, 0xFE],
            "2:1: error: the file is not UTF-8: byte 0xFF; hint: plans are UTF-8 text"
        ),
        (
            [0x61, 0xC3, 0xA9, 0xC3],
            "1:3: error: the file is not UTF-8: byte 0xC3; hint: plans are UTF-8 text"
        ),
        (
            [0x61, 0xED, 0xA0, 0x80],
            "1:2: error: the file is not UTF-8: byte 0xED; hint: plans are UTF-8 text"
        ),
        ([0x61, 0x3A, 0x00], "1:3: error: the file holds a NUL byte; hint: plans are UTF-8 text"),
        (
            [0x61, 0xE2, 0x80, 0xA8],
            "1:2: error: the file holds the invisible line end U+2028; hint: plans are UTF-8 text"
        ),
        ([], "1:1: error: the file is empty"),
    ]

    @Test("bytes that are no text are located", arguments: garbage)
    func binary(bytes: [UInt8], message: String) { #expect(Fixtures.problems(bytes) == [message]) }

    /// A text too long to be shown.
    struct DeepText: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var place: String

        init(_ name: String, _ text: String, _ place: String) {
            self.testDescription = name
            self.text = text
            self.place = place
        }
    }

    private static let open = String(repeating: "[", count: 100_000)

    private static let deep = [
        DeepText("lists", open, "1:64"),
        DeepText("maps", String(repeating: "{a: ", count: 100_000), "1:253"),
        DeepText("dashes", String(repeating: "- ", count: 100_000), "1:129"),
        DeepText("question marks", String(repeating: "? ", count: 100_000), "1:129"),
        DeepText(
            "stairs",
            (0..<1_000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
            "65:65"
        ),
        DeepText("behind an apostrophe", "a: don't\nb: " + open, "2:67"),
        DeepText("behind a quote in a second line", "a: x\n  'y\nb: " + open, "3:67"),
        DeepText("behind a quote in block text", "- &a |\n \"\n- " + open, "3:65"),
        DeepText("behind a quote in a key's block text", "- a: |\n    '\n  b: " + open, "3:68"),
        DeepText("behind indented block text", "a: |1\n     x\n \"\nb: " + open, "4:67"),
        DeepText("behind a directive", "%YAML 1.1\n--- " + open, "2:68"),
        DeepText("behind a comment with a quote", "a: [ # '\n" + open, "2:63"),
        DeepText(
            "closed only in texts",
            "[\"]]]\", # ]\n" + String(repeating: "[']', ", count: 50_000),
            "2:373"
        ),
    ]

    @Test("nesting is measured before anything recurses", arguments: deep)
    func nesting(deep: DeepText) {
        #expect(
            Fixtures.problems(deep.text)
                == ["\(deep.place): error: nested deeper than 64 levels"]
        )
    }

    @Test("brackets in texts are no nesting")
    func brackets() throws {
        let many = String(repeating: "[{", count: 500)
        let text = Fixtures.plan(
            "steps:\n  - id: a\n    title: \"\(many)\"\n    shell:\n      argv: [echo, '\(many)']\n"
                + "      stdin: |\n        \(many)\n        it's \"\(many)\n"
        )
        #expect(try Fixtures.compile(text).plan.steps[0].title == many)
    }

    @Test("an alias bomb is refused by the number of its values")
    func aliasBomb() {
        var text = "a0: &a0 [\(Array(repeating: "x", count: 50).joined(separator: ","))]\n"
        for level in 1...9 {
            text += "a\(level): &a\(level)\n"
            for _ in 0..<9 { text += "  - *a\(level - 1)\n" }
        }
        #expect(
            Fixtures.problems(text) == [
                "1:102: error: more than 100000 values once aliases are followed"
            ]
        )
        let flow = (1...9).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
        let start = "2:10: error: an alias may only stand alone"
        #expect(Fixtures.problems("a0: &a0 [x]\n" + flow).first?.hasPrefix(start) == true)
    }

    @Test("a thousand steps are allowed, one more is not")
    func steps() throws {
        func text(_ count: Int) -> String {
            Fixtures.plan("steps:\n")
                + (0..<count).map { "- {id: s\($0), system: {sleep: 0s}}\n" }.joined()
        }
        #expect(try Fixtures.compile(text(1_000)).plan.steps.count == 1_000)
        #expect(
            Fixtures.problems(text(1_001))
                == [
                    "1005:3: error: 1001 steps, a plan has at most 1000; hint: use fan_out for lists, and child plans"
                ]
        )
    }

    @Test("a plan fits the stack of a cooperative thread")
    func stack() async {
        let depth = 58
        let body = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let expression =
            String(repeating: "(", count: 30) + "true" + String(repeating: ")", count: 30)
        let text = Fixtures.plan(
            "steps:\n- {id: a, if: \"\(expression)\", http: {method: POST, url: 'http://x/', json: \(body)}}\n"
        )
        let problems = await withCheckedContinuation { continuation in
            let thread = Thread {
                var problems = Fixtures.problems(text)
                // What was compiled is also read again from its canonical bytes on such threads.
                let bytes = (try? Fixtures.compile(text).canonicalBytes) ?? []
                let plan = try? JSONValue(parsing: bytes).decode(Plan.self)
                if plan == nil { problems.append("canonical bytes cannot be read") }
                let limit = Limits.jsonDepthMax
                let list =
                    String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
                if (try? JSONValue(parsing: list)) == nil { problems.append("too deep") }
                continuation.resume(returning: problems)
            }
            thread.stackSize = 512 << 10
            thread.start()
        }
        #expect(problems == [])
    }

    @Test("findings are at most fifty, by place")
    func fifty() throws {
        let steps = (0..<200).map { "- {id: s\($0), shel: {argv: [x]}}\n" }.joined()
        let problems = Fixtures.problems(Fixtures.plan("steps:\n" + steps))
        #expect(problems.count == 50)
        #expect(
            problems.first
                == "5:12: error: unknown key 'shel' in a step; hint: did you mean 'shell'?"
        )
        #expect(
            problems.last
                == "54:13: error: unknown key 'shel' in a step; hint: did you mean 'shell'?"
        )
    }

    @Test("mutants of a valid plan compile or are refused with a place, never worse")
    func mutants() throws {
        let valid = Array(GoodPlanTests.corners.utf8)
        let alphabet = Array("[]{}:,-?*&!|>'\"#%@` \n\t0aé{{}}<~\u{0}".utf8)
        var refused = 0
        for seed in UInt64(1)...500 {
            var generator = SeededGenerator(seed: seed)
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(generator.pick(alphabet), at: place)
                case 2: bytes[place] = generator.pick(alphabet)
                default:
                    let end = min(bytes.count, place + Int.random(in: 1...60, using: &generator))
                    let part = Array(bytes[place..<end])
                    let target = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes.insert(contentsOf: part, at: target)
                }
            }
            let lines = bytes.count { $0 == 0x0A } + 1
            do throws(CompileError) {
                _ = try Fixtures.compiler.compile(bytes, file: "plan.yaml")
            } catch {
                refused += 1
                #expect(!error.diagnostics.isEmpty, "seed \(seed)")
                for problem in error.diagnostics {
                    #expect((1...(lines + 1)).contains(problem.line), "seed \(seed): \(problem)")
                    #expect(problem.column >= 1 && !problem.message.isEmpty, "seed \(seed)")
                }
            }
        }
        #expect(refused > 200)
    }
}
