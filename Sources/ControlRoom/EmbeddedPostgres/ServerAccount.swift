// Decides as which user Postgres runs: this one, or an unprivileged one when this is root.

import Glibc

/// The operating system user that owns the cluster.
struct ServerAccount: Sendable {
    var userID: UInt32
    var groupID: UInt32
    /// This process is root and must give up its rights first.
    var isOther: Bool

    /// This user, or for root `postgres`, or else `nobody`.
    static func current() throws(EmbeddedPostgresError) -> ServerAccount {
        if geteuid() != 0 {
            return ServerAccount(userID: geteuid(), groupID: getegid(), isOther: false)
        }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) {
                return ServerAccount(
                    userID: entry.pointee.pw_uid,
                    groupID: entry.pointee.pw_gid,
                    isOther: true
                )
            }
        }
        throw EmbeddedPostgresError(
            .accountMissing,
            "Postgres does not run as root and there is no user postgres or nobody; "
                + "start opsroom as an ordinary user"
        )
    }

    /// Runs `program` as this user.
    func run(_ program: String, _ arguments: [String]) async -> Command {
        guard self.isOther else { return await Command.run(program, arguments) }
        let drop = ["--reuid=\(self.userID)", "--regid=\(self.groupID)", "--clear-groups", "--"]
        return await Command.run("setpriv", drop + [program] + arguments)
    }

    /// Whether this user can enter `directory`.
    func canEnter(_ directory: String) async -> Bool {
        await self.run("test", ["-x", directory]).isSuccess
    }

    /// Makes `directory` (0700) when missing, and this user's.
    func own(_ directory: String) throws(EmbeddedPostgresError) {
        var failure = DataDirectory.makeDirectories(directory)
        let facts = FileFacts(directory)
        if failure == nil, facts?.isDirectory != true { failure = "it is not a directory" }
        if failure == nil, facts?.owner != geteuid(), facts?.owner != self.userID {
            failure = "it belongs to another user"
        }
        if failure == nil, self.isOther, chown(directory, self.userID, self.groupID) != 0 {
            failure = String(cString: strerror(errno))
        }
        if failure == nil, chmod(directory, 0o700) != 0 {
            failure = String(cString: strerror(errno))
        }
        if let failure {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "directory \(directory) cannot be used for Postgres: \(failure); "
                    + "remove it or choose another with --data"
            )
        }
    }

    /// Writes a file of this user's.
    func write(_ text: String, to path: String) throws(EmbeddedPostgresError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        let bytes = Array(text.utf8)
        let isWritten =
            descriptor >= 0 && Glibc.write(descriptor, bytes, bytes.count) == bytes.count
            && fchown(descriptor, self.userID, self.groupID) == 0
        if descriptor >= 0 { close(descriptor) }
        guard isWritten else {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "file \(path) cannot be written; free some space or choose another directory with --data"
            )
        }
    }
}
