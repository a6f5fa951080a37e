// What a stream needs to know of a stored event to choose it, read from its line without parsing JSON.

import PulserIR
import StateMachines

/// What filters look at.
struct EventFacts: Sendable, Hashable {
    /// The place of its kind in ``RunEvent/Kind``'s cases; ``unknownKind`` for a later version's.
    var kind: UInt8
    /// The place of its level in ``EventLevel``'s cases.
    var level: UInt8
    /// Its run's number; 0 when it cannot be read.
    var run: Int64

    static let unknownKind: UInt8 = 63
    static let kinds = RunEvent.Kind.allCases
    static let levels = EventLevel.allCases

    private static let indexes: [String: UInt8] = Dictionary(
        uniqueKeysWithValues: Self.kinds.enumerated().map {
            ($0.element.rawValue, UInt8($0.offset))
        }
    )
    static let outputKind = Self.indexes[RunEvent.Kind.stepOutput.rawValue] ?? 0
    private static let infoLevel = Self.index(of: .info)
    private static let warningLevel = Self.index(of: .warning)
    private static let levelsOfKinds = Self.kinds.map { Self.index(of: $0.level) }
    private static let typeKey = Array(#","type":""#.utf8)
    private static let runKey = Array(#"","run":""#.utf8)
    /// How a line of error output ends: keys are sorted, and text inside JSON has its quotes escaped.
    private static let errorOutputs = [
        Array(#","stream":"stderr"}}"#.utf8),
        Array(#","stream":"stderr","truncated":true}}"#.utf8),
    ]

    init(kind: UInt8, level: UInt8, run: Int64) {
        self.kind = kind
        self.level = level
        self.run = run
    }

    /// Reads a line as ``RunEvent/write(sequence:to:)`` writes it.
    init(_ line: ArraySlice<UInt8>) {
        self.kind = Self.unknownKind
        self.level = Self.infoLevel
        self.run = 0
        // {"seq":12,"at":"2026-11-20T12:00:00.000Z","type":"step.output","run":"abcdefgh"
        guard let comma = line.firstIndex(of: UInt8(ascii: ",")) else { return }
        let typeStart = comma + 32
        guard line.indices.contains(typeStart + Self.typeKey.count),
            line[typeStart...].starts(with: Self.typeKey)
        else { return }
        let nameStart = typeStart + Self.typeKey.count
        guard let nameEnd = line[nameStart...].firstIndex(of: UInt8(ascii: "\"")) else { return }
        let name = String(decoding: line[nameStart..<nameEnd], as: UTF8.self)
        if let kind = Self.indexes[name] {
            self.kind = kind
            self.level = Self.levelsOfKinds[Int(kind)]
        }
        let runStart = nameEnd + Self.runKey.count
        guard line.endIndex >= runStart + 8, line[nameEnd...].starts(with: Self.runKey) else {
            return
        }
        let text = String(decoding: line[runStart..<(runStart + 8)], as: UTF8.self)
        self.run = RunID(text)?.number ?? 0
        if self.kind == Self.outputKind, Self.isErrorOutput(line) {
            self.level = Self.warningLevel
        }
    }

    /// The status a run ends in with this event.
    var endStatus: RunStatus? {
        self.kind == Self.unknownKind ? nil : Self.kinds[Int(self.kind)].endStatus
    }

    private static func isErrorOutput(_ line: ArraySlice<UInt8>) -> Bool {
        Self.errorOutputs.contains { ending in
            line.count >= ending.count && line.suffix(ending.count).elementsEqual(ending)
        }
    }

    private static func index(of level: EventLevel) -> UInt8 {
        UInt8(Self.levels.firstIndex(of: level) ?? 0)
    }
}

/// Which events a subscriber wants.
struct EventFilter: Sendable, Hashable {
    /// Bit by bit the kinds; those of later versions are bit ``EventFacts/unknownKind``.
    var kinds: UInt64 = .max
    /// Bit by bit the levels.
    var levels: UInt8 = .max
    /// Numbers of runs, ascending; empty means all.
    var runs: [Int64] = []
    /// Numbers of the runs whose output is wanted, ascending; `nil` means all.
    var watched: [Int64]?

    /// Whether it wants everything.
    var isOpen: Bool {
        self.kinds == .max && self.levels == .max && self.runs.isEmpty && self.watched == nil
    }

    /// Whether it wants an event.
    func admits(kind: UInt8, level: UInt8, run: Int64) -> Bool {
        self.kinds & (1 << UInt64(kind)) != 0 && self.levels & (1 << level) != 0
            && (self.runs.isEmpty || self.runs.contains(run))
            && (kind != EventFacts.outputKind || (self.watched?.contains(run) ?? true))
    }

    /// The kinds that `patterns` name: a kind, or all that begin like one that ends in `.*`.
    ///
    /// - Returns: `nil` and the pattern that names none.
    static func kinds(_ patterns: [String]) -> Result<UInt64, UnknownName> {
        if patterns.isEmpty { return .success(.max) }
        var kinds: UInt64 = 0
        for pattern in patterns {
            let prefix = pattern.hasSuffix(".*") ? pattern.dropLast() : nil
            let found = EventFacts.kinds.indices.filter { index in
                let name = EventFacts.kinds[index].rawValue
                return prefix.map { name.hasPrefix($0) } ?? (name == pattern)
            }
            if found.isEmpty { return .failure(UnknownName(name: pattern)) }
            for index in found { kinds |= 1 << UInt64(index) }
        }
        return .success(kinds)
    }

    /// The levels that `names` name.
    static func levels(_ names: [String]) -> Result<UInt8, UnknownName> {
        if names.isEmpty { return .success(.max) }
        var levels: UInt8 = 0
        for name in names {
            guard let index = EventFacts.levels.firstIndex(where: { $0.rawValue == name }) else {
                return .failure(UnknownName(name: name))
            }
            levels |= 1 << UInt8(index)
        }
        return .success(levels)
    }

    /// A name that stands for nothing.
    struct UnknownName: Error {
        var name: String
    }
}
