// Which files of the distribution the page may use, under which names, and what is lost without one.

/// A file that belongs to a package of the distribution; it is served as it is installed.
public struct VendorFile: Sendable, Hashable {
    /// Its name under `/vendor/`.
    public var name: String
    /// Where packages put it; the first that is there counts.
    public var paths: [String]
    /// The package that brings it.
    public var package: String
    /// What the page does without it: the end of a sentence.
    public var without: String

    /// All that are served; nothing else of the machine is.
    public static let all = [
        VendorFile(
            name: "marked.js",
            paths: [
                "/usr/share/javascript/marked/marked.umd.min.js",
                "/usr/share/javascript/marked/marked.min.js",
            ],
            package: "libjs-marked",
            without: "Markdown is shown as plain text"
        ),
        VendorFile(
            name: "diff.js",
            paths: ["/usr/share/nodejs/diff/lib/index.mjs"],
            package: "node-diff",
            without: "two texts are shown one below the other"
        ),
        VendorFile(
            name: "inter.ttf",
            paths: ["/usr/share/fonts/truetype/inter-vf/Inter-roman.var.ttf"],
            package: "fonts-inter-variable",
            without: "the browser's own letters are used"
        ),
        VendorFile(
            name: "mono.ttf",
            paths: ["/usr/share/fonts/truetype/jetbrains-mono/JetBrainsMono-Regular.ttf"],
            package: "fonts-jetbrains-mono",
            without: "the browser's own letters of one width are used"
        ),
    ]
}
