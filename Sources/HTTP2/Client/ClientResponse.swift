// An answer as the caller of a client sees it.

public import HTTPTypes
internal import NIOCore

/// An answer whose body is still to be read.
public struct ClientResponse: Sendable {
    /// Status and fields.
    public var head: HTTPResponse
    /// The body; the server's window grows as chunks are taken. To be read once; not reading on
    /// cancels the stream when the last copy of the answer is gone.
    public var body: RequestBytes
    let reading: ResponseReading

    /// The fields behind the body, once ``body`` was read to its end.
    ///
    /// - Returns: `nil` before the end, and when there are none.
    public func trailers() async -> HTTPFields? { await self.reading.trailers() }
}
