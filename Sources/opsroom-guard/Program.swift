// How the guarded program is started: own session, clean signals, life-line out of its reach.

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
    static func start(_ invocation: Invocation) throws(StartError) -> pid_t {
        let name = invocation.arguments[0]
        let path = try Self.locate(name)
        guard access(invocation.standardInput, R_OK) == 0 else {
            throw StartError(exitCode: 126, message: "stdin file cannot be read")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(
            &actions,
            STDIN_FILENO,
            invocation.standardInput,
            O_RDONLY,
            0
        )
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        sigfillset(&mask)
        posix_spawnattr_setsigdefault(&attributes, &mask)
        let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, hidden behind _GNU_SOURCE.
        posix_spawnattr_setflags(
            &attributes,
            Int16(Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | newSession)
        )
        var words: [UnsafeMutablePointer<CChar>?] = invocation.arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, &attributes, words, environ)
        guard code == 0 else { throw Self.failure(name, code) }
        return process
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
