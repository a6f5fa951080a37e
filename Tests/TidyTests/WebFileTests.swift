// The rules of the page's files: size, first line, and nothing by which foreign text becomes markup.

import Foundation
import Testing

@Suite("The page's files")
struct WebFileTests {
    /// Lines of one file at most.
    private static let linesMax = 400
    /// Columns of one line at most.
    private static let columnsMax = 140
    /// What a page under a strict policy does not do, and why.
    private static let forbidden: [(text: String, why: String)] = [
        ("innerHTML", "text becomes markup: use html`…`"),
        ("outerHTML", "text becomes markup: use html`…`"),
        ("insertAdjacentHTML", "text becomes markup: use html`…`"),
        ("document.write", "text becomes markup: use html`…`"),
        ("eval(", "text becomes code"),
        ("new Function(", "text becomes code"),
        ("javascript:", "an address becomes code"),
        ("console.log", "what is said is said on the page"),
        (" style=\"", "the policy refuses styles in markup: use a class, or style:name=${…}"),
        ("http://", "nothing is loaded from elsewhere"),
        ("https://", "nothing is loaded from elsewhere"),
    ]
    /// Places where a forbidden text is meant: the one way to markup, names of formats, an example.
    private static let allowed: Set<String> = [
        "core/html.js innerHTML", "leaves/markdown.js javascript:", "data/links.js javascript:",
        "core/html.js http://", "parts/icon.js http://", "core/router.js http://",
    ]
    private static let folder = "Sources/WebUI/assets"

    @Test("the page's files are small, say what they decide, and make no text into markup or code")
    func rules() {
        let files = Repository.files(in: [Self.folder]).filter {
            $0.hasSuffix(".js") || $0.hasSuffix(".css")
        }
        #expect(files.count > 20)
        report(files.flatMap { Self.findings(path: $0, text: Repository.text($0)) })
    }

    @Test("a file without a sentence, one that is too long and one that makes markup are found")
    func samples() {
        #expect(Self.samples("const a = 1;\n") == 1)
        #expect(Self.samples("// Fine.\n" + String(repeating: "let a;\n", count: 400)) == 1)
        #expect(Self.samples("// Fine.\nelement.innerHTML = text;\n") == 1)
        #expect(Self.samples("// Fine.\n\(String(repeating: "a", count: 141))\n") == 1)
        #expect(Self.samples("// Fine.\nlet a;\n") == 0)
    }

    private static func samples(_ text: String) -> Int {
        Self.findings(path: "\(Self.folder)/pages/sample.js", text: text).count
    }

    private static func findings(path: String, text: String) -> [Finding] {
        var found: [Finding] = []
        let name = String(path.dropFirst(Self.folder.count + 1))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let opening = path.hasSuffix(".css") ? "/* " : "// "
        let first = lines.first.map(String.init) ?? ""
        if !first.hasPrefix(opening) || !first.contains(".") {
            found.append(
                Finding(
                    path: path,
                    line: 1,
                    advice: "begin with one sentence: what is decided here"
                )
            )
        }
        if lines.count > Self.linesMax + 1 {
            found.append(
                Finding(
                    path: path,
                    line: lines.count,
                    advice: "split it: \(Self.linesMax) lines at most"
                )
            )
        }
        for (index, line) in lines.enumerated() {
            if path.hasSuffix(".js"), line.count > Self.columnsMax {
                found.append(
                    Finding(
                        path: path,
                        line: index + 1,
                        advice: "\(Self.columnsMax) columns at most"
                    )
                )
            }
            for (text, why) in Self.forbidden
            where line.contains(text) && !Self.allowed.contains("\(name) \(text)") {
                found.append(Finding(path: path, line: index + 1, advice: "no \(text): \(why)"))
            }
        }
        return found
    }
}
