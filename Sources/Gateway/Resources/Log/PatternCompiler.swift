// Reads a regular expression and lays it out as a program: the usual notation, without look-around
// and back references, which no machine of this kind can run.

/// Compiles one expression.
struct PatternCompiler {
    /// Repetitions of one part.
    static let repeatMax = 255
    /// Parts inside parts.
    static let depthMax = 32

    static let digit: [ClosedRange<UInt32>] = [0x30...0x39]
    static let word: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    static let space: [ClosedRange<UInt32>] = [0x09...0x0D, 0x20...0x20, 0xA0...0xA0]

    private typealias Program = [PatternInstruction]

    private let source: [Unicode.Scalar]
    private let ignoresCase: Bool
    private var place = 0
    private var depth = 0

    init(_ expression: String, ignoresCase: Bool) {
        self.source = Array(expression.unicodeScalars)
        self.ignoresCase = ignoresCase
    }

    /// The program, with places counted from 0.
    mutating func compile() throws(PatternError) -> [PatternInstruction] {
        let program = try self.alternatives()
        if let odd = self.peek { throw self.failure("'\(odd)' has no beginning") }
        return program + [.match]
    }

    private var peek: Unicode.Scalar? {
        self.place < self.source.count ? self.source[self.place] : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard self.peek == scalar else { return false }
        self.place += 1
        return true
    }

    private func failure(_ message: String) -> PatternError {
        PatternError(message: "\(message) (at character \(self.place + 1))")
    }

    // Every part is laid out from 0 on and moved to its place when it is put behind another.

    private static func moved(_ program: Program, by distance: Int) -> Program {
        program.map { instruction in
            switch instruction {
            case .split(let one, let other): .split(one + distance, other + distance)
            case .jump(let target): .jump(target + distance)
            case .character, .any, .set, .assert, .match: instruction
            }
        }
    }

    private func joined(_ left: Program, _ right: Program) throws(PatternError) -> Program {
        guard left.count + right.count < LinePattern.programMax else {
            throw PatternError(message: "the expression is too large")
        }
        return left + Self.moved(right, by: left.count)
    }

    private mutating func alternatives() throws(PatternError) -> [PatternInstruction] {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Self.depthMax else {
            throw PatternError(message: "the expression nests too deep")
        }
        var result = try self.sequence()
        while self.take("|") {
            let other = try self.sequence()
            let way: Program = [.split(1, result.count + 2)]
            var both = try self.joined(way, [])
            both += Self.moved(result, by: 1)
            both.append(.jump(result.count + 2 + other.count))
            result = try self.joined(both, other)
        }
        return result
    }

    private mutating func sequence() throws(PatternError) -> Program {
        var result: Program = []
        while let next = self.peek, next != "|", next != ")" {
            let part = try self.atom()
            result = try self.joined(result, try self.repeated(part))
        }
        return result
    }

    private mutating func repeated(_ part: Program) throws(PatternError) -> Program {
        guard let (least, most) = try self.counts() else { return part }
        // Whether it takes much or little does not matter to whether there is a match.
        _ = self.take("?")
        if let next = self.peek, "*+?".unicodeScalars.contains(next) {
            throw self.failure("'\(next)' repeats a repetition")
        }
        var result: Program = []
        for _ in 0..<least { result = try self.joined(result, part) }
        if let most {
            for _ in least..<most {
                let optional = try self.joined([.split(1, part.count + 1)], [])
                result = try self.joined(result, optional + Self.moved(part, by: 1))
            }
        } else {
            let loop: Program =
                [.split(1, part.count + 2)] + Self.moved(part, by: 1) + [.jump(0)]
            result = try self.joined(result, loop)
        }
        return result
    }

    /// How often the part before is repeated; `nil` when that is not said.
    private mutating func counts() throws(PatternError) -> (least: Int, most: Int?)? {
        if self.take("*") { return (0, nil) }
        if self.take("+") { return (1, nil) }
        if self.take("?") { return (0, 1) }
        guard self.peek == "{" else { return nil }
        let start = self.place
        self.place += 1
        guard let least = self.number() else {
            // As elsewhere: a brace without a number is a brace.
            self.place = start
            return nil
        }
        var most: Int? = least
        if self.take(",") { most = self.number() }
        guard self.take("}") else { throw self.failure("a '}' is missing") }
        guard least <= Self.repeatMax, most ?? 0 <= Self.repeatMax, most ?? least >= least else {
            throw self.failure("a repetition is from 0 to \(Self.repeatMax), the least first")
        }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let next = self.peek, (0x30...0x39).contains(next.value), value ?? 0 < 10_000 {
            value = (value ?? 0) * 10 + Int(next.value - 0x30)
            self.place += 1
        }
        return value
    }

    private mutating func atom() throws(PatternError) -> Program {
        guard let next = self.peek else { return [] }
        self.place += 1
        switch next {
        case "(":
            if self.take("?") {
                guard self.take(":") else {
                    throw self.failure("look-around and options are not spoken here")
                }
            }
            let inner = try self.alternatives()
            guard self.take(")") else { throw self.failure("a ')' is missing") }
            return inner
        case "[": return [try self.set()]
        case ".": return [.any]
        case "^": return [.assert(.start)]
        case "$": return [.assert(.end)]
        case "*", "+", "?": throw self.failure("'\(next)' repeats nothing")
        case "\\": return [try self.escaped()]
        default: return [self.character(next)]
        }
    }

    private func character(_ scalar: Unicode.Scalar) -> PatternInstruction {
        .character(self.ignoresCase ? PatternMatcher.folded(scalar) : scalar.value)
    }

    private mutating func escaped() throws(PatternError) -> PatternInstruction {
        guard let next = self.peek else { throw self.failure("a '\\' ends the expression") }
        if let (ranges, isNegated) = Self.shorthand(next) {
            self.place += 1
            return .set(ranges, isNegated: isNegated)
        }
        self.place += 1
        if next == "b" { return .assert(.wordEdge) }
        if next == "B" { return .assert(.noWordEdge) }
        return self.character(try self.literal(next))
    }

    private static func shorthand(
        _ scalar: Unicode.Scalar
    ) -> (ranges: [ClosedRange<UInt32>], isNegated: Bool)? {
        switch scalar {
        case "d": (Self.digit, false)
        case "D": (Self.digit, true)
        case "w": (Self.word, false)
        case "W": (Self.word, true)
        case "s": (Self.space, false)
        case "S": (Self.space, true)
        default: nil
        }
    }

    /// What a character behind a `\` stands for.
    private func literal(_ scalar: Unicode.Scalar) throws(PatternError) -> Unicode.Scalar {
        switch scalar {
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "e": return "\u{1B}"
        default:
            guard scalar.isASCII, scalar.properties.isAlphabetic || (0x30...0x39) ~= scalar.value
            else { return scalar }
            throw self.failure("'\\\(scalar)' is not spoken here")
        }
    }

    private mutating func set() throws(PatternError) -> PatternInstruction {
        let isNegated = self.take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let next = self.peek, next != "]" || isFirst {
            isFirst = false
            self.place += 1
            var low = next
            if next == "\\" {
                guard let escaped = self.peek else { break }
                self.place += 1
                if let (inner, isOutside) = Self.shorthand(escaped) {
                    ranges += isOutside ? Self.outside(inner) : inner
                    continue
                }
                low = try self.literal(escaped)
            }
            var high = low
            if self.peek == "-", self.place + 1 < self.source.count,
                self.source[self.place + 1] != "]"
            {
                high = self.source[self.place + 1]
                self.place += 2
                if high == "\\", let escaped = self.peek {
                    self.place += 1
                    high = try self.literal(escaped)
                }
            }
            guard low.value <= high.value else { throw self.failure("a range runs backwards") }
            ranges.append(low.value...high.value)
        }
        guard self.take("]") else { throw self.failure("a ']' is missing") }
        // A set knows its members by their small forms too, because lines come without case.
        if self.ignoresCase {
            ranges += ranges.filter { $0.count == 1 }.compactMap { range in
                Unicode.Scalar(range.lowerBound).map {
                    let small = PatternMatcher.folded($0)
                    return small...small
                }
            }
        }
        return .set(Self.merged(ranges), isNegated: isNegated)
    }

    /// The same characters in as few ranges as there can be, in order.
    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                let end = max(last.upperBound, range.upperBound)
                result[result.count - 1] = last.lowerBound...end
            } else {
                result.append(range)
            }
        }
        return result
    }

    private static func outside(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges {
            if range.lowerBound > start { result.append(start...(range.lowerBound - 1)) }
            start = range.upperBound + 1
        }
        result.append(start...0x10FFFF)
        return result
    }
}
