// One module's text: its imports and exports, written anew for the joined file or for a module beside it.

/// A module that is joined with others, or imports from them.
struct PageModule {
    let path: String
    private var statements: [Statement] = []

    /// Reads a module's statements.
    ///
    /// - Throws: ``PageFiles/Flaw`` for an import of a form that is not known.
    init(_ path: String, _ text: String) throws(PageFiles.Flaw) {
        self.path = path
        self.statements = try self.read(text)
    }

    /// The paths of the modules that it needs before it can begin.
    var imported: [String] {
        self.statements.compactMap { statement in
            guard case .imports(_, let target, _) = statement else { return nil }
            return target
        }
    }

    /// A function of the joined file: called once, it gives what the module exports.
    func joined(with paths: Set<String>) throws(PageFiles.Flaw) -> String {
        var exports: [String] = []
        var lines: [String] = []
        for statement in self.statements {
            switch statement {
            case .line(let line):
                let later = self.later(line) { target in
                    paths.contains(target)
                        ? "Promise.resolve().then(() => \(PageJoin.name(target)))"
                        : "import(\"./\(target)\")"
                }
                lines.append(try self.declared(later, &exports))
            case .imports(let clause, let target, _):
                guard paths.contains(target) else { throw self.flaw("what imports \(target)") }
                let name = PageJoin.name(target)
                lines.append("const \(clause.all ?? "{ \(clause.members) }") = \(name);")
            }
        }
        return """
            // \(self.path)
            const \(PageJoin.name(self.path)) = (() => {
            \(lines.joined(separator: "\n"))
            return { \(exports.joined(separator: ", ")) };
            })();

            """
    }

    /// The module with what it imports from the joined ones taken from their file.
    func outside(_ paths: Set<String>) throws(PageFiles.Flaw) -> String {
        let up = String(repeating: "../", count: self.path.split(separator: "/").count - 1)
        let file = (up.isEmpty ? "./" : up) + PageJoin.path
        var count = 0
        var lines: [String] = []
        for statement in self.statements {
            switch statement {
            case .line(let line):
                let later = self.later(line) { target in
                    guard paths.contains(target) else { return nil }
                    return "import(\"\(file)\").then((all) => all.\(PageJoin.name(target)))"
                }
                lines.append(later)
            case .imports(let clause, let target, let written):
                guard paths.contains(target) else {
                    lines += written
                    continue
                }
                let name = PageJoin.name(target)
                count += 1
                lines.append(
                    clause.all.map { "import { \(name) as \($0) } from \"\(file)\";" }
                        ?? "import { \(name) as joined$\(count) } from \"\(file)\"; "
                        + "const { \(clause.members) } = joined$\(count);"
                )
                // Lines keep their numbers.
                lines += Array(repeating: "", count: written.count - 1)
            }
        }
        return lines.joined(separator: "\n")
    }

    // MARK: Statements

    /// What a statement imports.
    private struct Clause {
        /// The name for all of a module, as in `* as clock`.
        var all: String?
        /// Members as a pattern: `a, b: c`.
        var members = ""
    }

    private enum Statement {
        case line(String)
        /// What is imported, the path it means, and the lines that say so.
        case imports(Clause, String, [String])
    }

    /// The text's lines, those of a static import together.
    private func read(_ text: String) throws(PageFiles.Flaw) -> [Statement] {
        var statements: [Statement] = []
        var open: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if open.isEmpty, !line.hasPrefix("import ") {
                if Self.isStrange(line) { throw self.flaw(line) }
                statements.append(.line(String(line)))
                continue
            }
            open.append(String(line))
            guard line.hasSuffix(";") else { continue }
            statements.append(try self.imports(open))
            open = []
        }
        guard open.isEmpty else { throw self.flaw(open[0]) }
        return statements
    }

    /// Whether a line imports or exports in a way that would be taken for something else.
    private static func isStrange(_ line: Substring) -> Bool {
        if line.contains("import.meta") || line.contains("import('") { return true }
        let words = line.drop { $0 == " " || $0 == "\t" }
        guard words.hasPrefix("import") || words.hasPrefix("export"),
            let next = words.dropFirst(6).first, " {*\"'".contains(next)
        else { return false }
        return !line.hasPrefix("export ")
    }

    private func imports(_ lines: [String]) throws(PageFiles.Flaw) -> Statement {
        let words = lines.joined(separator: " ").split(separator: " ")
        // import … from "./name.js";
        guard words.count >= 4, words[words.count - 2] == "from", let last = words.last,
            last.hasPrefix("\"."), last.hasSuffix("\";"),
            let target = PageImports.resolve(String(last.dropFirst().dropLast(2)), from: self.path)
        else { throw self.flaw(lines[0]) }
        let clause = words[1..<(words.count - 2)].joined(separator: " ")
        if clause.hasPrefix("* as ") {
            return .imports(Clause(all: String(clause.dropFirst(5))), target, lines)
        }
        guard clause.hasPrefix("{"), clause.hasSuffix("}") else { throw self.flaw(lines[0]) }
        let members = clause.dropFirst().dropLast().split(separator: ",").map { member in
            // `a as b` is the pattern `a: b`.
            member.split(separator: " ").joined(separator: " ").replacing(" as ", with: ": ")
        }
        return .imports(
            Clause(members: members.filter { !$0.isEmpty }.joined(separator: ", ")),
            target,
            lines
        )
    }

    /// A line without its `export`; what it exports is added.
    private func declared(
        _ line: String,
        _ exports: inout [String]
    ) throws(PageFiles.Flaw) -> String {
        guard line.hasPrefix("export ") else { return line }
        let isDefault = line.hasPrefix("export default ")
        let declaration = String(line.dropFirst((isDefault ? "export default " : "export ").count))
        var words = declaration.split(separator: " ")[...]
        if words.first == "async" { words = words.dropFirst() }
        let kind = words.popFirst() ?? ""
        let name = String(
            (words.first ?? "").prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
        )
        guard ["function", "class", "const"].contains(kind), !name.isEmpty else {
            throw self.flaw(line)
        }
        exports.append(isDefault ? "default: \(name)" : name)
        return declaration
    }

    /// A line with its `import("./…")` replaced, which load something later; `replacement` is given the
    /// path that one means, and leaves it with `nil`.
    private func later(_ line: String, _ replacement: (String) -> String?) -> String {
        guard line.contains("import(\"") else { return line }
        // What a comment says of a type stays: `import("./a.js").Name`.
        return line.replacing(/\bimport\("(\.[^"]*)"\)(?!\.[A-Z])/) { found in
            PageImports.resolve(String(found.1), from: self.path).flatMap(replacement)
                ?? String(found.0)
        }
    }

    private func flaw(_ words: some StringProtocol) -> PageFiles.Flaw {
        PageFiles.Flaw(description: "\(self.path) cannot be joined with the others: \(words)")
    }
}
