// Decides when the script that runs all tests passes although something failed, and what it then names.

import Foundation
import Testing

/// What one part of the tests does, run after run, and what the script makes of it.
struct SuiteCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// In shell: `run` counts the runs of the part, `alone` is set where one test runs.
    let script: String
    let code: Int32
    let said: [String]
    let unsaid: [String]

    static let all = [
        SuiteCase(
            testDescription: "all pass",
            script: "pass",
            code: 0,
            said: ["passed after 1 seconds"],
            unsaid: ["UNSTABLE", "FAILED", "words of"]
        ),
        SuiteCase(
            testDescription: "two fail beside others",
            script: "[ $alone ] && pass; fail first second",
            code: 0,
            said: [
                "UNSTABLE", "^GatewayTests[./]A/first[(][)]", "^GatewayTests[./]A/second[(][)]",
                "words of first", "words of second",
            ],
            unsaid: ["FAILED"]
        ),
        SuiteCase(
            testDescription: "one fails in its third run alone as well",
            script: "[ ! $alone ] || [ $run -eq 4 ] && fail first; pass",
            code: 1,
            said: ["FAILED", "swift test --no-parallel --filter ^GatewayTests", "words of first"],
            unsaid: ["UNSTABLE"]
        ),
        SuiteCase(
            testDescription: "one is not found again",
            script: "[ $alone ] && none; fail first",
            code: 1,
            said: ["FAILED", "words of first"],
            unsaid: ["UNSTABLE"]
        ),
        SuiteCase(
            testDescription: "four fail",
            script: "[ $alone ] && pass; fail first second third fourth",
            code: 1,
            said: ["FAILED", "words of first", "words of fourth"],
            unsaid: ["UNSTABLE"]
        ),
        SuiteCase(
            testDescription: "it breaks off once",
            script: "[ $run -eq 1 ] && hang; pass",
            code: 0,
            said: ["UNSTABLE", "BROKE OFF in \"slow\""],
            unsaid: ["FAILED", "BROKE OFF in \"quick\""]
        ),
        SuiteCase(
            testDescription: "it breaks off twice",
            script: "hang",
            code: 1,
            said: ["FAILED", "BROKE OFF in \"slow\""],
            unsaid: ["UNSTABLE"]
        ),
        SuiteCase(
            testDescription: "it breaks off, then a test fails",
            script: "[ $run -eq 1 ] && hang; fail first",
            code: 1,
            said: ["FAILED", "BROKE OFF in \"slow\"", "words of first"],
            unsaid: ["UNSTABLE"]
        ),
        SuiteCase(
            testDescription: "it ends badly after its tests, twice",
            script: "(pass); exit 1",
            code: 1,
            said: ["FAILED", "BROKE OFF before or after its tests"],
            unsaid: ["UNSTABLE"]
        ),
    ]

    /// The toolchain of this case: one part does as told, all others pass.
    var toolchain: String {
        """
        #!/bin/sh
        pass() { echo '✔ Test run with 1 test in 1 suite passed after 1 seconds.'; exit 0; }
        none() { echo '✔ Test run with 0 tests in 0 suites passed after 0 seconds.'; exit 0; }
        hang() {
            echo '◇ Test "quick" started.'
            echo '✔ Test "quick" with 2 test cases passed after 1 seconds.'
            echo '◇ Test "slow" started.'
            exit 124
        }
        fail() {
            for name; do
                echo "✘ Test \\"$name\\" recorded an issue at A.swift:1:1: words of $name"
                [ ! "$file" ] || printf '<testcase classname="%s" name="%s()">\\n<failure/>\\n' \\
                    GatewayTests.A "$name" >> "$file"
            done
            echo "✘ Test run with $# tests in 1 suite failed after 1 seconds."
            exit 1
        }
        [ "$1" = build ] && exit 0
        case "$*" in *--help-hidden*) exit 0 ;; esac
        case "$*" in *'--filter ^GatewayTests'*) ;; *) pass ;; esac
        alone= file=
        case "$*" in *GatewayTests'[./]'*) alone=1 ;; *) file=$(dirname "$4")/part-all.xml ;; esac
        echo >> "$0.runs"
        run=$(wc -l < "$0.runs")
        \(self.script)
        """
    }
}

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct SuiteScript {
        @Test(
            "what fails runs again, alone or as a part, and is named; what fails again fails the suite",
            arguments: SuiteCase.all
        )
        func again(_ one: SuiteCase) async throws {
            try await Site.with(.embedded) { site in
                let tree = try site.makeFolder("tree")
                let temporary = try site.makeFolder("temporary")
                let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appendingPathComponent("../../../cluster").standardized.path
                let files = FileManager.default
                // Nothing is installed here.
                let prepare = "prepare() { :; }\nprepare_peers() { :; }\n"
                let script = try String(contentsOfFile: "\(scripts)/test", encoding: .utf8)
                for (name, text) in [
                    ("cluster/prepare.sh", prepare), ("cluster/test", script),
                    ("bin/swift", one.toolchain),
                ] {
                    let path = URL(fileURLWithPath: "\(tree)/\(name)")
                    try files.createDirectory(
                        at: path.deletingLastPathComponent(),
                        withIntermediateDirectories: true
                    )
                    try text.write(to: path, atomically: true, encoding: .utf8)
                    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.path)
                }
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(fileURLWithPath: "\(tree)/cluster/test")
                process.environment = ["PATH": "\(tree)/bin:/usr/bin:/bin", "TMPDIR": temporary]
                process.standardOutput = output
                process.standardError = output
                try process.run()
                let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(process.terminationStatus == one.code, "\(text)")
                for words in one.said { #expect(text.contains(words), "\(words)\n\(text)") }
                for words in one.unsaid { #expect(!text.contains(words), "\(words)\n\(text)") }
                #expect(try files.contentsOfDirectory(atPath: temporary) == [])
            }
        }
    }
}
