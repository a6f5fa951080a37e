// The scanner before the recursive composer lets nothing through that nests too deep.

import PulserIR
import TestKit
import Testing

@testable import Compiler

@Suite("Nesting scanner") struct NestingScannerTests {
    /// Pieces whose mixture confuses scanners that guess at quotes, comments and block texts.
    private static let pieces = [
        "a: ", "b:", "- ", "? ", ": ", "\n", "\n ", "\n  ", "\n    ", "'", "\"", "''", "\\\"", "|",
        "|1", ">-", "|2+", " #", "#", "x", "don't", "[", "]", "{", "}", ",", "&a ", "!t ", "!!str ",
        "%", "---", "\n--- ", "\n...", "\t", "é", "{{ x }}", "'a'", "\"b\"", "k: |\n  ", "- |\n  ",
        "z: v\n", "\r\n", "*a", "<<: ",
    ]

    @Test("what it lets through, the composer never finds too deep")
    func mixtures() {
        var composed = 0
        for seed in UInt64(1)...4_000 {
            var generator = SeededGenerator(seed: seed)
            var text = ""
            for _ in 0..<Int.random(in: 0...10, using: &generator) {
                text += generator.pick(Self.pieces)
            }
            text += generator.pick(["", "\nq: ", "\n- ", "\n", "\n  r: "])
            text += String(repeating: "[", count: 90) + String(repeating: "]", count: 90)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                text += generator.pick(Self.pieces)
            }
            let bytes = Array(text.utf8)
            guard NestingScanner.refusal(of: bytes) == nil else { continue }
            var log = DiagnosticLog(file: "f")
            if SourceReader.read(bytes, named: "f", log: &log) != nil { composed += 1 }
            let isTooDeep = log.diagnostics.contains { $0.message.contains("nested deeper") }
            #expect(!isTooDeep, "seed \(seed): \(text)")
        }
        // Some brackets stand in texts and comments; those must get through.
        #expect(composed > 20)
    }

    /// Values that are valid YAML and hold quotes or brackets where they mean nothing.
    private static let values = [
        "x\n  'y", "x\n  \"y", "x # '", "don't", "'a''b'", "'a\n  \"b'", "\"a \\\" '\"", "|\n  '",
        ">-\n  \"x\n\n  ]", "|1\n    x\n \"", "|+ # '\n  \"", "!!str 'x'", "&a |\n  '",
        "[a, 'b]', don't]", "{k: \"}\", l: x'y}", "\n  n: |\n    '\n  m: x", "\n- x\n- |\n \"",
        "x\n\n  'z", "[a # '\n  , b]", "\n- - |\n   '\n  - x", "a]]]]",
        "\n  - k: |\n      '\n    l: ]]]",
        "'\n  ]]]'", "# '\n  x", "|\n\n  '\n\n", "[x\n  'y]]\n  ]",
    ]

    @Test("no value hides the nesting of a later one")
    func valuesInFront() {
        var composed = 0
        for seed in UInt64(1)...2_000 {
            var generator = SeededGenerator(seed: seed)
            var text = ""
            for index in 0..<Int.random(in: 1...4, using: &generator) {
                text += "k\(index): \(generator.pick(Self.values))\n"
            }
            var log = DiagnosticLog(file: "f")
            if SourceReader.read(Array(text.utf8), named: "f", log: &log) != nil { composed += 1 }
            text += "last: " + String(repeating: "[", count: 90) + String(repeating: "]", count: 90)
            #expect(NestingScanner.refusal(of: Array(text.utf8)) != nil, "seed \(seed): \(text)")
        }
        #expect(composed > 500)
    }
}
