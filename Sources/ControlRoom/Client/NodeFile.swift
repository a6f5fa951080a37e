// How a client finds the node that has its data directory: a file the node leaves there.

import Foundation

/// What a running node tells clients of its data directory.
struct NodeFile: Codable, Sendable {
    /// Its process.
    var pid: Int32
    /// Whether it works; false for a command that only looks and ends soon.
    var isNode: Bool
    /// The connection string of its embedded server; `nil` with `DATABASE_URL`.
    var conninfo: String?
    /// The address of its API; `nil` when it does not listen.
    var server: String?

    private static func path(_ data: String) -> String { "\(data)/node.json" }

    /// Writes the file, for this user alone.
    func write(in data: String) throws(RoomError) {
        let path = Self.path(data)
        // Whole or not at all: clients may read at any moment.
        let draft = "\(path).\(getpid())"
        guard let bytes = try? JSONEncoder().encode(self),
            FileManager.default.createFile(
                atPath: draft,
                contents: bytes,
                attributes: [.posixPermissions: 0o600]
            ), rename(draft, path) == 0
        else { throw RoomError(.failed, "\(path) cannot be written") }
    }

    /// Reads the file; `nil` when there is none.
    static func read(in data: String) -> NodeFile? {
        FileManager.default.contents(atPath: Self.path(data)).flatMap {
            try? JSONDecoder().decode(NodeFile.self, from: $0)
        }
    }

    static func remove(in data: String) {
        try? FileManager.default.removeItem(atPath: Self.path(data))
    }
}
