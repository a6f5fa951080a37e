// Names for nghttp2's constants, in the types its functions want.

import CNghttp2

/// Return values that a callback may give to the library.
enum CallbackResult {
    /// Everything went well.
    static let ok: Int32 = 0
    /// The stream is reset; the connection goes on.
    static let streamFailure = Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    /// The body has nothing for now.
    static let deferred = Int(NGHTTP2_ERR_DEFERRED.rawValue)
    /// What was sent was taken; `mem_send` returns at once.
    static let pause = Int32(NGHTTP2_ERR_PAUSE.rawValue)
}

/// Error codes of RFC 9113 section 7.
enum StreamCode {
    /// NO_ERROR.
    static let none: UInt32 = 0x0
    /// PROTOCOL_ERROR.
    static let protocolError: UInt32 = 0x1
    /// INTERNAL_ERROR.
    static let internalError: UInt32 = 0x2
    /// SETTINGS_TIMEOUT.
    static let settingsTimeout: UInt32 = 0x4
    /// REFUSED_STREAM.
    static let refused: UInt32 = 0x7
    /// CANCEL.
    static let cancel: UInt32 = 0x8
    /// ENHANCE_YOUR_CALM.
    static let calm: UInt32 = 0xb
}

/// Types of frames, RFC 9113 section 6.
enum FrameType {
    /// DATA.
    static let data: UInt8 = 0x0
    /// HEADERS.
    static let headers: UInt8 = 0x1
    /// PRIORITY.
    static let priority: UInt8 = 0x2
    /// RST_STREAM.
    static let reset: UInt8 = 0x3
    /// SETTINGS.
    static let settings: UInt8 = 0x4
    /// PUSH_PROMISE.
    static let push: UInt8 = 0x5
    /// PING.
    static let ping: UInt8 = 0x6
    /// GOAWAY.
    static let goaway: UInt8 = 0x7
    /// WINDOW_UPDATE.
    static let windowUpdate: UInt8 = 0x8
    /// CONTINUATION.
    static let continuation: UInt8 = 0x9
    /// END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING.
    static let endStreamOrAck: UInt8 = 0x1
}
