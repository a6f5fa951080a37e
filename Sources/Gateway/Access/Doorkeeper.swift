// The seam between requests and whoever knows tokens.

public import HTTP2
public import HTTPTypes

/// Somebody let in.
public struct Admission: Sendable {
    /// Who it is.
    public var principal: Principal
    /// Fields for the answer, such as what is left of the rate limit.
    public var fields: HTTPFields

    /// Lets somebody in.
    public init(_ principal: Principal, fields: HTTPFields = [:]) {
        self.principal = principal
        self.fields = fields
    }
}

/// Decides who may pass.
public protocol Doorkeeper: Sendable {
    /// Says who asks.
    ///
    /// - Parameters:
    ///   - exchange: The request; its body is not read.
    ///   - scope: What the route asks for; `nil` lets everybody in.
    /// - Returns: Who it is.
    /// - Throws: Why he may not.
    func admit(
        _ exchange: any ServerExchange,
        to scope: Principal.Scope?
    ) async throws(Problem) -> Admission

    /// Whether somebody who was let in, and has a stream open since, may keep it. Cheap; to be asked
    /// now and then, at heartbeats say.
    func isLive(_ principal: Principal) -> Bool

    /// Does what goes on beside the requests, until cancelled.
    func run() async
}

extension Doorkeeper {
    /// Everybody stays.
    public func isLive(_ principal: Principal) -> Bool { true }

    /// Nothing goes on.
    public func run() async {}
}
