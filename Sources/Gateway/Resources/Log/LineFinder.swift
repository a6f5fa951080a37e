// Looks for a pattern in line after line, with room to work in that is made once.

/// Looks for one pattern in many lines.
struct LineFinder {
    private let pattern: LinePattern
    private var matcher: PatternMatcher?
    private var scalars: [UInt32] = []

    /// Prepares looking for a pattern.
    init(_ pattern: LinePattern) {
        self.pattern = pattern
        if case .program(let program, let starts) = pattern.kind {
            self.matcher = PatternMatcher(program: program, ignoresCase: pattern.ignoresCase)
            self.matcher?.skips = starts
        }
    }

    /// Whether the pattern occurs in a line of UTF-8.
    mutating func occurs(in line: ArraySlice<UInt8>) -> Bool {
        switch self.pattern.kind {
        case .text(let wanted):
            guard self.pattern.ignoresCase else { return Self.contains(line, wanted) }
            if wanted.allSatisfy({ $0 < 0x80 }) { return Self.containsFolded(line, wanted) }
            let small = String(decoding: line, as: UTF8.self).lowercased()
            return Self.contains(Array(small.utf8)[...], wanted)
        case .program:
            self.scalars.removeAll(keepingCapacity: true)
            Self.read(line, ignoresCase: self.pattern.ignoresCase, into: &self.scalars)
            return self.matcher?.occurs(in: self.scalars) ?? false
        }
    }

    private static func read(
        _ line: ArraySlice<UInt8>,
        ignoresCase: Bool,
        into scalars: inout [UInt32]
    ) {
        if line.allSatisfy({ $0 < 0x80 }) {
            scalars.append(
                contentsOf: line.lazy.map { byte in
                    UInt32(ignoresCase && (0x41...0x5A).contains(byte) ? byte + 32 : byte)
                }
            )
            return
        }
        for scalar in String(decoding: line, as: UTF8.self).unicodeScalars {
            scalars.append(ignoresCase ? PatternMatcher.folded(scalar) : scalar.value)
        }
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ wanted: [UInt8]) -> Bool {
        let text = line.span
        let wanted = wanted.span
        guard !wanted.isEmpty else { return true }
        guard text.count >= wanted.count else { return false }
        let first = wanted[0]
        for start in 0...(text.count - wanted.count) where text[start] == first {
            var length = 1
            while length < wanted.count, text[start + length] == wanted[length] { length += 1 }
            if length == wanted.count { return true }
        }
        return false
    }

    /// The same without the case of ASCII's letters; what is wanted has small ones.
    private static func containsFolded(_ line: ArraySlice<UInt8>, _ wanted: [UInt8]) -> Bool {
        let text = line.span
        let wanted = wanted.span
        guard !wanted.isEmpty else { return true }
        guard text.count >= wanted.count else { return false }
        let first = wanted[0]
        let large = (0x61...0x7A).contains(first) ? first - 32 : first
        for start in 0...(text.count - wanted.count)
        where text[start] == first || text[start] == large {
            var length = 1
            while length < wanted.count {
                let byte = text[start + length]
                let small = (0x41...0x5A).contains(byte) ? byte + 32 : byte
                guard small == wanted[length] else { break }
                length += 1
            }
            if length == wanted.count { return true }
        }
        return false
    }
}

/// Runs a program over one line.
struct PatternMatcher {
    private let program: [PatternInstruction]
    private let ignoresCase: Bool
    /// Which ASCII characters a match can begin with, when that may be used.
    var skips: [Bool]?
    private var current: StateSet
    private var next: StateSet
    private var waiting: [Int] = []

    /// Prepares a program.
    init(program: [PatternInstruction], ignoresCase: Bool) {
        self.program = program
        self.ignoresCase = ignoresCase
        self.current = StateSet(count: program.count)
        self.next = StateSet(count: program.count)
    }

    /// Which ASCII characters a match can begin with; `nil` when it may be empty.
    var starts: [Bool]? {
        var starts = Array(repeating: false, count: 128)
        var seen = StateSet(count: self.program.count)
        var waiting = [0]
        while let state = waiting.popLast() {
            guard seen.insert(state) else { continue }
            switch self.program[state] {
            case .match: return nil
            case .jump(let target): waiting.append(target)
            case .split(let one, let other): waiting += [one, other]
            case .assert: waiting.append(state + 1)
            case .character, .any, .set:
                for scalar in starts.indices where self.takes(state, UInt32(scalar)) {
                    starts[scalar] = true
                }
            }
        }
        return starts
    }

    /// Whether the program's expression is matched somewhere in a line of characters.
    mutating func occurs(in scalars: [UInt32]) -> Bool {
        self.current.clear()
        var place = 0
        while place <= scalars.count {
            // Nothing has begun: go on to where something can.
            if self.current.members.isEmpty, let skips = self.skips {
                while place < scalars.count, scalars[place] < 128, !skips[Int(scalars[place])] {
                    place += 1
                }
                if place == scalars.count { return false }
            }
            // A match may begin anywhere.
            if Self.add(self.program, 0, at: place, scalars, to: &self.current, &self.waiting) {
                return true
            }
            guard place < scalars.count else { return false }
            self.next.clear()
            for state in self.current.members where self.takes(state, scalars[place]) {
                let place = place + 1
                let program = self.program
                if Self.add(program, state + 1, at: place, scalars, to: &self.next, &self.waiting) {
                    return true
                }
            }
            swap(&self.current, &self.next)
            place += 1
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
    private static func add(
        _ program: [PatternInstruction],
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
            switch program[state] {
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
