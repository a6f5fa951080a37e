// What a stream's receiver is told, and what it may ask for.

public import HTTPTypes
public import NIOCore

/// Takes the answer of one stream, on the event loop of its connection.
public protocol StreamReceiver: AnyObject {
    /// The head of the answer.
    func received(_ head: HTTPResponse)
    /// A piece of the body. Its bytes are consumed (the window grows) when this returns, unless
    /// ``ClientStream/isReading`` is false: then when it is set to true again.
    func received(_ bytes: inout ByteBuffer)
    /// The end, exactly once; `nil` when the answer is complete.
    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?)
}

/// A receiver's handle on its stream. Only on the event loop.
public protocol ClientStream: AnyObject {
    /// The event loop that everything here belongs to.
    var eventLoop: any EventLoop { get }
    /// Whether bytes are consumed as they come; a slow reader sets it to false.
    var isReading: Bool { get set }
    /// Cancels the stream: RST_STREAM(CANCEL). The receiver is told `cancelled` at once.
    func cancel()
}
