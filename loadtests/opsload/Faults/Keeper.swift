// Decides that nothing of a campaign outlives the harness: a shell that waits for its end.

import Glibc
import Synchronization

/// A small shell process that ends what it was told of when this process ends, however it ends.
///
/// A process is told with its start time: a number that was given to somebody else is left alone.
final class Keeper: Sendable {
    private let pipe: Mutex<Int32>
    private let process: pid_t

    private static let script = """
        trap '' INT TERM HUP
        processes=; server=; folder=
        while read -r order what; do
            case $order in
                end) processes="$processes $what" ;;
                server) server=$what ;;
                remove) folder=$what ;;
            esac
        done
        for entry in $processes; do
            { read -r line < "/proc/${entry%%:*}/stat"; } 2>/dev/null || continue
            set -- ${line##*)}
            [ "${20}" = "${entry##*:}" ] && kill -KILL "${entry%%:*}"
        done
        if [ -n "$server" ] && { read -r process < "$server/postmaster.pid"; } 2>/dev/null; then
            case $(readlink "/proc/$process/cwd") in
                "$server") kill -QUIT "$process" ;;
            esac
            tries=0
            while [ -e "/proc/$process" ] && [ $tries -lt 100 ]; do
                sleep 0.1; tries=$((tries + 1))
            done
        fi
        [ -z "$folder" ] || rm -rf -- "$folder"
        """

    /// Starts the shell.
    init() throws(LoadError) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw LoadError("no pipe for the keeper") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var launch = Launch(program: "/bin/sh", arguments: ["-c", Self.script])
        launch.input = ends[0]
        launch.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
        defer { close(ends[0]) }
        self.process = try launch.start()
        self.pipe = Mutex(ends[1])
    }

    /// Has a process killed.
    func end(_ process: pid_t) {
        guard let start = ProcessStart.time(of: process) else { return }
        self.tell("end \(process):\(start)")
    }

    /// Has the Postgres of this data directory stopped.
    func server(_ data: String) { self.tell("server \(data)") }

    /// Has a folder removed at the very end.
    func remove(_ folder: String) { self.tell("remove \(folder)") }

    /// Ends the shell, which ends everything; returns when it has.
    func finish() {
        self.pipe.withLock { _ = close($0) }
        var status: Int32 = 0
        while waitpid(self.process, &status, 0) == -1, errno == EINTR {}
    }

    private func tell(_ order: String) {
        let bytes = Array((order + "\n").utf8)
        self.pipe.withLock { _ = write($0, bytes, bytes.count) }
    }
}

/// When a process was started, in the kernel's words.
enum ProcessStart {
    /// The 22nd field of `/proc/PID/stat`; `nil` when there is no such process.
    static func time(of process: pid_t) -> Substring? {
        guard let text = TextFile.read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? fields[19] : nil
    }
}

/// Small files, whole.
enum TextFile {
    /// The text of a file; `nil` when it cannot be read.
    static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece.prefix(count)
        }
    }
}

/// How a process of the campaign is started: in a group of its own, so that Ctrl-C of a terminal
/// reaches the harness alone.
struct Launch {
    /// The harness has fewer files and sockets open than this.
    private static let descriptorsMax: Int32 = 4_096

    var program: String
    var arguments: [String]
    var environment: [String: String] = [:]
    /// What becomes its standard input; `nil` for none.
    var input: Int32?
    /// The file that takes what it says; `nil` for none.
    var output: String?

    init(program: String, arguments: [String]) {
        self.program = program
        self.arguments = arguments
    }

    /// Starts it.
    func start() throws(LoadError) -> pid_t {
        // Or a connection that the harness closes would live on in here, and never answer again.
        for descriptor in 3..<Self.descriptorsMax { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        let create = O_WRONLY | O_CREAT | O_APPEND
        let output = self.output ?? "/dev/null"
        posix_spawn_file_actions_addopen(&actions, 1, output, create, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // This thread may block signals, which the program would inherit: pgbench ends by SIGALRM.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | Int32(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        posix_spawnattr_setpgroup(&attributes, 0)
        var words = ([self.program] + self.arguments).map { strdup($0) } + [nil]
        var variables = self.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var process = pid_t()
        let code = posix_spawn(&process, self.program, &actions, &attributes, &words, &variables)
        guard code == 0 else {
            throw LoadError(
                "\(self.program) cannot be started: \(String(cString: strerror(code)))"
            )
        }
        return process
    }
}
