// Which modules a module needs before it can begin, so that a browser is told of all at once.

/// Finds static imports in the page's own modules.
///
/// Reads only what our modules have: an `import` or `export … from` that begins a line.
enum PageImports {
    /// The modules that these import, directly or not, themselves first; those that there are.
    ///
    /// - Parameters:
    ///   - roots: Paths of modules.
    ///   - text: Gives a module's text; `nil` when there is none.
    /// - Returns: Paths, each once, in the order in which they are found.
    static func closure(of roots: [String], text: (String) -> String?) -> [String] {
        var found: [String] = []
        var seen = Set(roots)
        var pending = roots
        while !pending.isEmpty {
            let path = pending.removeFirst()
            guard let module = text(path) else { continue }
            found.append(path)
            for name in Self.names(in: module) {
                guard let next = Self.resolve(name, from: path), seen.insert(next).inserted else {
                    continue
                }
                pending.append(next)
            }
        }
        return found
    }

    /// The relative names that a module imports.
    static func names(in text: String) -> [String] {
        var names: [String] = []
        /// What a statement begun on an earlier line has so far.
        var open: String?
        for line in text.split(separator: "\n") {
            let words = line.drop { $0 == " " || $0 == "\t" }
            let statement: String
            if let begun = open {
                statement = begun + " " + words
            } else if words.hasPrefix("import") || words.hasPrefix("export") {
                statement = String(words)
            } else {
                continue
            }
            open = nil
            // `import(…)` is for later; `export const …` and the like import nothing.
            guard let end = statement.firstIndex(where: { "'\"(=;".contains($0) }) else {
                let isList = statement.contains("{") && !statement.contains("}")
                if isList, statement.utf8.count < 4_096 { open = statement }
                continue
            }
            let quote = statement[end]
            let before = statement[..<end].split(separator: " ").last ?? ""
            guard quote == "'" || quote == "\"", before == "import" || before.hasSuffix("from")
            else { continue }
            let name = statement[statement.index(after: end)...].prefix { $0 != quote }
            if name.hasPrefix("./") || name.hasPrefix("../") { names.append(String(name)) }
        }
        return names
    }

    /// The path that a relative name means; `nil` when it leaves the folder.
    static func resolve(_ name: String, from path: String) -> String? {
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in name.split(separator: "/") {
            switch part {
            case ".": continue
            case "..":
                guard !parts.isEmpty else { return nil }
                parts.removeLast()
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}
