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

    /// Removes what `folder` holds. Every step goes through descriptors that refuse links, so a
    /// program that swaps a folder for a link meanwhile cannot lead the removal elsewhere.
    private static func empty(_ folder: Int32) {
        guard let stream = fdopendir(folder) else {
            close(folder)
            return
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { Self.remove(name, in: folder) }
        }
    }

    private static func remove(_ name: String, in folder: Int32) {
        // Unlinking comes first: it takes files and links, and refuses folders.
        if unlinkat(folder, name, 0) == 0 { return }
        let inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if inner >= 0 { Self.empty(inner) }
        unlinkat(folder, name, AT_REMOVEDIR)
    }

    /// Removes a folder and what is in it, on a thread of its own. Links in it are removed, never
    /// followed.
    static func remove(_ path: String) async {
        await Blocking.run {
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if folder >= 0 { Self.empty(folder) }
            rmdir(path)
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
