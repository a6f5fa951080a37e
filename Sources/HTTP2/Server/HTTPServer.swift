// One port for everybody: HTTP/2 in the clear or over TLS, and HTTP/1.1.

public import Logging
public import NIOCore

/// Listens on one address and hands every request to a handler.
public struct HTTPServer: Sendable {
    private let configuration: HTTPServerConfiguration
    private let handler: @Sendable (any ServerExchange) async -> Void
    private let logger: Logger

    /// Prepares a server.
    ///
    /// - Parameters:
    ///   - configuration: Address, TLS, limits.
    ///   - group: The event loops it works on.
    ///   - logger: For what a person should see.
    ///   - handler: Called once for every request, in a task of its own.
    public init(
        _ configuration: HTTPServerConfiguration,
        group: any EventLoopGroup,
        logger: Logger,
        handler: @escaping @Sendable (any ServerExchange) async -> Void
    ) {
        self.configuration = configuration
        self.handler = handler
        self.logger = logger
    }

    /// Serves until cancelled, then drains: tells every connection (GOAWAY, two phases), lets
    /// requests end within ``HTTPServerConfiguration/drainTimeout``, closes.
    ///
    /// - Parameter onListening: Called with the address once it is listened on.
    /// - Throws: `bindFailed`, `certificate`, `configuration`.
    public func run(
        onListening: @escaping @Sendable (SocketAddress) -> Void
    ) async throws(HTTP2Error) {
        throw HTTP2Error(.configuration, "not there yet")
    }
}
