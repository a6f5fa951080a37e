// How files are read and hashed without holding a thread of the cooperative pool.

import Crypto
import Glibc
import PulserIR

/// Files, read off the cooperative pool.
enum FileReading {
    /// The content; `nil` when it cannot be read, is no regular file, or is larger than `bytesMax`.
    static func bytes(of path: String, bytesMax: Int) async -> [UInt8]? {
        await BlockingWork.run {
            var content: [UInt8] = []
            let isRead = Self.read(path) { chunk in
                content += chunk
                return content.count <= bytesMax
            }
            return isRead ? content : nil
        }
    }

    /// The SHA-256 of a file of any size, and its size; `nil` when it cannot be read.
    static func digest(of path: String) async -> (digest: PulserIR.Digest, byteCount: Int)? {
        await BlockingWork.run {
            var hash = SHA256()
            var count = 0
            let isRead = Self.read(path) { chunk in
                chunk.withUnsafeBytes { hash.update(bufferPointer: $0) }
                count += chunk.count
                return true
            }
            guard isRead, let digest = PulserIR.Digest(bytes: Array(hash.finalize())) else {
                return nil
            }
            return (digest, count)
        }
    }

    /// Hands the file over in chunks; false when it cannot be read or the taker has enough.
    private static func read(_ path: String, _ take: (ArraySlice<UInt8>) -> Bool) -> Bool {
        // Non-blocking, or opening a pipe would wait for its other end.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return false }
        defer { close(file) }
        guard RegularFile.size(of: file) != nil else { return false }
        var buffer: [UInt8] = Array(repeating: 0, count: 256 << 10)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count == 0 { return true }
            if count < 0, errno == EINTR { continue }
            guard count > 0, take(buffer[..<count]) else { return false }
        }
    }
}
