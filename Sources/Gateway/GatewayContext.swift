// What a handler knows of the request it answers, beside the request itself.

public import HTTP2
public import Hummingbird
public import Logging

/// What a context is made of.
public struct GatewayContextSource: RequestContextSource {
    /// Carries the trace id.
    public let logger: Logger
    let exchange: any ServerExchange
    let trace: TraceID
}

/// Beside a request: who asks, under which trace id, and the way to answer with a stream.
public struct GatewayContext: RequestContext {
    /// What it is made of.
    public typealias Source = GatewayContextSource

    /// The router's own part.
    public var coreContext: CoreRequestContextStorage
    /// The transport's side of the request.
    public let exchange: any ServerExchange
    /// Names this request in logs, problems and the answer's `x-trace-id`.
    public let trace: TraceID
    /// Hands over a body that the transport pulls.
    public let stream: StreamSlot
    /// Who asks; anonymous until the route's need was checked.
    public var principal: Principal

    /// Begins with nobody.
    public init(source: GatewayContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.exchange = source.exchange
        self.trace = source.trace
        self.stream = StreamSlot()
        self.principal = .nobody
    }
}
