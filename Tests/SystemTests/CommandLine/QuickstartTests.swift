// Decides that the quickstart leaves nothing in the temporary folder, however its build ends.

import Foundation
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(1)))
    struct Quickstart {
        @Test(
            "the quickstart removes its log, whether the build succeeds or not",
            arguments: [0, 1]
        )
        func log(buildCode: Int) async throws {
            try await Site.with(.embedded) { site in
                let tree = try site.makeFolder("tree")
                let temporary = try site.makeFolder("temporary")
                let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appendingPathComponent("../../../cluster/quickstart").standardized
                let files = FileManager.default
                for folder in ["cluster", "bin", ".build/release"] {
                    try files.createDirectory(
                        atPath: "\(tree)/\(folder)",
                        withIntermediateDirectories: true
                    )
                }
                try files.copyItem(atPath: script.path, toPath: "\(tree)/cluster/quickstart")
                for (name, text) in [
                    ("cluster/prepare.sh", "prepare() { :; }\n"),
                    ("bin/swift", "#!/bin/sh\necho built\nexit \(buildCode)\n"),
                    (".build/release/opsroom", "#!/bin/sh\necho \"ran $*\"\n"),
                ] {
                    try text.write(toFile: "\(tree)/\(name)", atomically: true, encoding: .utf8)
                    try files.setAttributes(
                        [.posixPermissions: 0o755],
                        ofItemAtPath: "\(tree)/\(name)"
                    )
                }
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(fileURLWithPath: "/bin/sh")
                process.arguments = ["\(tree)/cluster/quickstart", "plan.yaml"]
                process.environment = ["PATH": "\(tree)/bin:/usr/bin:/bin", "TMPDIR": temporary]
                process.standardOutput = output
                process.standardError = output
                try process.run()
                let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(process.terminationStatus == Int32(buildCode), "\(text)")
                #expect(text.contains(buildCode == 0 ? "ran run plan.yaml" : "built"), "\(text)")
                #expect(try files.contentsOfDirectory(atPath: temporary) == [])
            }
        }
    }
}
