// No text, however odd, brings the expression language down.

import PulserIR
import TestKit
import Testing

@Suite("Random expressions") struct RandomExpressionTests {
    @Test("every expression of the grammar parses, and evaluates or fails the same way twice")
    func grammar() throws {
        var sound = 0
        for seed in UInt64(1)...2_000 {
            var draw = ExpressionDraw(generator: SeededGenerator(seed: seed))
            let source = draw.or(depth: 5)
            guard source.utf8.count <= Limits.expressionBytesMax else { continue }
            let expression: Expression
            do {
                expression = try Expression(parsing: source)
            } catch {
                Issue.record("seed \(seed): \(source): \(error)")
                continue
            }
            #expect(try Expression(parsing: expression.source).node == expression.node)
            _ = expression.references
            let first = try? expression.evaluate(in: ExpressionTests.scope)
            let second = try? expression.evaluate(in: ExpressionTests.scope)
            #expect(first == second, "seed \(seed): \(source)")
            if first != nil { sound += 1 }
        }
        #expect(sound > 200)
    }

    @Test("damaged expressions fail with an offset inside their text, or have a value")
    func mutants() {
        let alphabet = Array("'\"{}[]().,!=<>&| \u{0}é-0aZ_".utf8)
        for seed in UInt64(1)...2_000 {
            var draw = ExpressionDraw(generator: SeededGenerator(seed: seed))
            var bytes = Array(draw.or(depth: 3).utf8)
            for _ in 0..<3 {
                let place = Int.random(in: 0...bytes.count, using: &draw.generator)
                if draw.generator.chance(50), place < bytes.count {
                    bytes.remove(at: place)
                } else {
                    bytes.insert(draw.generator.pick(alphabet), at: place)
                }
            }
            let source = String(decoding: bytes, as: UTF8.self)
            do throws(ExpressionError) {
                _ = try Expression(parsing: source).evaluate(in: ExpressionTests.scope)
            } catch {
                #expect((0...source.utf8.count).contains(error.offset), "seed \(seed): \(source)")
                #expect(!error.message.isEmpty)
            }
        }
    }
}

/// Draws texts from the grammar.
private struct ExpressionDraw {
    var generator: SeededGenerator

    mutating func or(depth: Int) -> String { self.list("||", depth) { $0.and(depth: depth) } }

    private mutating func and(depth: Int) -> String {
        self.list("&&", depth) { $0.comparison(depth: depth) }
    }

    private mutating func list(
        _ separator: String,
        _ depth: Int,
        _ part: (inout ExpressionDraw) -> String
    ) -> String {
        let count = depth > 0 && self.generator.chance(15) ? 3 : 1
        return (0..<count).map { _ in part(&self) }.joined(separator: " \(separator) ")
    }

    private mutating func comparison(depth: Int) -> String {
        let left = self.unary(depth: depth)
        guard depth > 0, self.generator.chance(30) else { return left }
        let operation = self.generator.pick(["==", "!=", "<", "<=", ">", ">="])
        return "\(left)\(operation)\(self.unary(depth: depth - 1))"
    }

    private mutating func unary(depth: Int) -> String {
        (self.generator.chance(15) ? "!" : "") + self.postfix(depth: depth)
    }

    private mutating func postfix(depth: Int) -> String {
        var text = self.primary(depth: depth)
        if Double(text) != nil { return text }
        while depth > 0, self.generator.chance(30) {
            text += self.generator.chance(50) ? ".a-b" : "[\(self.or(depth: depth - 1))]"
        }
        return text
    }

    private mutating func primary(depth: Int) -> String {
        let simple = [
            "true", "false", "null", "0", "-1.5e2", "''", "'it''s'", "inputs.n", "inputs.list[1]",
            "steps.pre-flight.status", "inputs.map", "secrets.TOKEN", "result", "item", "run.id",
        ]
        guard depth > 0, self.generator.chance(40) else { return self.generator.pick(simple) }
        if self.generator.chance(30) { return "( \(self.or(depth: depth - 1)) )" }
        let function = self.generator.pick(ExpressionFunction.allCases)
        let count = min(function.arity.upperBound, 2)
        let arguments = (0..<count).map { _ in self.or(depth: depth - 1) }
        return "\(function.rawValue)(\(arguments.joined(separator: ", ")))"
    }
}
