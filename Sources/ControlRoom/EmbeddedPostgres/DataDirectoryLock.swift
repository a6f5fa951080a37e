// Decides who holds a data directory: whoever holds the kernel's lock on its lock file.

import Glibc
import Synchronization

/// The lock on a data directory; released with the last reference.
final class DataDirectoryLock: Sendable {
    private let descriptor: Mutex<Int32>

    init(directory: String, purpose: String) throws(EmbeddedPostgresError) {
        let path = directory + "/node.lock"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "data directory \(directory) cannot be written: \(String(cString: strerror(errno))); "
                    + "choose another with --data"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.read(descriptor)
            close(descriptor)
            throw EmbeddedPostgresError(
                .directoryInUse,
                "data directory \(directory) is in use by process \(holder); "
                    + "stop it or choose another with --data"
            )
        }
        let text = Array("\(getpid()) (\(purpose))\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = Mutex(descriptor)
    }

    deinit { self.unlock() }

    func unlock() {
        self.descriptor.withLock { descriptor in
            guard descriptor >= 0 else { return }
            // Closing alone would not do: a program that is being started at this moment has the
            // descriptor too, until it runs.
            flock(descriptor, LOCK_UN)
            close(descriptor)
            descriptor = -1
        }
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return "unknown" }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
}
