// Where the web page's files come from: values, so that the gateway itself reads no folder.

public import NIOCore

/// Gives the files of the web page.
public struct PageSource: Sendable {
    /// The files of the page's folder, by their paths in it, such as `style/base.css`.
    public var files: @Sendable () throws -> [String: ByteBuffer]
    /// Changes when one of them changes; `nil` where they stay as they were read first. Default `nil`.
    public var stamp: (@Sendable () -> Int)?
    /// The bytes of a file of the distribution; `nil` when it is not installed. Default: none is.
    public var vendor: @Sendable (VendorFile) -> ByteBuffer?

    /// Describes a page.
    ///
    /// - Parameter files: Reads the folder.
    public init(files: @escaping @Sendable () throws -> [String: ByteBuffer]) {
        self.files = files
        self.stamp = nil
        self.vendor = { _ in nil }
    }
}
