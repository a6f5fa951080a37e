// Decides whether a line holds what is searched for, in time that grows with the line and no faster.

import PulserIR

/// What a search of a log looks for: a text, or a regular expression without backtracking.
///
/// The expression is run as a set of states (Thompson, 1968): every character costs at most as many
/// steps as the program is long, whatever the expression is.
struct LinePattern: Sendable {
    /// Bytes of a pattern.
    static let bytesMax = 512
    /// Instructions of a program.
    static let programMax = 1_000

    private enum Kind: Sendable {
        case text([UInt8])
        case program([PatternInstruction])
    }

    private let kind: Kind
    private let ignoresCase: Bool

    /// Looks for a text.
    init(text: String, ignoresCase: Bool) {
        let wanted = ignoresCase ? text.lowercased() : text
        self.kind = .text(Array(wanted.utf8))
        self.ignoresCase = ignoresCase
    }

    /// Looks for a regular expression.
    ///
    /// - Throws: What is wrong with it, or which part of it is not spoken here.
    init(expression: String, ignoresCase: Bool) throws(PatternError) {
        var compiler = PatternCompiler(expression, ignoresCase: ignoresCase)
        self.kind = .program(try compiler.compile())
        self.ignoresCase = ignoresCase
    }

    /// Steps that looking at a line may take.
    func steps(in line: String) -> Int {
        switch self.kind {
        case .text(let wanted): line.utf8.count * max(1, wanted.count)
        case .program(let program): line.utf8.count * program.count
        }
    }

    /// Whether it occurs in a line.
    func occurs(in line: String) -> Bool {
        switch self.kind {
        case .text(let wanted):
            return Self.contains(Array((self.ignoresCase ? line.lowercased() : line).utf8), wanted)
        case .program(let program):
            return PatternMatcher(program: program, ignoresCase: self.ignoresCase).occurs(in: line)
        }
    }

    private static func contains(_ line: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        guard line.count >= wanted.count else { return false }
        for start in 0...(line.count - wanted.count) where line[start] == first {
            if line[start..<(start + wanted.count)].elementsEqual(wanted) { return true }
        }
        return false
    }
}

/// Why an expression cannot be used.
struct PatternError: Error {
    /// One sentence.
    var message: String
}

/// One step of a compiled expression.
enum PatternInstruction: Sendable {
    case character(UInt32)
    case any
    case set([ClosedRange<UInt32>], isNegated: Bool)
    /// Goes on at both places.
    case split(Int, Int)
    case jump(Int)
    case assert(PatternPlace)
    case match
}

/// A place between characters.
enum PatternPlace: Sendable {
    case start
    case end
    case wordEdge
    case noWordEdge
}

/// Runs a program over one line.
struct PatternMatcher {
    let program: [PatternInstruction]
    let ignoresCase: Bool

    func occurs(in line: String) -> Bool {
        let scalars = line.unicodeScalars.map { self.ignoresCase ? Self.folded($0) : $0.value }
        var current = StateSet(count: self.program.count)
        var next = StateSet(count: self.program.count)
        var waiting: [Int] = []
        for place in 0...scalars.count {
            // A match may begin anywhere.
            if self.add(0, at: place, scalars, to: &current, &waiting) { return true }
            guard place < scalars.count else { return false }
            next.clear()
            for state in current.members where self.takes(state, scalars[place]) {
                if self.add(state + 1, at: place + 1, scalars, to: &next, &waiting) {
                    return true
                }
            }
            swap(&current, &next)
        }
        return false
    }

    private func takes(_ state: Int, _ scalar: UInt32) -> Bool {
        switch self.program[state] {
        case .character(let wanted): return wanted == scalar
        case .any: return true
        case .set(let ranges, let isNegated):
            var isIn = Self.holds(ranges, scalar)
            if !isIn, self.ignoresCase, (0x61...0x7A).contains(scalar) {
                isIn = Self.holds(ranges, scalar - 32)
            }
            return isIn != isNegated
        case .split, .jump, .assert, .match: return false
        }
    }

    /// Whether a character is in one of the ranges, which are in order and apart: a set of hundreds
    /// of characters, repeated hundreds of times, must not cost their product.
    private static func holds(_ ranges: [ClosedRange<UInt32>], _ scalar: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(scalar)
    }

    /// Adds a state and all that it leads to without a character; `waiting` is room to work in.
    ///
    /// - Returns: Whether the expression is matched.
    private func add(
        _ first: Int,
        at place: Int,
        _ scalars: [UInt32],
        to set: inout StateSet,
        _ waiting: inout [Int]
    ) -> Bool {
        waiting.removeAll(keepingCapacity: true)
        waiting.append(first)
        while let state = waiting.popLast() {
            guard set.insert(state) else { continue }
            switch self.program[state] {
            case .match: return true
            case .jump(let target): waiting.append(target)
            case .split(let one, let other):
                waiting.append(one)
                waiting.append(other)
            case .assert(let wanted):
                if Self.holds(wanted, at: place, scalars) { waiting.append(state + 1) }
            case .character, .any, .set: break
            }
        }
        return false
    }

    private static func holds(_ wanted: PatternPlace, at place: Int, _ line: [UInt32]) -> Bool {
        func isWord(_ index: Int) -> Bool {
            guard line.indices.contains(index) else { return false }
            return PatternCompiler.word.contains { $0.contains(line[index]) }
        }
        return switch wanted {
        case .start: place == 0
        case .end: place == line.count
        case .wordEdge: isWord(place - 1) != isWord(place)
        case .noWordEdge: isWord(place - 1) == isWord(place)
        }
    }

    /// A character without its case; those whose small form is several characters stay as they are.
    static func folded(_ scalar: Unicode.Scalar) -> UInt32 {
        if scalar.isASCII {
            return (0x41...0x5A).contains(scalar.value) ? scalar.value + 32 : scalar.value
        }
        let small = scalar.properties.lowercaseMapping.unicodeScalars
        return small.count == 1 ? small.first?.value ?? scalar.value : scalar.value
    }
}

/// States, each once, cleared without touching them all.
private struct StateSet {
    private(set) var members: [Int] = []
    private var marks: [UInt32]
    private var turn: UInt32 = 1

    init(count: Int) { self.marks = Array(repeating: 0, count: count) }

    mutating func insert(_ state: Int) -> Bool {
        guard self.marks[state] != self.turn else { return false }
        self.marks[state] = self.turn
        self.members.append(state)
        return true
    }

    mutating func clear() {
        self.members.removeAll(keepingCapacity: true)
        self.turn += 1
    }
}
