// What a server may be told: where it listens, how it encrypts, when it gives up.

public import HTTPTypes
public import NIOCore

/// Settings of a server.
public struct HTTPServerConfiguration: Sendable {
    /// The host to listen on. Default loopback.
    public var host = "127.0.0.1"
    /// The port; 0 lets the system choose.
    public var port = 0
    /// Certificates; `nil` serves in the clear.
    public var tls: ServerTLS?
    /// Limits of every connection.
    public var limits = ConnectionLimits()
    /// What the server answers by itself, such as 431 to fields that are too large: fields and a
    /// body for a status. Default `nil`: the status alone.
    public var refusal: (@Sendable (HTTPResponse.Status) -> (HTTPFields, ByteBuffer))?
    /// How long requests may go on when the server ends. Default 10 s.
    public var drainTimeout: Duration = .seconds(10)

    /// Connections at once. Default 16,384; more are closed when they are made.
    public var connectionsMax = 16_384
    /// Connections at once from one address. Default 4,096.
    public var connectionsPerAddressMax = 4_096
    /// New connections per second in the long run. Default 1,000.
    public var acceptsPerSecond = 1_000
    /// New connections at once. Default 4,096: everybody may come back after a restart.
    public var acceptBurst = 4_096

    /// The defaults.
    public init() {}
}
