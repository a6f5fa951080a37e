// Every bound of a connection, with its unit and the reason for its default.

/// Limits of one connection. Each has a metric and a test.
public struct ConnectionLimits: Sendable {
    // MARK: Announced to the peer

    /// Streams at once that a peer may open; also bounds the tasks of requests that still run after
    /// their stream was reset. Default 128.
    public var streamsMax = 128
    /// Bytes of a stream that may be on the way unread. Default 128 KiB.
    public var streamWindowBytes = 131_072
    /// Bytes of a connection that may be on the way unread. Default 1 MiB: what a peer can make us
    /// hold.
    public var connectionWindowBytes = 1_048_576
    /// Bytes of names and values of a head, 32 added for each field. Default 16 KiB; more is answered
    /// with 431, four times as many reset the stream.
    public var headerListBytesMax = 16_384
    /// Fields of a head. Default 100; more is answered with 431.
    public var headerFieldsMax = 100
    /// Bytes of HTTP/1.1's request line. Default 8 KiB; more is answered with 414.
    public var requestLineBytesMax = 8_192

    // MARK: What a peer may do wrong, or needlessly

    /// Malformed or pointless things a peer may do at once. Default 200: a broken client gets far
    /// below it.
    public var glitchBurst = 200
    /// How many of them are forgiven per second. Default 10.
    public var glitchesPerSecond = 10
    /// PING, SETTINGS, PRIORITY, RST_STREAM and unknown frames in ``controlFramesWindow``. Default 200
    /// beyond what streams explain; of a server also heads and resets beyond eight for each request.
    public var controlFramesMax = 200
    /// WINDOW_UPDATE frames that may come without DATA of ours that explains them. Default 2,000: a
    /// reader of many streams may open all their windows at once. Refilled like control frames.
    public var windowUpdatesBurst = 2_000
    /// The window of ``controlFramesMax``. Default 30 s.
    public var controlFramesWindow: Duration = .seconds(30)
    /// DATA frames in a row without payload and without an end. Default 10.
    public var emptyDataFramesMax = 10
    /// Frames that wait to be sent. Default 5,000; more closes the connection.
    public var queuedFramesMax = 5_000
    /// Frames that wait to be sent before we stop reading. Default 1,000.
    public var queuedFramesPause = 1_000
    /// Requests of one connection before it is rotated by GOAWAY. Default 100,000, less up to a tenth
    /// so that not all connections go at once.
    public var requestsMax = 100_000

    // MARK: How long a peer may take

    /// From the first byte on for the preface or a TLS record. Default 5 s.
    public var prefaceTimeout: Duration = .seconds(5)
    /// For the acknowledgement of our SETTINGS. Default 10 s.
    public var settingsTimeout: Duration = .seconds(10)
    /// For a complete head. Default 10 s.
    public var headerTimeout: Duration = .seconds(10)
    /// Bytes per second that a request's body must bring on average while we wait for it. Default
    /// 1,024, after a grace of ``headerTimeout``.
    public var bodyBytesPerSecondMin = 1_024
    /// How long bytes that we have may wait for a peer that does not read. Default 60 s. A stream that
    /// merely has nothing to send does not count.
    public var writeTimeout: Duration = .seconds(60)
    /// How long a connection without streams is kept. Default 5 min.
    public var idleTimeout: Duration = .seconds(300)
    /// How long a request may take until its answer has begun. Default 5 min.
    public var requestTimeout: Duration = .seconds(300)
    /// Between our PINGs while nothing else comes. Default 20 s.
    public var pingInterval: Duration = .seconds(20)
    /// For the answer to a PING of ours. Default 5 s.
    public var pingTimeout: Duration = .seconds(5)

    /// The defaults.
    public init() {}
}
