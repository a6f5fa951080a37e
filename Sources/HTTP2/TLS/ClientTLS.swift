// What a client may be told about whom it trusts, and who it is.

/// How a client encrypts. The server's certificate and its name are always verified.
public struct ClientTLS: Sendable {
    /// PEM file of the authorities it trusts; `nil` means the system's.
    public var authorityPath: String?
    /// PEM file of its own certificate chain, for servers that ask.
    public var certificatePath: String?
    /// PEM file of its own key.
    public var keyPath: String?
    /// A name the server's certificate must carry; `nil` means the host.
    public var serverName: String?

    /// The system's authorities, no certificate of its own.
    public init() {}
}
