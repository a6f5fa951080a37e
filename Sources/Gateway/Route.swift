// One endpoint: where it is, who may call it, who answers.

public import HTTPTypes
public import Hummingbird

/// One row of the table of endpoints.
public struct Route: Sendable {
    /// Answers one request.
    public typealias Handler = @Sendable (Request, GatewayContext) async throws -> Response

    /// The method; a GET answers HEAD too.
    public var method: HTTPRequest.Method
    /// The path, parameters in braces.
    public var path: String
    /// The least scope that may call it; `nil` is for everybody, without a token.
    public var scope: Principal.Scope?
    /// Its name in metrics and in the API's description, unique.
    public var name: String
    /// Who answers.
    public var handler: Handler

    /// Describes an endpoint.
    public init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ scope: Principal.Scope?,
        _ name: String,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.scope = scope
        self.name = name
        self.handler = handler
    }

    /// Whether it is of the web page, not of the API: it is not described, and its query is the
    /// page's own.
    var isPage: Bool { self.name.hasPrefix("page.") }

    /// Whether a request's path is this route's.
    func matches(_ path: Substring) -> Bool {
        var given = path.split(separator: "/")
        var own = self.path.split(separator: "/")
        if own.last == "**" {
            own.removeLast()
            guard given.count > own.count else { return false }
            given = Array(given.prefix(own.count))
        }
        return given.count == own.count
            && zip(given, own).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
    }
}
