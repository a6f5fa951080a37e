// What the tools' tests share: a workspace, a context, and a place where output lines arrive.

import AsyncHTTPClient
import Foundation
import Glibc
import Logging
import PulserIR
import Synchronization
import TestKit

@testable import Tools

/// A workspace that is removed with its last reference.
final class Fixture: Sendable {
    let workspace: String
    let lines = LineLog()

    /// Never shut down: it lives as long as the test process.
    private static let client = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: ToolBox.httpClientConfiguration()
    )

    /// Tools; with a short grace where nobody waits for a program's own end.
    static func toolBox(
        guardPath: String? = nil,
        grace: Duration = .milliseconds(300),
        guardMargin: Duration = .seconds(10)
    ) -> ToolBox {
        ToolBox(
            configuration: ToolsConfiguration(
                guardPath: guardPath,
                grace: grace,
                guardMargin: guardMargin
            ),
            httpClient: Self.client
        )
    }

    init() throws {
        var template = Array("/tmp/opsroom-tools-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FixtureError.noFolder }
        self.workspace = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
    }

    deinit { Self.remove(self.workspace) }

    func context(
        _ scope: EvaluationScope = .init(),
        seconds: Int64 = 60,
        scratch: String? = nil
    ) -> ToolContext {
        let lines = self.lines
        return ToolContext(
            runID: "0000test",
            workspace: self.workspace,
            scope: scope,
            deadline: .now + .seconds(seconds),
            scratchDSN: scratch,
            emit: { await lines.take($0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func write(_ text: String, to name: String) throws {
        let path = "\(self.workspace)/\(name)"
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw FixtureError.noFile }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw FixtureError.noFile
        }
    }

    private static func remove(_ path: String) {
        // Never through a link: a test's link may point at anything on the machine.
        let facts = try? FileManager.default.attributesOfItem(atPath: path)
        guard let facts else { return }
        if facts[.type] as? FileAttributeType == .typeDirectory, let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                    field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { Self.remove("\(path)/\(name)") }
            }
            closedir(folder)
        }
        Glibc.remove(path)
    }
}

enum FixtureError: Error {
    case noFolder
    case noFile
    case noLine
}

/// Collects lines; who waits for one does not wait for ever.
actor LineLog {
    private(set) var all: [OutputLine] = []

    func take(_ line: OutputLine) { self.all.append(line) }

    /// What follows `prefix` in the first line that starts with it.
    func rest(after prefix: String) async throws -> String {
        try await eventually("a line starts with \(prefix)") {
            self.all.contains { $0.text.hasPrefix(prefix) }
        }
        let line = self.all.first { $0.text.hasPrefix(prefix) }?.text ?? ""
        return String(line.dropFirst(prefix.count))
    }

    var texts: [String] { self.all.map(\.text) }
}

extension Template {
    /// A template from text.
    static func parse(_ text: String) throws -> Template { try Template(parsing: .string(text)) }
}

extension ShellAction {
    /// A script for `sh`, for tests only: plans cannot say this with expressions inside.
    static func script(_ text: String, environment: [String: Template] = [:]) -> ShellAction {
        ShellAction(
            argv: ["sh", "-c", text].map { .literal(.string($0)) },
            environment: environment
        )
    }
}

/// Whether a process exists, dead but not yet reaped ones included.
func isAlive(_ pid: Int32) -> Bool { kill(pid, 0) == 0 || errno != ESRCH }

/// Whether a process is gone by `deadline`; one that is dead and that nobody has reaped counts.
func isGone(
    _ pid: Int32,
    by deadline: ContinuousClock.Instant = .now + .seconds(10)
) async -> Bool {
    while isAlive(pid) {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let state = stat.split(separator: ")").last?.first { $0 != " " }
        if state == "Z" || state == "X" { return true }
        if ContinuousClock.now > deadline { return false }
        await Task.yield()
    }
    return true
}
