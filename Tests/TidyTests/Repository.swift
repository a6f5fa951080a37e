// Which files of the repository the rules read.

import Foundation

/// The working tree these tests were compiled from.
enum Repository {
    /// The repository's folder.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift file of ours, read once. Fixtures are data, not code.
    static let swiftFiles: [SourceFile] = Self.files(
        in: ["Sources", "Tests", "loadtests"],
        ending: ".swift"
    )
    .map { SourceFile(path: $0, text: Self.text($0)) }

    /// The text of a file; empty when there is none.
    static func text(_ path: String) -> String {
        let bytes = FileManager.default.contents(atPath: self.root.appending(path: path).path)
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }

    /// Paths below folders, relative to the root, sorted; hidden ones and fixtures left out.
    static func files(in folders: [String], ending: String = "") -> [String] {
        folders.flatMap { folder -> [String] in
            let place = self.root.appending(path: folder).path
            let names = FileManager.default.enumerator(atPath: place)
            return (names?.compactMap { $0 as? String } ?? []).compactMap { name in
                let parts = name.split(separator: "/")
                let isOurs = parts.allSatisfy { $0 != "Fixtures" && !$0.hasPrefix(".") }
                return isOurs && name.hasSuffix(ending) ? "\(folder)/\(name)" : nil
            }
        }
        .sorted()
    }

    /// Whether a folder holds at least one file.
    static func holdsFiles(_ folder: String) -> Bool {
        self.files(in: [folder]).contains { path in
            var isFolder: ObjCBool = false
            let place = self.root.appending(path: path).path
            return FileManager.default.fileExists(atPath: place, isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }
}
