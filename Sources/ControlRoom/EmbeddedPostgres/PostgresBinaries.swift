// Decides which installed PostgreSQL serves the node.

import Glibc
import Subprocess

/// An installed PostgreSQL server, version 14 or newer.
public struct PostgresBinaries: Sendable, Hashable {
    /// Where `initdb`, `pg_ctl` and `postgres` are.
    public var directory: String
    /// The first number of the version, such as 15.
    public var majorVersion: Int

    /// The oldest version the statements of this program are written for.
    public static let majorVersionMin = 14
    /// Names the directory to use instead of searching.
    public static let overrideKey = "OPSROOM_POSTGRES_BIN"
    /// Where Debian keeps one directory per version.
    static let distributionDirectory = "/usr/lib/postgresql"

    /// The path of one program.
    func program(_ name: String) -> String { "\(self.directory)/\(name)" }

    /// Everything usable: the override alone when it is set, else the distribution's, newest first, then `PATH`.
    static func all(
        environment: [String: String],
        distributionDirectory: String = Self.distributionDirectory
    ) async -> [PostgresBinaries] {
        if let override = environment[Self.overrideKey], !override.isEmpty {
            return [await Self.probe(override)].compactMap(\.self)
        }
        var found: [PostgresBinaries] = []
        let versions = Self.entries(distributionDirectory).compactMap { Int($0) }.sorted(by: >)
        let inPath = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for directory in versions.map({ "\(distributionDirectory)/\($0)/bin" }) + inPath {
            if let binaries = await Self.probe(directory), !found.contains(binaries) {
                found.append(binaries)
            }
        }
        return found
    }

    private static func probe(_ directory: String) async -> PostgresBinaries? {
        for name in ["initdb", "pg_ctl", "postgres"] {
            guard access("\(directory)/\(name)", X_OK) == 0 else { return nil }
        }
        // `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`
        let outcome = await Command.run("\(directory)/postgres", ["--version"])
        guard outcome.isSuccess,
            let version = outcome.output.split(separator: " ").dropFirst(2).first,
            let major = Int(version.prefix { $0.isNumber }), major >= Self.majorVersionMin
        else { return nil }
        return PostgresBinaries(directory: directory, majorVersion: major)
    }

    private static func entries(_ directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }
}
