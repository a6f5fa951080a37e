// How the guarded program is started: own session, clean signals, life-line out of its reach, and
// not to outlive its guard.

import Glibc

/// The program under guard.
enum Program {
    /// Why it could not be started.
    struct StartError: Error {
        /// 127 when there is no such program, 126 when it cannot be executed.
        var exitCode: Int32
        /// One sentence.
        var message: String
    }

    /// Starts the program in a session of its own, so that its process id names its group too.
    ///
    /// The guard forks by itself, since `posix_spawn` cannot ask for a death signal. The kernel
    /// sends that when the *thread* that forked ends; the guard has only one.
    static func start(_ invocation: Invocation) throws(StartError) -> pid_t {
        let name = invocation.arguments[0]
        let path = try Self.locate(name)
        let input = open(invocation.standardInput, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else {
            throw StartError(exitCode: 126, message: "stdin file cannot be read")
        }
        defer { close(input) }
        var report: [Int32] = [-1, -1]
        guard pipe(&report) == 0 else { throw Self.failure(name, errno) }
        for end in report { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var words: [UnsafeMutablePointer<CChar>?] = invocation.arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        let parent = getpid()
        let process = fork()
        if process == 0 {
            Self.become(path, words, input: input, parent: parent)
            var code = errno
            _ = write(report[1], &code, MemoryLayout<Int32>.size)
            _exit(127)
        }
        var code = errno
        close(report[1])
        defer { close(report[0]) }
        guard process > 0 else { throw Self.failure(name, code) }
        // The pipe ends without a word once the program has taken the child's place.
        if read(report[0], &code, MemoryLayout<Int32>.size) > 0 {
            waitpid(process, nil, 0)
            throw Self.failure(name, code)
        }
        return process
    }

    /// Turns the forked child into the program; returns only when that fails, with `errno` set.
    private static func become(
        _ path: String,
        _ words: [UnsafeMutablePointer<CChar>?],
        input: Int32,
        parent: pid_t
    ) {
        guard System.dieWithParent() else { return }
        // A guard that ended before the call above no longer sends anything.
        if getppid() != parent { _exit(127) }
        setsid()
        // Said by the child itself, before it is the program: a guard that is stopped or killed in
        // between would leave somebody behind whom the node does not know. The start time tells
        // whether the number still means the program.
        LifeLine.report("child \(getpid()) \(ProcessTree.startTime(of: getpid()) ?? 0)")
        guard dup2(input, STDIN_FILENO) >= 0 else { return }
        for number in 1...64 where ![SIGKILL, SIGSTOP].contains(Int32(number)) {
            _ = signal(Int32(number), SIG_DFL)
        }
        var mask = sigset_t()
        sigemptyset(&mask)
        sigprocmask(SIG_SETMASK, &mask, nil)
        execve(path, words, environ)
    }

    /// The path of a name without `/` is looked up in the program's own PATH.
    private static func locate(_ name: String) throws(StartError) -> String {
        guard !name.isEmpty else {
            throw StartError(exitCode: 127, message: "the program's name is empty")
        }
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        var denied = false
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = "\(folder)/\(name)"
            var status = stat()
            guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            if access(candidate, X_OK) == 0 { return candidate }
            denied = true
        }
        if denied { throw Self.failure(name, EACCES) }
        throw StartError(exitCode: 127, message: "program '\(name)' was not found in PATH")
    }

    private static func failure(_ name: String, _ code: Int32) -> StartError {
        switch code {
        case ENOENT:
            StartError(
                exitCode: 127,
                message: "program '\(name)' was not found, or its interpreter is missing"
            )
        case EACCES:
            StartError(
                exitCode: 126,
                message: "program '\(name)' may not be executed: permission denied"
            )
        default:
            StartError(
                exitCode: 126,
                message: "program '\(name)' cannot be executed: \(String(cString: strerror(code)))"
            )
        }
    }
}
