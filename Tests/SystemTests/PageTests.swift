// Decides that the page does in a real browser what it promises, and that its modules hold what they say.

import Foundation
import TestPeers
import Testing

/// The page's own tests and its courses through a browser; each course starts a node of its own.
///
/// Not nested in `SystemTests`: `cluster/test` runs them one after the other, in a part of their own.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct PageTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let tests = Self.root.appending(path: "Tests/WebUITests")
    /// A course that has not ended by then is ended, and has failed.
    private static let courseSeconds = 480

    /// The courses: every file `course_NAME.py`.
    static let courses: [String] = {
        let folder = Self.tests.appending(path: "browser").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("course_") && $0.hasSuffix(".py") }
            .map { String($0.dropFirst("course_".count).dropLast(".py".count)) }.sorted()
    }()

    @Test("there is a course for every page")
    func thereAreCourses() {
        let pages = [
            "approvals", "board", "bulk", "cluster", "hostile", "log", "looks", "metrics",
            "leaving", "palette",
            "plans", "run", "runs", "schedules", "sessions", "settings", "stream", "templates",
            "tls",
        ]
        #expect(pages.filter { !Self.courses.contains($0) } == [])
    }

    @Test(
        "the page's pure modules pass their tests",
        .disabled(if: Peer.node.isAbsent, "\(Peer.node.absence)")
    )
    func units() async throws {
        let folder = Self.tests.appending(path: "unit").path
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".test.js") }.sorted().map { "\(folder)/\($0)" }
        #expect(!files.isEmpty)
        let said = try await Self.run(try Peer.node.required() + ["--test"] + files)
        #expect(said.code == 0, "\(said.words)")
        // No test at all would end well too.
        #expect(said.words.contains(/# pass [1-9]/), "\(said.words)")
    }

    @Test("the page's types agree", .disabled(if: Peer.tsc.isAbsent, "\(Peer.tsc.absence)"))
    func types() async throws {
        let settings = Self.tests.appending(path: "types/jsconfig.json").path
        let said = try await Self.run(try Peer.tsc.required() + ["-p", settings])
        #expect(said.code == 0, "\(said.words)")
    }

    @Test(
        "a person's way through the page, in a browser",
        .disabled(
            if: Peer.playwright.isAbsent || Peer.chromium.isAbsent,
            "\(Peer.playwright.absence), or chromium is not"
        ),
        arguments: Self.courses
    )
    func course(_ name: String) async throws {
        let shots = Self.shots
        try FileManager.default.createDirectory(atPath: shots, withIntermediateDirectories: true)
        _ = try Peer.chromium.required()
        let script = Self.tests.appending(path: "browser/course_\(name).py").path
        let said = try await Self.run(
            ["/usr/bin/env", "timeout", "-k", "20", "\(Self.courseSeconds)"]
                + (try Peer.playwright.required()) + [script],
            environment: [
                "OPSROOM_PROGRAM": "\(Program.folder)/opsroom",
                "OPSROOM_PAGE": Self.root.appending(path: "Sources/WebUI/assets").path,
                "OPSROOM_MIGRATIONS": Self.root.appending(path: "migrations").path,
                "OPSROOM_SHOTS": shots, "PYTHONDONTWRITEBYTECODE": "1",
            ]
        )
        #expect(said.code == 0, "course \(name): \(said.words.suffix(4_000))")
    }

    /// Where pictures of every page go, to be looked at.
    private static var shots: String {
        ProcessInfo.processInfo.environment["OPSROOM_SHOTS"]
            ?? Self.root.appending(path: ".build/screenshots").path
    }

    /// Runs a program to its end; its words and how it ended.
    private static func run(
        _ command: [String],
        environment: [String: String] = [:]
    ) async throws -> (code: Int, words: String) {
        // The shell tells the code behind the words: the process is ended with its whole group.
        let process = try PeerProcess(
            ["/bin/sh", "-c", "\"$@\"; echo \"code $?\"", "sh"] + command,
            environment: environment
        )
        let words = await process.output()
        let code = words.matches(of: /code (\d+)$/.anchorsMatchLineEndings()).last?.output.1
        return (code.flatMap { Int($0) } ?? -1, words)
    }
}
