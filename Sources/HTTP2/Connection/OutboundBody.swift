// What there is to send of one message, whatever the protocol.

import NIOCore

/// Where the bytes of a message come from.
enum OutboundBody {
    /// Nothing (more) is sent.
    case none
    /// A complete body.
    case whole(ByteBuffer)
    /// A body that is asked for bytes.
    case pulled(any PulledBody)

    /// Tells a pulled body that it is over.
    func closed(_ error: HTTP2Error?) {
        if case .pulled(let body) = self { body.closed(error) }
    }

    /// Tells a pulled body that the server is about to end.
    func draining() {
        if case .pulled(let body) = self { body.draining() }
    }
}
