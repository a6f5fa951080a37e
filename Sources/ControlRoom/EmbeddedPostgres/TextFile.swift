// Decides how small files are read: whole, or not at all.

import Glibc

/// Small text files.
enum TextFile {
    /// The file's first 64 kB as text; nil when it cannot be read.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// The same for a file that somebody named.
    static func require(_ path: String) throws(RoomError) -> String {
        if let text = Self.read(path) { return text }
        let reason = String(cString: strerror(errno))
        throw RoomError(
            errno == ENOENT ? .notFound : .failed,
            "\(path) cannot be read: \(reason)",
            next: "ls -l \(ShellWord.quoted(path))"
        )
    }
}
