// Decides how nothing outlives a test process: a shell that waits for the process's end of a pipe to close.

import Glibc
import Synchronization

/// A small shell process that cleans up after this one.
///
/// It reads orders from a pipe; the kernel closes the pipe when this process ends, also when it is killed, and then
/// the shell kills the processes, stops the servers and removes the directories it was told of, the servers that
/// killed nodes left in those directories included. A process is told with its start time, so that a number that was
/// given to somebody else meanwhile is left alone.
final class Watchdog: Sendable {
    static let shared = Watchdog()

    private let pipe: Mutex<Int32>

    private static let script = """
        trap '' INT TERM HUP
        servers=; directories=; processes=
        while read -r order what; do
            case $order in
                stop) servers="$servers $what" ;;
                remove) directories="$directories $what" ;;
                end) processes="$processes $what" ;;
            esac
        done
        for entry in $processes; do
            read -r line < "/proc/${entry%%:*}/stat" || continue
            set -- ${line##*)}
            [ "${20}" = "${entry##*:}" ] && kill -KILL "${entry%%:*}"
        done
        for directory in $directories; do
            for file in "$directory"/*/postgres/data/postmaster.pid; do
                read -r process < "$file" || continue
                case $(readlink "/proc/$process/cwd") in
                    "$directory"/*) servers="$servers $process" ;;
                esac
            done
        done
        for process in $servers; do kill -QUIT "$process" 2>/dev/null; done
        for process in $servers; do
            tries=0
            while kill -0 "$process" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
            kill -KILL "$process" 2>/dev/null
        done
        for directory in $directories; do rm -rf -- "$directory"; done
        """

    /// `POSIX_SPAWN_SETSID`, which the C library shows to GNU programs only.
    private static let newSessionFlag: Int16 = 0x80

    private init() {
        var ends: [Int32] = [-1, -1]
        _ = Glibc.pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        // A test runner waits for whoever holds its output.
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Sockets that tests listen on at this moment would be open for as long as this process lives.
        for file in Self.openFiles() where file > 2 {
            posix_spawn_file_actions_addclose(&actions, file)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        // A session of its own: signals to the test's terminal or group do not reach it.
        posix_spawnattr_setflags(&attributes, Self.newSessionFlag)
        let words: [String] = ["sh", "-c", Self.script]
        var arguments: [UnsafeMutablePointer<CChar>?] = []
        for word in words { arguments.append(strdup(word)) }
        arguments.append(nil)
        var process = pid_t()
        posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, environ)
        for argument in arguments { free(argument) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        close(ends[0])
        self.pipe = Mutex(ends[1])
    }

    private static func openFiles() -> [Int32] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        var files: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    String(cString: $0)
                }
            }
            if let file = Int32(name) { files.append(file) }
        }
        return files
    }

    func tell(_ order: String) {
        let bytes = Array((order + "\n").utf8)
        self.pipe.withLock { descriptor in _ = write(descriptor, bytes, bytes.count) }
    }
}
