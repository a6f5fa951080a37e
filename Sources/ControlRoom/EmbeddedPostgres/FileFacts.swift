// What a file is, asked without `struct stat`: which module owns that differs from build to build.

import Foundation

/// Kind, owner and mode of a file.
struct FileFacts: Sendable {
    var isDirectory: Bool
    var owner: UInt32
    /// The permission bits.
    var mode: UInt32

    /// Looks at a file itself, a link included; `nil` when there is none or it cannot be looked at.
    init?(_ path: String) {
        guard let facts = try? FileManager.default.attributesOfItem(atPath: path),
            let owner = facts[.ownerAccountID] as? NSNumber,
            let mode = facts[.posixPermissions] as? NSNumber
        else { return nil }
        self.isDirectory = facts[.type] as? FileAttributeType == .typeDirectory
        self.owner = owner.uint32Value
        self.mode = mode.uint32Value & 0o7777
    }

    /// Looks at what a path leads to.
    init?(following path: String) {
        self.init(URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    }
}
