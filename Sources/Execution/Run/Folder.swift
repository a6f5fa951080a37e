// Folders of runs: made private, removed whole.

internal import Glibc
internal import Tools

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
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        close(folder)
        return true
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

    /// Removes a folder and what is in it, off the cooperative threads. Links in it are removed, never
    /// followed.
    static func remove(_ path: String) async {
        await BlockingWork.run {
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if folder >= 0 { Self.empty(folder) }
            rmdir(path)
        }
    }
}
