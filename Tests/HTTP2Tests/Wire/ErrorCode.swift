// The error codes of RFC 9113 section 7, by name.

/// A code of RST_STREAM or GOAWAY.
struct ErrorCode: Hashable, Sendable, CustomStringConvertible {
    let value: UInt32

    init(_ value: UInt32) { self.value = value }

    static let noError = ErrorCode(0)
    static let protocolError = ErrorCode(1)
    static let internalError = ErrorCode(2)
    static let flowControl = ErrorCode(3)
    static let settingsTimeout = ErrorCode(4)
    static let streamClosed = ErrorCode(5)
    static let frameSize = ErrorCode(6)
    static let refusedStream = ErrorCode(7)
    static let cancel = ErrorCode(8)
    static let compression = ErrorCode(9)
    static let connect = ErrorCode(10)
    static let enhanceYourCalm = ErrorCode(11)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
        "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
        "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    var description: String {
        self.value < UInt32(Self.names.count) ? Self.names[Int(self.value)] : "code \(self.value)"
    }
}
