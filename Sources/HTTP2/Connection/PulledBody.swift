// A body that is pulled: the transport asks for bytes when the peer's window and the socket have room.

public import HTTPTypes
public import NIOCore

/// What a pulled body has to give.
public enum BodyPull: Sendable {
    /// Bytes were appended to the buffer: at least one, at most the number asked for.
    case appended
    /// A piece to be sent without copying; at most the number of bytes asked for, at least one.
    case chunk(ByteBuffer)
    /// Nothing for now; ``BodyStream/resume()`` says when there is.
    case wait
    /// The body is complete; trailers, if any.
    case end(HTTPFields?)
    /// The body cannot be completed: the stream is reset with this code of RFC 9113 section 7.
    case abort(UInt32)
}

/// The source of a body, pulled by the transport as fast as the peer reads and no faster.
///
/// Confined to the event loop of its connection: made, called and released there.
public protocol PulledBody: AnyObject {
    /// Gives the next bytes.
    ///
    /// - Parameters:
    ///   - bytesMax: At most so many bytes, at least one.
    ///   - buffer: The connection's outgoing buffer: append to it, change nothing else.
    /// - Returns: What there was.
    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull

    /// The stream is over, exactly once; `nil` when the body was sent to its end.
    func closed(_ error: HTTP2Error?)

    /// The connection is about to be closed by us: a body without a natural end should end soon.
    /// Does nothing unless implemented.
    func draining()
}

extension PulledBody {
    /// Nothing to do: the body ends by itself.
    public func draining() {}
}

/// A pulled body's handle on its stream.
public protocol BodyStream: AnyObject {
    /// The event loop that everything here belongs to.
    var eventLoop: any EventLoop { get }
    /// Bytes that the stream's and the connection's window allow now.
    var windowBytes: Int { get }
    /// Says that the body has bytes again. Many streams resumed in one turn of the event loop are
    /// written with one flush per connection. Only on the event loop.
    func resume()
}
