// Decides whether a server already runs on a cluster, from the file it leaves there.

import Glibc

/// What `postmaster.pid` says.
struct PostmasterFile: Sendable {
    var processID: Int32
    var socketDirectory: String

    /// The server that runs on `data`; nil when none does.
    static func running(on data: String) -> PostmasterFile? {
        // Process, data directory, start time, port, socket directory, addresses, shared memory, status.
        guard
            let lines = TextFile.read(Self.path(data))?
                .split(separator: "\n", omittingEmptySubsequences: false),
            let first = lines.first, let processID = Int32(first), processID > 1,
            // Of a dead process the command line is empty.
            let command = TextFile.read("/proc/\(processID)/cmdline"), command.contains(data)
        else { return nil }
        return PostmasterFile(
            processID: processID,
            socketDirectory: lines.count > 4 ? String(lines[4]) : ""
        )
    }

    /// Frees a cluster whose dead server's number went to another program since.
    ///
    /// The file is kept: it names the shared memory by which the server notices that orphans of the dead one are still
    /// at work. Only the number is replaced, by one that no process can have.
    static func disown(_ data: String) {
        guard let text = TextFile.read(Self.path(data)),
            let first = text.split(separator: "\n", omittingEmptySubsequences: false).first,
            let processID = Int32(first),
            let name = TextFile.read("/proc/\(processID)/comm"), !name.hasPrefix("postgres")
        else { return }
        let descriptor = open(Self.path(data), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        let bytes = Array((String(Int32.max) + text.dropFirst(first.count)).utf8)
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    private static func path(_ data: String) -> String { data + "/postmaster.pid" }
}
