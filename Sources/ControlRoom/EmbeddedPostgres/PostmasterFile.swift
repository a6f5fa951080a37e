// Decides whether a server already runs on a cluster, from the file it leaves there.

import Glibc

/// What `postmaster.pid` says.
struct PostmasterFile: Sendable {
    var processID: Int32
    var socketDirectory: String

    /// The server that runs on `data`; nil when none does. A file left by a dead server is removed.
    static func running(on data: String) -> PostmasterFile? {
        let path = data + "/postmaster.pid"
        // Process, data directory, start time, port, socket directory, addresses, shared memory, status.
        guard
            let lines = TextFile.read(path)?.split(
                separator: "\n",
                omittingEmptySubsequences: false
            ),
            let first = lines.first, let processID = Int32(first), processID > 1
        else { return nil }
        // The number may have gone to another process since; of a dead one the command line is empty.
        guard let command = TextFile.read("/proc/\(processID)/cmdline"), command.contains(data)
        else {
            unlink(path)
            return nil
        }
        return PostmasterFile(
            processID: processID,
            socketDirectory: lines.count > 4 ? String(lines[4]) : ""
        )
    }
}
