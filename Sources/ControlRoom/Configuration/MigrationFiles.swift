// Where the migrations lie: beside the program's sources or its installation, found by walking up.

import Foundation
public import Store

/// Reads `migrations/*.sql`.
public enum MigrationFiles {
    /// The variable that names the folder when it is somewhere else.
    public static let overrideKey = "OPSROOM_MIGRATIONS"

    /// The migrations that belong to this program.
    ///
    /// Looked for in `OPSROOM_MIGRATIONS`, then in `migrations` and `share/opsroom/migrations`
    /// above the program's own folder, then above the working directory.
    ///
    /// - Throws: A sentence when there are none or one cannot be read.
    public static func load(environment: [String: String]) throws(RoomError) -> [Migration] {
        let folder = try Self.folder(environment)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var migrations: [Migration] = []
        for name in names.sorted() where name.hasSuffix(".sql") {
            guard let number = Int(name.prefix(4)) else {
                throw RoomError(.failed, "\(folder)/\(name) is not named NNNN_topic.sql")
            }
            guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)"),
                let sql = String(data: data, encoding: .utf8)
            else { throw RoomError(.failed, "\(folder)/\(name) cannot be read") }
            migrations.append(Migration(number: number, name: name, sql: sql))
        }
        guard !migrations.isEmpty else { throw RoomError(.failed, "\(folder) has no migrations") }
        return migrations
    }

    private static func folder(_ environment: [String: String]) throws(RoomError) -> String {
        if let folder = environment[Self.overrideKey], !folder.isEmpty { return folder }
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let starts = [program, FileManager.default.currentDirectoryPath].compactMap { $0 }
        for start in starts {
            var place = URL(fileURLWithPath: start)
            while place.path != "/" {
                for name in ["migrations", "share/opsroom/migrations"] {
                    let folder = place.appendingPathComponent(name).path
                    let first = "\(folder)/0001_foundation.sql"
                    if FileManager.default.fileExists(atPath: first) { return folder }
                }
                place.deleteLastPathComponent()
            }
        }
        throw RoomError(
            .failed,
            "the migrations are not found near the program",
            next: "\(Self.overrideKey)=/path/to/migrations opsroom migrate status"
        )
    }
}
