// What Package.swift declares, read from its text.

/// The targets of a manifest and their dependencies.
struct Manifest {
    /// A target below `Sources` or `Tests`.
    struct Target {
        var name: String
        var line: Int
        /// Whether its folder is in `Sources`.
        var isModule: Bool
        /// Names of targets and products.
        var dependencies: Set<String>
    }

    var targets: [Target] = []

    /// Reads a manifest written as ours is: constants for products, then the targets.
    init(_ text: String) {
        let products = text.matches(
            of: /let (\w+) = Target\.Dependency\.product\(name: "(\w+)"/
        )
        let constants = Dictionary(
            products.map { (String($0.output.1), String($0.output.2)) },
            uniquingKeysWith: { first, _ in first }
        )
        for match in text.matches(of: /\.(target|executableTarget|systemLibrary|testTarget)\(/) {
            let block = Self.block(of: text[match.range.upperBound...], "(", ")")
            guard let name = block.firstMatch(of: /name:\s*"([^"]+)"/)?.output.1 else { continue }
            self.targets.append(
                Target(
                    name: String(name),
                    line: text[..<match.range.lowerBound].count { $0.isNewline } + 1,
                    isModule: match.output.1 != "testTarget"
                        && !block.contains(/path:\s*"Tests\//),
                    dependencies: Self.dependencies(in: block, constants)
                )
            )
        }
    }

    private static func dependencies(
        in block: Substring,
        _ constants: [String: String]
    ) -> Set<String> {
        guard let start = block.firstMatch(of: /dependencies:\s*\[/) else { return [] }
        var list = String(Self.block(of: block[start.range.upperBound...], "[", "]"))
        list.replace(/\.product\(\s*name:\s*("[^"]+")[^)]*\)/) { String($0.output.1) }
        let words = list.split { $0 == "," || $0.isWhitespace }
        return Set(
            words.map { word in
                word.hasPrefix("\"")
                    ? String(word.dropFirst().dropLast()) : constants[String(word)] ?? String(word)
            }
        )
    }

    /// The text up to the bracket that closes the one before it.
    private static func block(
        of text: Substring,
        _ open: Character,
        _ close: Character
    ) -> Substring {
        var depth = 1
        let end = text.firstIndex { character in
            if character == open { depth += 1 }
            if character == close { depth -= 1 }
            return depth == 0
        }
        return text[..<(end ?? text.endIndex)]
    }
}
