// What the gateway may be told: its bounds and whom it listens to.

/// Settings of the gateway.
public struct GatewayConfiguration: Sendable {
    /// The largest request body that is read into memory. Default 1 MiB.
    public var bodyBytesMax = 1 << 20

    /// The defaults.
    public init() {}
}
