// The formatter has nothing to say.

import Foundation
import Testing

@Suite("Format")
struct FormatTests {
    @Test("the formatter's lint is silent")
    func lint() throws {
        let folders = ["Sources", "Tests", "loadtests", "Package.swift"].filter {
            $0 == "Package.swift" || !Repository.files(in: [$0], ending: ".swift").isEmpty
        }
        let result = try Self.lint(folders)
        #expect(result.status == 0 && result.output.isEmpty, "run swift format:\n\(result.output)")
    }

    @Test("the formatter's lint is not silent about a badly written file")
    func sample() throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "Sample-\(UUID().uuidString).swift")
        try Data("public func a() { b()! ; }\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try Self.lint([file.path])
        #expect(result.status != 0)
        #expect(result.output.contains("NeverForceUnwrap"))
    }

    private static func lint(_ paths: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.currentDirectoryURL = Repository.root
        let settings = Repository.root.appending(path: ".swift-format").path
        process.arguments =
            ["swift", "format", "lint", "--strict", "--configuration", settings, "-r"] + paths
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
