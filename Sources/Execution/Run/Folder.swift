// Folders of runs: made private, removed whole.

internal import Glibc

/// Folders, by absolute path.
enum Folder {
    /// Makes a folder with its parents, for this user alone.
    ///
    /// - Returns: Whether it is there now.
    static func make(_ path: String) -> Bool {
        var built = ""
        for part in path.split(separator: "/") {
            built += "/" + part
            if mkdir(built, 0o700) != 0, errno != EEXIST { return false }
        }
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Removes a tree; a link is removed, never followed.
    private static func removeTree(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                        String(cString: $0)
                    }
                }
                if name != ".", name != ".." { Self.removeTree("\(path)/\(name)") }
            }
            closedir(folder)
        }
        rmdir(path)
    }

    /// Removes a folder and what is in it, on a thread of its own.
    static func remove(_ path: String) async {
        await Blocking.run {
            Self.removeTree(path)
        }
    }
}

/// Work that blocks, kept off the cooperative threads.
enum Blocking {
    private final class Body: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }

    /// Runs `body` on a thread made for it.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let work = Body { continuation.resume(returning: body()) }
            var thread = pthread_t()
            let started = pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().work()
                    return nil
                },
                Unmanaged.passRetained(work).toOpaque()
            )
            if started == 0 {
                pthread_detach(thread)
            } else {
                // No thread to be had: better a blocked pool for a moment than a lost run.
                Unmanaged.passUnretained(work).release()
                work.work()
            }
        }
    }
}
