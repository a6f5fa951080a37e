// Decides where the cluster's files and its socket live.

import Glibc

/// The cluster's places on disk.
struct ClusterPlace: Sendable {
    /// Holds everything below.
    var base: String
    /// Holds the unix socket; short enough for the kernel.
    var socketDirectory: String

    var data: String { self.base + "/data" }
    var unfinished: String { self.base + "/data.new" }
    var log: String { self.base + "/log" }
    /// Exists once the node's database does.
    var databaseMarker: String { self.base + "/database.created" }

    /// What a unix socket's path may have, its closing zero excluded.
    static let socketPathBytesMax = 107
    /// The file in the data directory that says where the cluster is when it is not inside.
    static let locationFile = "postgres.location"

    /// Finds or makes the places for `directory`.
    static func prepare(
        in directory: DataDirectory,
        account: ServerAccount,
        environment: [String: String]
    ) async throws(EmbeddedPostgresError) -> ClusterPlace {
        let base = try await Self.base(directory, account)
        try account.own(base)
        try account.own(base + "/log")
        let socketDirectory = Self.socketDirectory(base, account, environment)
        try account.own(socketDirectory)
        return ClusterPlace(base: base, socketDirectory: socketDirectory)
    }

    private static func base(
        _ directory: DataDirectory,
        _ account: ServerAccount
    ) async throws(EmbeddedPostgresError) -> String {
        let location = directory.path + "/" + Self.locationFile
        if let remembered = TextFile.read(location)?.split(separator: "\n").first {
            return String(remembered)
        }
        let inside = directory.path + "/postgres"
        guard account.isOther else { return inside }
        // The server's group may pass through, and see nothing.
        _ = chown(directory.path, geteuid(), account.groupID)
        _ = chmod(directory.path, 0o710)
        if await account.canEnter(directory.path) { return inside }
        _ = chmod(directory.path, 0o700)
        let outside = "/var/lib/opsroom/" + Self.hash(directory.path)
        // Its parent is shared by all clusters of this machine, so everybody may pass through.
        if let reason = DataDirectory.makeDirectories("/var/lib/opsroom") {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "directory /var/lib/opsroom cannot be made: \(reason); choose a directory with --data "
                    + "that an ordinary user can enter"
            )
        }
        _ = chmod("/var/lib/opsroom", 0o711)
        let owner = ServerAccount(userID: geteuid(), groupID: getegid(), isOther: false)
        try owner.write(outside + "\n", to: location)
        return outside
    }

    private static func socketDirectory(
        _ base: String,
        _ account: ServerAccount,
        _ environment: [String: String]
    ) -> String {
        let inside = base + "/run"
        if "\(inside)/.s.PGSQL.5432".utf8.count <= Self.socketPathBytesMax { return inside }
        let name = "opsroom-\(account.userID)-\(Self.hash(base))"
        if !account.isOther, let runtime = environment["XDG_RUNTIME_DIR"],
            access(runtime, W_OK) == 0,
            "\(runtime)/\(name)/.s.PGSQL.5432".utf8.count <= Self.socketPathBytesMax
        {
            return "\(runtime)/\(name)"
        }
        return "/tmp/\(name)"
    }

    /// FNV-1a: short and the same on every start; nothing secret depends on it.
    static func hash(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
