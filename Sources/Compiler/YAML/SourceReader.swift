// How a plan file's bytes become a tree of located values, or diagnostics.

internal import PulserIR
internal import Yams

/// Reads YAML (and JSON, which is YAML) under the rules of plan files: UTF-8, one document, text
/// keys, each once, no tags, no merge keys, bounded size, depth and number of values.
struct SourceReader {
    private let file: SourceFile
    private var log: DiagnosticLog
    private var nodes = 0

    /// The tree of `bytes`, or `nil` when `log` says why there is none.
    static func read(
        _ bytes: [UInt8],
        named name: String,
        log: inout DiagnosticLog
    ) -> (root: SourceNode, file: SourceFile)? {
        let start = SourceMark(line: 1, column: 1)
        guard bytes.count <= Limits.planBytesMax else {
            log.error(
                "the file has \(bytes.count) bytes, a plan at most \(Limits.planBytesMax)",
                at: start,
                hint: "split it into child plans"
            )
            return nil
        }
        let file = SourceFile(name: name, bytes: bytes)
        if let (offset, problem) = CharacterCheck.problem(in: bytes) {
            log.error(problem, at: file.mark(at: offset), hint: "plans are UTF-8 text")
            return nil
        }
        if let refusal = NestingScanner.refusal(of: bytes) {
            log.error(refusal.message, at: file.mark(at: refusal.offset), hint: refusal.hint)
            return nil
        }
        var reader = SourceReader(file: file, log: log)
        defer { log = reader.log }
        guard let node = reader.compose(), let root = reader.convert(node, depth: 0) else {
            return nil
        }
        return (root, file)
    }

    private init(file: SourceFile, log: DiagnosticLog) {
        self.file = file
        self.log = log
    }

    // MARK: Composing

    /// The composed document. Yams stops at the first map with a key written twice and names only
    /// the first of both; that one is renamed and the text composed again to find the others.
    private mutating func compose() -> Node? {
        var bytes = self.file.bytes
        for round in 0..<16 {
            do {
                let text = String(decoding: bytes, as: UTF8.self)
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                guard let node = try parser.singleRoot() else {
                    self.log.error("the file is empty", at: SourceMark(line: 1, column: 1))
                    return nil
                }
                return node
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let mark = SourceMark(line: context.mark.line, column: context.mark.column)
                let name = names.first ?? ""
                guard let renamed = self.rename(name, at: mark, round: round, in: bytes) else {
                    self.log.error("key '\(name)' is written twice", at: mark)
                    return nil
                }
                bytes = renamed
                self.renamed[Self.stand(in: round)] = (name, mark)
            } catch let error as YamlError {
                self.report(error)
                return nil
            } catch {
                self.log.error("not valid YAML", at: SourceMark(line: 1, column: 1))
                return nil
            }
        }
        self.log.error("too many keys are written twice", at: SourceMark(line: 1, column: 1))
        return nil
    }

    /// Keys that stand in for others: which key they were.
    private var renamed: [String: (name: String, mark: SourceMark)] = [:]

    /// A character of a private-use area that no plan holds, one per round.
    private static func stand(in round: Int) -> String {
        Unicode.Scalar(UInt32(0xF_FF00 + round)).map { String(Character($0)) } ?? "?"
    }

    /// `bytes` with the key at `mark` renamed to a private character.
    private func rename(
        _ name: String,
        at mark: SourceMark,
        round: Int,
        in bytes: [UInt8]
    ) -> [UInt8]? {
        let key = Array(name.utf8)
        let text = SourceFile(name: self.file.name, bytes: bytes)
        guard !key.isEmpty, var start = text.offset(of: mark) else { return nil }
        if bytes[start] == 0x22 || bytes[start] == 0x27 { start += 1 }
        guard bytes[start...].starts(with: key) else { return nil }
        var result = bytes
        result.replaceSubrange(start..<(start + key.count), with: Self.stand(in: round).utf8)
        return result
    }

    private mutating func report(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = SourceMark(line: mark.line, column: mark.column)
            if problem == "but found another document" {
                self.log.error(
                    "a file holds one plan, but another document begins here",
                    at: place,
                    hint: "remove the '---', or move the second plan to its own file"
                )
                return
            }
            let around = context.map { " (\($0.text.trimmed) that began in line \($0.mark.line))" }
            self.log.error("not valid YAML: \(problem)\(around ?? "")", at: place)
        case .reader(let problem, let offset, _, _):
            let place = offset.map { self.file.mark(at: $0) } ?? SourceMark(line: 1, column: 1)
            self.log.error("not valid YAML: \(problem)", at: place)
        default:
            self.log.error("not valid YAML", at: SourceMark(line: 1, column: 1))
        }
    }

    // MARK: Converting

    private mutating func convert(_ node: Node, depth: Int) -> SourceNode? {
        let mark = SourceMark(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        self.nodes += 1
        guard self.nodes <= Limits.planNodesMax else {
            if self.nodes == Limits.planNodesMax + 1 {
                self.log.error(
                    "more than \(Limits.planNodesMax) values once aliases are followed",
                    at: mark
                )
            }
            return nil
        }
        guard depth <= Limits.planDepthMax else {
            self.log.error("nested deeper than \(Limits.planDepthMax) levels", at: mark)
            return nil
        }
        switch node {
        case .scalar(let scalar): return self.convert(scalar, at: mark)
        case .sequence(let sequence):
            self.refuseTag(sequence.tag, besides: "seq", at: mark)
            var items: [SourceNode] = []
            for item in sequence {
                guard let item = self.convert(item, depth: depth + 1) else { return nil }
                items.append(item)
            }
            return SourceNode(content: .list(items), mark: mark)
        case .mapping(let mapping):
            self.refuseTag(mapping.tag, besides: "map", at: mark)
            guard let entries = self.entries(of: mapping, depth: depth) else { return nil }
            return SourceNode(content: .map(entries), mark: mark)
        case .alias: return SourceNode(content: .null, mark: mark)
        }
    }

    private mutating func convert(_ scalar: Node.Scalar, at mark: SourceMark) -> SourceNode {
        let style: SourceNode.Style =
            switch scalar.style {
            case .any, .plain: .plain
            case .singleQuoted: .singleQuoted
            case .doubleQuoted: .doubleQuoted
            case .literal, .folded: .block
            }
        self.refuseTag(scalar.tag, besides: "str", at: mark)
        let isText = style != .plain || scalar.tag.rawValue == "tag:yaml.org,2002:str"
        guard !isText else {
            return SourceNode(content: .text(scalar.string), mark: mark, style: style)
        }
        do {
            let content = try ScalarResolver.resolve(scalar.string)
            return SourceNode(content: content, mark: mark, style: style)
        } catch {
            self.log.error(error.message, at: mark, hint: "put it in quotes to keep it as text")
            return SourceNode(content: .null, mark: mark)
        }
    }

    private mutating func entries(of mapping: Node.Mapping, depth: Int) -> [SourceEntry]? {
        var entries: [SourceEntry] = []
        var seen: [String: SourceMark] = [:]
        for (node, value) in mapping {
            guard let key = self.key(node) else { continue }
            if let first = seen[key.name] {
                self.log.error(
                    "key '\(key.name)' is written twice",
                    at: max(key.mark, first),
                    hint: "the first one is in line \(min(key.mark, first).line)"
                )
                continue
            }
            seen[key.name] = key.mark
            guard let value = self.convert(value, depth: depth + 1) else { return nil }
            entries.append(SourceEntry(key: key.name, mark: key.mark, value: value))
        }
        return entries
    }

    private mutating func key(_ node: Node) -> (name: String, mark: SourceMark)? {
        let mark = SourceMark(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        guard case .scalar(let scalar) = node else {
            self.log.error("a key must be text, not a list or map", at: mark)
            return nil
        }
        if let (name, place) = self.renamed[scalar.string] { return (name, place) }
        if scalar.style == .plain {
            if scalar.string == "<<" {
                self.log.error(
                    "merge keys ('<<') are not part of plan files",
                    at: mark,
                    hint: "write the keys out"
                )
                return nil
            }
            guard case .text? = try? ScalarResolver.resolve(scalar.string) else {
                self.log.error(
                    "a key must be text, '\(scalar.string)' is not",
                    at: mark,
                    hint: "put it in quotes"
                )
                return nil
            }
        }
        return (scalar.string, mark)
    }

    /// Yams marks implicit types with tags of its own; any other tag was written.
    private mutating func refuseTag(_ tag: Tag, besides kind: String, at mark: SourceMark) {
        let name = tag.rawValue
        guard !name.isEmpty, name != "!", name != "tag:yaml.org,2002:\(kind)" else { return }
        let shown = name.replacing("tag:yaml.org,2002:", with: "!!")
        self.log.error(
            "the tag '\(shown)' is not part of plan files",
            at: mark,
            hint: "remove it; text that looks like something else goes in quotes"
        )
    }
}

extension String {
    /// The text without spaces and line ends around it.
    fileprivate var trimmed: String {
        let end = self.lastIndex { !$0.isWhitespace }.map { self.index(after: $0) }
        return String(self[..<(end ?? self.startIndex)].drop { $0.isWhitespace })
    }
}
