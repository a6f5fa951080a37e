// What the gateway may be told: its bounds and whom it listens to.

/// Settings of the gateway.
public struct GatewayConfiguration: Sendable {
    /// The largest request body that is read into memory. Default 1 MiB.
    public var bodyBytesMax = 1 << 20
    /// Whether `/metrics` needs no token when it is asked from this machine. Default false.
    public var metricsOpenOnLoopback = false
    /// How long what an action on many runs came to is kept after its end. Default 30 d.
    public var bulkKept: Duration = .seconds(30 * 86_400)
    /// How long an upload waits for a run that uses it. Default 1 d.
    public var uploadsKept: Duration = .seconds(86_400)
    /// How many may follow event streams at once.
    public var streamCaps = StreamCaps()

    /// The defaults.
    public init() {}
}
