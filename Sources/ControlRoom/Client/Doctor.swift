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

        /// Describes a finding.
        public init(level: Level, subject: String, message: String, fix: String? = nil) {
            self.level = level
            self.subject = subject
            self.message = message
            self.fix = fix
        }
    }

    let room: Room

    /// Prepares to examine.
    public init(room: Room) { self.room = room }

    /// Makes all checks; each is a finding, good or bad.
    public func examine() async -> [Finding] {
        var findings = [self.binaries(await EmbeddedPostgres.findBinaries())]
        findings.append(self.program("opsroom-guard"))
        findings.append(await self.library())
        findings.append(self.disk())
        findings += self.page()
        do {
            let migrations = self.migrations(try await self.room.migrations())
            findings.append(migrations)
            // Without its tables a database has nothing more to tell.
            if migrations.level == .ok { findings += try await self.state() }
        } catch {
            findings.append(self.database(error))
        }
        return findings
    }

    private var isExternal: Bool { self.room.configuration.databaseURL != nil }

    private func database(_ error: any Error) -> Finding {
        let failure = (error as? StoreError).map { RoomError($0) } ?? error as? RoomError
        let isElsewhere = failure?.message.contains("--data") ?? false
        return Finding(
            level: .fail,
            subject: "database",
            message: "\(error)",
            fix: failure?.next
                ?? (isElsewhere
                    ? "opsroom doctor --data OTHER"
                    : self.isExternal ? "psql \"$DATABASE_URL\" -c 'SELECT 1'" : "opsroom up")
        )
    }

    private func migrations(_ statuses: [MigrationStatus]) -> Finding {
        let pending = statuses.filter { $0.state == .pending }
        let bad = statuses.filter { $0.state == .edited || $0.state == .missing }
        if !bad.isEmpty {
            return Finding(
                level: .fail,
                subject: "migrations",
                message: bad.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", "),
                fix: "opsroom migrate status"
            )
        }
        if pending.isEmpty {
            return Finding(
                level: .ok,
                subject: "migrations",
                message: "all \(statuses.count) applied"
            )
        }
        // A server of the room's own has nobody else who might mind.
        return Finding(
            level: self.isExternal ? .fail : .ok,
            subject: "migrations",
            message: "\(pending.count) of \(statuses.count) pending"
                + (self.isExternal ? "" : ", applied when a node starts"),
            fix: self.isExternal ? "opsroom migrate apply" : nil
        )
    }

    private func binaries(
        _ found: Result<PostgresBinaries, EmbeddedPostgresError>
    ) -> Finding {
        switch found {
        case .success(let binaries):
            return Finding(
                level: .ok,
                subject: "postgres programs",
                message: "PostgreSQL \(binaries.majorVersion) in \(binaries.directory)"
            )
        case .failure(let error):
            return Finding(
                level: self.isExternal ? .warn : .fail,
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
}
