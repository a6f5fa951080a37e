// Decides which file of keys is used: one that nobody else can read, and that holds keys only.

import Foundation
public import PulserIR

/// The file that `seal-key-file` names.
public enum SealKeyFile {
    /// Reads the keys.
    ///
    /// - Parameter path: Where it lies.
    /// - Returns: The keys, the first of which seals.
    /// - Throws: `notFound`, `refused` when everybody on this machine can read it, `usage` when a
    ///   line is no key.
    public static func read(_ path: String) throws(RoomError) -> SealRing {
        let text = try TextFile.require(path)
        guard let facts = FileFacts(following: path), facts.mode & 0o007 == 0 else {
            throw RoomError(
                .refused,
                "\(path) opens what is sealed, and everybody on this machine can read it",
                next: "chmod o= \(ShellWord.quoted(path))"
            )
        }
        do {
            return try SealRing(text)
        } catch {
            throw RoomError(
                .usage,
                "\(path) cannot be used: \(error.description)",
                next: "opsroom seal key NAME >> \(ShellWord.quoted(path))"
            )
        }
    }
}
