// Where the web page's files lie: beside the program's sources or its installation, found from there.

import Foundation
import Gateway
public import NIOCore

/// The folder of the web page.
public struct PageFolder: Sendable, Hashable {
    /// The variable that names the folder when it is somewhere else.
    public static let overrideKey = "OPSROOM_PAGE"
    /// The variable that has the files read again when they change, for whoever writes them.
    public static let liveKey = "OPSROOM_PAGE_LIVE"
    /// Files in the folder.
    static let filesMax = 1_000
    /// Bytes of one file.
    static let fileBytesMax = 4 << 20
    /// Bytes of all files.
    static let bytesMax = 32 << 20

    /// Where it is.
    public let path: String

    /// Names a folder.
    public init(path: String) { self.path = path }

    /// The folder that belongs to this program.
    ///
    /// It is what `OPSROOM_PAGE` names, else `Sources/WebUI/assets` or `share/opsroom/page` above the
    /// program's own folder. Where the program is started counts for nothing: whoever writes in that
    /// folder would write the page.
    ///
    /// - Parameter environment: The process's variables.
    /// - Returns: `nil` when there is none with an `index.html`.
    public static func find(environment: [String: String]) -> PageFolder? {
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return Self.find(environment: environment, program: program)
    }

    /// The folder that belongs to the program with this path.
    static func find(environment: [String: String], program: String?) -> PageFolder? {
        if let named = environment[Self.overrideKey], !named.isEmpty {
            return Self.isPage(named) ? PageFolder(path: named) : nil
        }
        guard let program, program.hasPrefix("/") else { return nil }
        var place = URL(fileURLWithPath: program).deletingLastPathComponent()
        while place.path != "/" {
            for name in ["Sources/WebUI/assets", "share/opsroom/page"] {
                let folder = place.appendingPathComponent(name).path
                if Self.isPage(folder) { return PageFolder(path: folder) }
            }
            place.deleteLastPathComponent()
        }
        return nil
    }

    private static func isPage(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/index.html")
    }

    /// What the gateway is given.
    ///
    /// - Parameter environment: The process's variables.
    /// - Returns: `nil` when there is no page.
    static func source(environment: [String: String]) -> PageSource? {
        guard let folder = Self.find(environment: environment) else { return nil }
        var source = PageSource { try folder.read() }
        source.vendor = { Self.read($0) }
        if environment[Self.liveKey] == "1" { source.stamp = { folder.stamp() } }
        return source
    }

    // MARK: Reading

    /// A regular file in the folder.
    private struct Entry: Hashable {
        var path: String
        var bytes: Int
        var changedAt: Date
    }

    /// The files by their paths in the folder.
    ///
    /// Hidden ones are left out, and links: what is served lies in the folder itself.
    ///
    /// - Throws: ``RoomError`` when there are too many, or they are too large.
    public func read() throws -> [String: ByteBuffer] {
        var files: [String: ByteBuffer] = [:]
        var bytesAll = 0
        for entry in self.entries() {
            bytesAll += entry.bytes
            guard files.count < Self.filesMax, entry.bytes <= Self.fileBytesMax,
                bytesAll <= Self.bytesMax
            else {
                throw RoomError(
                    .failed,
                    "\(self.path) is too large for a page: at most \(Self.filesMax) files of "
                        + "\(Self.fileBytesMax >> 20) MiB, \(Self.bytesMax >> 20) MiB in all"
                )
            }
            guard let data = FileManager.default.contents(atPath: "\(self.path)/\(entry.path)")
            else { throw RoomError(.failed, "\(self.path)/\(entry.path) cannot be read") }
            files[entry.path] = ByteBuffer(bytes: data)
        }
        return files
    }

    /// A number that changes when a file is added, removed or written.
    func stamp() -> Int {
        var hasher = Hasher()
        for entry in self.entries() { hasher.combine(entry) }
        return hasher.finalize()
    }

    private func entries() -> [Entry] {
        let keys: Set<URLResourceKey> = [
            .isRegularFileKey, .fileSizeKey, .contentModificationDateKey,
        ]
        let root = URL(fileURLWithPath: self.path).resolvingSymlinksInPath()
        let prefix = Array("\(root.path)/".utf8)
        let found = FileManager.default.enumerator(
            at: root,
            includingPropertiesForKeys: Array(keys),
            options: [.skipsHiddenFiles]
        )
        var entries: [Entry] = []
        while let url = found?.nextObject() as? URL {
            // By bytes: what a folder's name ends with may be one character with what follows.
            let path = url.path.utf8
            guard let facts = try? url.resourceValues(forKeys: keys),
                facts.isRegularFile == true, path.starts(with: prefix)
            else { continue }
            entries.append(
                Entry(
                    path: String(decoding: path.dropFirst(prefix.count), as: UTF8.self),
                    bytes: facts.fileSize ?? 0,
                    changedAt: facts.contentModificationDate ?? .distantPast
                )
            )
            if entries.count > Self.filesMax { break }
        }
        return entries.sorted { $0.path < $1.path }
    }

    /// The first of a vendor file's places that can be read.
    private static func read(_ file: VendorFile) -> ByteBuffer? {
        for path in file.paths {
            if let data = FileManager.default.contents(atPath: path) {
                return ByteBuffer(bytes: data)
            }
        }
        return nil
    }
}
