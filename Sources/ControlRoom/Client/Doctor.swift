// What a room needs of its machine, checked one by one, with the command that mends it.

import Foundation
import PulserIR
import Store

/// Examines a machine and its room.
public struct Doctor: Sendable {
    /// How bad a finding is.
    public enum Level: String, Sendable, Hashable {
        case ok
        case warn
        case fail
    }

    /// What was found about one subject.
    public struct Finding: Sendable, Hashable {
        /// How bad it is.
        public var level: Level
        /// What was looked at.
        public var subject: String
        /// What was found.
        public var message: String
        /// The command that mends it.
        public var fix: String?
    }

    private let room: Room

    /// Prepares to examine.
    public init(room: Room) { self.room = room }

    /// Makes all checks; each is a finding, good or bad.
    public func examine() async -> [Finding] {
        var findings = [self.binaries(await EmbeddedPostgres.findBinaries())]
        findings.append(self.program("opsroom-guard"))
        findings.append(self.disk())
        do {
            let configuration = self.room.configuration
            _ = try MigrationFiles.load(environment: configuration.environment)
            let statuses = try await self.room.migrations()
            let bad = statuses.filter { $0.state != .applied }
            findings.append(
                Finding(
                    level: bad.isEmpty ? .ok : .fail,
                    subject: "migrations",
                    message: bad.isEmpty
                        ? "all \(statuses.count) applied"
                        : bad.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", "),
                    fix: bad.isEmpty ? nil : "opsroom migrate apply"
                )
            )
            findings += try await self.state()
        } catch {
            findings.append(
                Finding(level: .fail, subject: "database", message: "\(error)", fix: "opsroom up")
            )
        }
        return findings
    }

    private func binaries(
        _ found: Result<PostgresBinaries, EmbeddedPostgresError>
    ) -> Finding {
        let isExternal = self.room.configuration.databaseURL != nil
        switch found {
        case .success(let binaries):
            return Finding(
                level: .ok,
                subject: "postgres programs",
                message: "PostgreSQL \(binaries.majorVersion) in \(binaries.directory)"
            )
        case .failure(let error):
            return Finding(
                level: isExternal ? .warn : .fail,
                subject: "postgres programs",
                message: error.message,
                fix: "apt-get install postgresql"
            )
        }
    }

    private func program(_ name: String) -> Finding {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let path = URL(fileURLWithPath: own).deletingLastPathComponent()
            .appendingPathComponent(name).path
        let isThere = FileManager.default.isExecutableFile(atPath: path)
        return Finding(
            level: isThere ? .ok : .fail,
            subject: name,
            message: isThere ? path : "\(path) is missing: shell steps cannot run",
            fix: isThere ? nil : "swift build -c release --product \(name)"
        )
    }

    private func disk() -> Finding {
        var status = statvfs()
        let data = self.room.configuration.data
        let path = FileManager.default.fileExists(atPath: data) ? data : "."
        guard statvfs(path, &status) == 0 else {
            return Finding(level: .warn, subject: "disk", message: "\(path) cannot be examined")
        }
        let free = Int64(status.f_bavail) * Int64(status.f_frsize) / (1 << 20)
        return Finding(
            level: free > 1_024 ? .ok : .warn,
            subject: "disk",
            message: "\(free) MiB free where \(path) lies",
            fix: free > 1_024 ? nil : "df -h \(path)"
        )
    }

    private func state() async throws -> [Finding] {
        try await self.room.open(purpose: "opsroom doctor", node: .none) { client in
            let nodes = try await client.store.nodes().filter { $0.leaseMilliseconds > 0 }
            let counts = try await client.store.runCounts()
            let open = ["queued", "claimed", "running"].compactMap { counts[$0] }.reduce(0, +)
            let waiting = counts["waiting"] ?? 0
            return [
                Finding(level: .ok, subject: "database", message: "answers"),
                Finding(
                    level: nodes.isEmpty && open > 0 ? .warn : .ok,
                    subject: "nodes",
                    message: nodes.isEmpty
                        ? "none works now; \(open) run(s) are open"
                        : nodes.map { "\($0.name) with \($0.shards) shards" }
                            .joined(separator: ", "),
                    fix: nodes.isEmpty && open > 0 ? "opsroom up" : nil
                ),
                Finding(
                    level: waiting > 0 ? .warn : .ok,
                    subject: "runs",
                    message: "\(open) open, \(waiting) waiting",
                    fix: waiting > 0 ? "opsroom runs list --status waiting" : nil
                ),
            ]
        }
    }
}
