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

    /// How it is looked for.
    enum Kind: Sendable {
        case text([UInt8])
        /// Which ASCII characters a match can begin with; `nil` when it may be empty.
        case program([PatternInstruction], starts: [Bool]?)
    }

    /// How it is looked for.
    let kind: Kind
    /// Whether large and small letters are the same.
    let ignoresCase: Bool
    /// Whether it speaks of escape sequences; what does not sees through them.
    let seesEscapes: Bool

    /// Looks for a text.
    init(text: String, ignoresCase: Bool) {
        let wanted = Array((ignoresCase ? text.lowercased() : text).utf8)
        self.kind = .text(wanted)
        self.ignoresCase = ignoresCase
        self.seesEscapes = wanted.contains(0x1B)
    }

    /// Looks for a regular expression.
    ///
    /// - Throws: What is wrong with it, or which part of it is not spoken here.
    init(expression: String, ignoresCase: Bool) throws(PatternError) {
        var compiler = PatternCompiler(expression, ignoresCase: ignoresCase)
        let program = try compiler.compile()
        let matcher = PatternMatcher(program: program, ignoresCase: ignoresCase)
        self.kind = .program(program, starts: matcher.starts)
        self.ignoresCase = ignoresCase
        self.seesEscapes = program.contains {
            if case .character(0x1B) = $0 { true } else { false }
        }
    }

    /// Steps that looking at so many bytes may take.
    func steps(_ bytes: Int) -> Int {
        switch self.kind {
        case .text(let wanted): bytes * max(1, wanted.count)
        case .program(let program, _): bytes * program.count
        }
    }

    /// Whether it occurs in a line.
    func occurs(in line: String) -> Bool {
        var finder = LineFinder(self)
        return finder.occurs(in: Array(line.utf8)[...])
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
