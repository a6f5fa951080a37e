// Rules about the shape of files: their size, their first line, their names.

extension Rule {
    private static let linesMax = 400
    private static let functionLinesMax = 70

    /// A file can be read in one sitting.
    static let fileLength = Rule(
        title: "no file is longer than 400 lines",
        violations: [Sample(String(repeating: "\n", count: 401))],
        allowed: [Sample(String(repeating: "\n", count: 400))]
    ) { file in
        guard file.lines.count > Self.linesMax else { return [] }
        return [file.finding(Self.linesMax + 1, "split it: \(file.lines.count) lines")]
    }

    /// A function can be seen whole.
    static let functionLength = Rule(
        title: "no function is longer than 70 lines",
        violations: [
            Sample("func a() {\n" + String(repeating: "    b()\n", count: 69) + "}"),
            Sample(
                "    init(\n        a: () -> Void = {}\n    ) {"
                    + String(repeating: "\n", count: 70) + "}"
            ),
        ],
        allowed: [
            Sample("func a() {\n" + String(repeating: "    b()\n", count: 68) + "}"),
            Sample("protocol P {\n    func a()\n" + String(repeating: "\n", count: 80) + "}"),
            Sample(
                "    func a() -> Int { 1 }\n"
                    + String(repeating: "    var b: Int { 1 }\n", count: 80)
            ),
        ]
    ) { file in
        FunctionScanner.functions(in: file.code)
            .filter { $0.count > Self.functionLinesMax }
            .map { file.finding($0.lowerBound, "split the function: \($0.count) lines") }
    }

    /// A file says what it decides.
    static let firstLine = Rule(
        title: "every file begins with a sentence that says what it decides",
        violations: [
            Sample("import Store"), Sample("//\n// Sample.swift"), Sample("// empty\n"),
            Sample("/// Decides a thing.\nenum A {}"), Sample("\n// Decides a thing."),
        ],
        allowed: [
            Sample("// Decides a thing.\n\nenum A {}"),
            Sample("// Decides a thing,\n// and another.\n\nenum A {}"),
        ]
    ) { file in
        let head = file.lines.prefix { $0.hasPrefix("// ") }
        let isSentence = head.last?.hasSuffix(".") ?? false
        return isSentence ? [] : [file.finding(1, "begin with `// ` and one sentence")]
    }

    /// A name says what a thing is.
    static let names = Rule(
        title: "nothing is named Utils, Helpers, Common or Manager",
        violations: [
            Sample("", at: "Sources/Common/A.swift"), Sample("", at: "Sources/Store/Utils.swift"),
            Sample("", at: "Sources/Store/StringHelpers.swift"),
            Sample("", at: "Sources/Store/Helpers/A.swift"),
            Sample("final class LaneManager {}"), Sample("private enum TextUtil {}"),
        ],
        allowed: [Sample("struct ManagerOfAll {}"), Sample("", at: "Sources/Store/Common+A.swift")]
    ) { file in
        let word =
            /^(?:Common|Shared|Models|Misc|Runtime)$|(?:Utils?|Utilities|Helpers?|Managers?)$/
        var findings = [file.stem] + file.path.split(separator: "/").dropLast().map(String.init)
        findings.removeAll { !$0.contains(word) }
        let declared = file.findings(
            matching:
                /\b(?:actor|class|enum|protocol|struct)\s+\w*(?:Utils?|Utilities|Helpers?|Managers?)\b/,
            "name the type after what it decides"
        )
        return findings.map { file.finding(1, "name '\($0)' after what it decides") } + declared
    }
}
