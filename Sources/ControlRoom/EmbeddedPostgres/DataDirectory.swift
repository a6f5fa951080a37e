// Decides which directory is the node's, and that one node alone works in it.

import Glibc

/// The directory that holds everything a node keeps on disk.
///
/// The lock lives as long as the value (and its copies); the kernel releases it when the process ends, however it ends.
public struct DataDirectory: Sendable {
    /// Absolute, without `.` and links resolved.
    public let path: String
    private let lock: DataDirectoryLock

    /// Where a node keeps its data unless told otherwise.
    public static let defaultPath = ".opsroom"

    /// Makes the directory when it is missing (mode 0700) and locks it for this process.
    ///
    /// `purpose` is what a second node is told, such as `opsroom up`.
    public static func open(
        _ path: String = Self.defaultPath,
        purpose: String = "opsroom up"
    ) throws(EmbeddedPostgresError) -> DataDirectory {
        if let reason = Self.makeDirectories(path) {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "data directory \(path) cannot be made: \(reason); choose another with --data"
            )
        }
        guard let resolved = realpath(path, nil) else {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "data directory \(path) cannot be resolved; choose another with --data"
            )
        }
        defer { free(resolved) }
        let absolute = String(cString: resolved)
        let lock = try DataDirectoryLock(directory: absolute, purpose: purpose)
        return DataDirectory(path: absolute, lock: lock)
    }

    /// Lets another node have the directory before this value is gone.
    public func unlock() { self.lock.unlock() }

    /// Makes `path`, and what is missing above it (0755); the reason when that fails.
    static func makeDirectories(_ path: String, mode: mode_t = 0o700) -> String? {
        if let facts = FileFacts(following: path) {
            return facts.isDirectory ? nil : "it is not a directory"
        }
        let parent = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
        if !parent.isEmpty {
            let prefix = path.hasPrefix("/") ? "/" : ""
            if let reason = Self.makeDirectories(
                prefix + parent.joined(separator: "/"),
                mode: 0o755
            ) {
                return reason
            }
        }
        if mkdir(path, mode) == 0 || errno == EEXIST { return nil }
        return String(cString: strerror(errno))
    }
}
