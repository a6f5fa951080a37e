// What a client may be told: whom it talks to, over how many connections, how long it waits.

/// Settings of a client.
public struct HTTP2ClientConfiguration: Sendable {
    /// The host to connect to.
    public var host: String
    /// The port.
    public var port: Int
    /// A unix domain socket to connect to instead; the host is still what the server is called.
    public var socketPath: String?
    /// How to encrypt; `nil` speaks HTTP/2 in the clear with prior knowledge.
    public var tls: ClientTLS?
    /// Requests that may wait for a stream. Default 1,000; one more is refused with `overloaded`.
    public var queueMax = 1_000
    /// Connections at once. Default 1. Another one is made when the others are full.
    public var connectionsMax = 1
    /// Streams of one connection, where the server allows more. Default 1,000.
    public var streamsPerConnectionMax = 1_000
    /// How often a request is tried, where trying again is safe. Default 3.
    public var attemptsMax = 3
    /// The pause after a failure, doubled with each further one, half of it by chance. Default
    /// 100 ms.
    public var backoff: Duration = .milliseconds(100)
    /// The longest pause. Default 5 s.
    public var backoffMax: Duration = .seconds(5)
    /// How long making a connection may take, until the server's first SETTINGS. Default 5 s.
    public var connectTimeout: Duration = .seconds(5)
    /// How long requests may go on when ``HTTP2Client/run()`` ends. Default 2 s.
    public var drainTimeout: Duration = .seconds(2)
    /// Limits of every connection. Windows default to 1 MiB per stream and 4 MiB per connection;
    /// PINGs are sent while streams are open.
    public var limits: ConnectionLimits

    /// Names the server.
    public init(host: String, port: Int, tls: ClientTLS? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
        var limits = ConnectionLimits()
        limits.streamWindowBytes = 1_048_576
        limits.connectionWindowBytes = 4_194_304
        self.limits = limits
    }

    /// What people call the server.
    var server: String { self.socketPath ?? Self.authority(self.host, self.port) }

    /// What requests call the server: RFC 9110 leaves a usual port out.
    var authority: String {
        let usual = self.tls == nil ? 80 : 443
        return self.port == usual || self.socketPath != nil
            ? Self.bracketed(self.host) : Self.authority(self.host, self.port)
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        "\(Self.bracketed(host)):\(port)"
    }

    private static func bracketed(_ host: String) -> String {
        host.contains(":") ? "[\(host)]" : host
    }
}
