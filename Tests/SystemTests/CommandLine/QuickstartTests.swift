// Decides that scripts which build leave nothing in the temporary folder, however the build ends.

import Foundation
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(1)))
    struct Quickstart {
        @Test(
            "a script that builds removes its log, whether the build succeeds or not",
            arguments: [("quickstart", "run"), ("local", "cluster local")],
            [0, 1]
        )
        func log(_ named: (script: String, command: String), buildCode: Int) async throws {
            let (script, command) = named
            try await Site.with(.embedded) { site in
                let tree = try site.makeFolder("tree")
                let temporary = try site.makeFolder("temporary")
                let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appendingPathComponent("../../../cluster").standardized
                let files = FileManager.default
                for folder in ["cluster", "bin", ".build/release"] {
                    try files.createDirectory(
                        atPath: "\(tree)/\(folder)",
                        withIntermediateDirectories: true
                    )
                }
                try files.copyItem(
                    atPath: "\(scripts.path)/\(script)",
                    toPath: "\(tree)/cluster/\(script)"
                )
                // Nothing is installed here; everything else is as ever.
                let prepare = try String(
                    contentsOfFile: "\(scripts.path)/prepare.sh",
                    encoding: .utf8
                )
                for (name, text) in [
                    ("cluster/prepare.sh", prepare + "\nprepare() { :; }\n"),
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
                process.arguments = ["\(tree)/cluster/\(script)", "word"]
                process.environment = ["PATH": "\(tree)/bin:/usr/bin:/bin", "TMPDIR": temporary]
                process.standardOutput = output
                process.standardError = output
                try process.run()
                let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(process.terminationStatus == Int32(buildCode), "\(text)")
                #expect(text.contains(buildCode == 0 ? "ran \(command) word" : "built"), "\(text)")
                #expect(try files.contentsOfDirectory(atPath: temporary) == [])
            }
        }
    }
}
