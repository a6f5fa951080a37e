// What a rule about Swift files is: what it finds, where, and samples that prove that it does.

import Testing

/// One rule about single Swift files.
struct Rule: Sendable, CustomTestStringConvertible {
    /// A text that stands for a file.
    struct Sample: Sendable {
        var path: String
        var text: String

        init(_ text: String, at path: String = "Sources/Store/Sample.swift") {
            self.path = path
            self.text = text
        }

        var file: SourceFile { SourceFile(path: self.path, text: self.text) }
    }

    /// A place where the rule does not hold, and why.
    struct Exception: Sendable {
        /// A file, or a folder with a slash at its end.
        var path: String
        var reason: String
    }

    /// What must be so.
    var title: String
    /// The folders of the repository it holds for.
    var folders: [String] = ["Sources", "Tests", "loadtests"]
    var exceptions: [Exception] = []
    /// Each must be found.
    var violations: [Sample]
    /// None may be found.
    var allowed: [Sample] = []
    var find: @Sendable (SourceFile) -> [Finding]

    var testDescription: String { self.title }

    /// Whether the rule is asked about this file.
    func covers(_ path: String) -> Bool {
        self.folders.contains { path.hasPrefix("\($0)/") }
    }

    /// Whether an exception covers this file.
    func excepts(_ path: String) -> Bool { self.exceptions.contains { Self.covers($0, path) } }

    /// Whether `exception` is about this file.
    static func covers(_ exception: Exception, _ path: String) -> Bool {
        exception.path.hasSuffix("/")
            ? path.hasPrefix(exception.path) : path == exception.path
    }
}
