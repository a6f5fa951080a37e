// Decides how long an upload is kept: for a while, until a run uses it, and then as long as the run.

import FoundationEssentials
import Glibc
import Metrics
import PulserIR
import Synchronization

/// Uploads on their way into a run, in a folder beside the blobs that runs have.
///
/// Owner: the gateway. A run that uses an upload gives its file a second name among the blobs, so
/// what nobody used can be removed without asking the database.
final class UploadFolder: Sendable {
    /// Files that one sweep removes.
    static let sweptMax = 1_000
    /// How often it is looked for what is old, at most; only uploads make it look.
    static let sweepInterval: Duration = .seconds(3_600)

    /// Where files lie that runs have.
    let blobs: BlobFolder
    /// How long an upload waits for a run.
    let kept: Duration
    private let sweptAt = Mutex<ContinuousClock.Instant?>(nil)

    init(blobs: BlobFolder, kept: Duration) {
        self.blobs = blobs
        self.kept = kept
    }

    private var path: String { "\(self.blobs.path)/uploads" }

    /// Begins a new upload, after old ones were removed when it is time for that.
    ///
    /// - Throws: `unavailable` when the folder cannot be written to.
    func make() async throws -> BlobWriter {
        let isDue = self.sweptAt.withLock { last in
            if let last, ContinuousClock.now - last < Self.sweepInterval { return false }
            last = .now
            return true
        }
        if isDue {
            let count = try await BlobFolder.blocking { self.sweep() }
            GatewayMetrics.swept(.uploads).increment(by: count)
            // More came in an hour than one sweep removes: the next upload goes on.
            if count >= Self.sweptMax { self.sweptAt.withLock { $0 = nil } }
        }
        return try await BlobFolder(path: self.path).make(in: self.blobs.path)
    }

    /// Opens an upload, used or not.
    func open(_ digest: Digest) async throws -> BlobFile? {
        if let file = try await self.blobs.open(digest) { return file }
        return try await BlobFolder(path: self.path).open(digest)
    }

    /// The path of an upload for a run, which has it from now on. May block.
    ///
    /// - Returns: `nil` when there is no such file here.
    func use(_ digest: Digest) -> String? {
        let place = "\(self.blobs.path)/\(digest.hex)"
        if BlobFile(reading: place) != nil, utimensat(AT_FDCWD, place, nil, 0) == 0 {
            return place
        }
        let upload = "\(self.path)/\(digest.hex)"
        // A second name, or on file systems without them another one.
        if link(upload, place) != 0, errno != EEXIST { rename(upload, place) }
        // An artifact's file may be the same; it stays as long as this run does.
        utimensat(AT_FDCWD, place, nil, 0)
        return BlobFile(reading: place) == nil ? nil : place
    }

    /// Removes files that waited too long, what broken uploads left included. May block.
    ///
    /// - Returns: How many.
    func sweep() -> Int {
        guard let folder = opendir(self.path) else { return 0 }
        defer { closedir(folder) }
        let oldest = Date(timeIntervalSinceNow: -Double(self.kept.components.seconds))
        var count = 0
        while count < Self.sweptMax, let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            // Only files, and of links the links themselves. Not `struct stat`: which module owns
            // that differs from build to build.
            guard
                let facts = try? FileManager.default.attributesOfItem(
                    atPath: "\(self.path)/\(name)"
                ),
                facts[.type] as? FileAttributeType == .typeRegular,
                let changed = facts[.modificationDate] as? Date, changed < oldest
            else { continue }
            if unlinkat(dirfd(folder), name, 0) == 0 { count += 1 }
        }
        return count
    }
}
