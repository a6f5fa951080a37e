// Files under their digest: read piece by piece, written beside their place and moved into it.

import Crypto
import Glibc
import NIOCore
import NIOPosix
import PulserIR
import Synchronization

/// The folder of large artifacts and uploads.
struct BlobFolder: Sendable {
    /// Bytes read or written at once.
    static let pieceBytes = 256 << 10

    let path: String

    /// Opens a blob.
    ///
    /// - Returns: `nil` when there is none.
    func open(_ digest: PulserIR.Digest) async throws -> BlobFile? {
        let path = "\(self.path)/\(digest.hex)"
        return try await Self.blocking { BlobFile(reading: path) }
    }

    /// Begins a new blob.
    ///
    /// - Parameter parent: The folder that this one lies in; `nil` when that is there.
    /// - Returns: Where its bytes go.
    /// - Throws: `unavailable` when the folder cannot be written to.
    func make(in parent: String? = nil) async throws -> BlobWriter {
        let folder = self.path
        let name = "\(folder)/.upload-\(UInt64.random(in: .min ... .max))"
        let file = try await Self.blocking {
            // Only the last parts are made: the data directory is there.
            if let parent { _ = mkdir(parent, 0o700) }
            _ = mkdir(folder, 0o700)
            return BlobFile(writing: name)
        }
        guard let file else {
            throw Problem(
                .unavailable,
                "the node cannot write to its data directory",
                next: "look at the node's disk: opsroom doctor"
            )
        }
        return BlobWriter(file: file, path: name, folder: folder)
    }

    /// Runs what may block on a thread for it; a few of them are shared.
    static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}

/// An open file, closed when nobody has it any more.
final class BlobFile: Sendable {
    private let descriptor: CInt
    /// Its size when it was opened.
    let size: Int64

    init?(reading path: String) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        // Its end is its size; what has none, such as a pipe, is no blob.
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else {
            Glibc.close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        self.size = Int64(size)
    }

    init?(writing path: String) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.size = 0
    }

    deinit { Glibc.close(self.descriptor) }

    /// Bytes from a place on; fewer at the end. May block.
    func read(at offset: Int64, count: Int) throws(BlobError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { raw in
                pread(
                    self.descriptor,
                    raw.baseAddress.map { $0 + done },
                    count - done,
                    off_t(offset) + off_t(done)
                )
            }
            if got < 0 {
                if errno == EINTR { continue }
                throw BlobError()
            }
            if got == 0 { break }
            done += got
        }
        bytes.removeSubrange(done...)
        return bytes
    }

    /// Appends bytes. May block.
    func append(_ bytes: [UInt8]) throws(BlobError) {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { raw in
                Glibc.write(self.descriptor, raw.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if put < 0 {
                if errno == EINTR { continue }
                throw BlobError()
            }
            done += put
        }
    }

    /// Has what was written survive a power failure. May block.
    func sync() throws(BlobError) {
        guard fdatasync(self.descriptor) == 0 else { throw BlobError() }
    }
}

/// A file could not be read or written.
struct BlobError: Error {}

/// A blob on its way in.
///
/// Owner: one request. Ends: ``keep()``, or it is gone with its owner.
final class BlobWriter: Sendable {
    private struct State {
        var hash = SHA256()
        var size: Int64 = 0
        var isKept = false
    }

    private let file: BlobFile
    private let path: String
    private let folder: String
    private let state = Mutex(State())

    init(file: BlobFile, path: String, folder: String) {
        self.file = file
        self.path = path
        self.folder = folder
    }

    deinit {
        if !self.state.withLock(\.isKept) { unlink(self.path) }
    }

    /// Bytes so far.
    var size: Int64 { self.state.withLock(\.size) }

    /// Appends bytes.
    func append(_ bytes: [UInt8]) async throws {
        self.state.withLock { state in
            state.hash.update(data: bytes)
            state.size += Int64(bytes.count)
        }
        let file = self.file
        do {
            try await BlobFolder.blocking { try file.append(bytes) }
        } catch is BlobError {
            throw Problem(
                .unavailable,
                "the node's disk took no more",
                next: "free some space, then send it again"
            )
        }
    }

    /// The digest of what was appended.
    var digest: PulserIR.Digest? {
        PulserIR.Digest(bytes: Array(self.state.withLock { $0.hash }.finalize()))
    }

    /// Moves the file to its place; one that is there already is the same.
    func keep(_ digest: PulserIR.Digest) async throws {
        let file = self.file
        let from = self.path
        let to = "\(self.folder)/\(digest.hex)"
        let isMoved = try await BlobFolder.blocking {
            try file.sync()
            return rename(from, to) == 0
        }
        guard isMoved else { throw BlobError() }
        self.state.withLock { $0.isKept = true }
    }
}
