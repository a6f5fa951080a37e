// A folder of a test's own, gone with the test.

import Foundation

/// A folder with a few files and no folders in it.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Makes an empty one.
    ///
    /// - Throws: When there is no place for it.
    public init() throws {
        var template = Array("/tmp/opsroom-http2-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        self.path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
    }

    deinit {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.path)) ?? []
        for name in names { unlink("\(self.path)/\(name)") }
        rmdir(self.path)
    }

    /// Writes a file at once, as a renewal would: never half of it is seen.
    ///
    /// - Returns: Its path.
    /// - Throws: When it cannot be written.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        let path = "\(self.path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        return path
    }
}
