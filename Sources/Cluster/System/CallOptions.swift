// What a caller may say about the calls it makes, and what an actor knows of the call it executes.

internal import NIOCore

/// What is said about calls; see ``withCallOptions(_:_:)``.
public struct CallOptions: Sendable {
    /// How long a call may take, everything included; `nil` for the configured time. A call made by an
    /// actor never takes longer than the call that it executes.
    public var timeout: Duration?
    /// Names the operation: it is executed once by the actor's owner, however often it is sent, and may
    /// therefore be sent again when its outcome is unknown. Good for one call.
    public var operation: OperationID?
    /// The trace that calls belong to; `nil` for that of the call being executed.
    public var trace: TraceContext?
    /// How often a call is tried at most. Default 4; 1 fails at once.
    public var attemptsMax = 4

    /// The defaults.
    public init() {}

    @TaskLocal static var current = CallOptions()
}

/// Makes calls with options.
///
/// - Parameters:
///   - options: What is said about every call that `body` makes.
///   - body: Makes calls.
/// - Returns: What `body` returns.
/// - Throws: What `body` throws.
public func withCallOptions<Result>(
    _ options: CallOptions,
    _ body: () async throws -> Result
) async rethrows -> Result {
    try await CallOptions.$current.withValue(options, operation: body)
}

/// The call that an actor executes.
public struct CallContext: Sendable {
    /// The trace it belongs to.
    public let trace: TraceContext?
    let deadline: NIODeadline
    /// The actors that wait for it, and the one that executes it.
    let chain: [UInt64]

    /// The call that the present task executes; `nil` outside of calls.
    @TaskLocal public static var current: CallContext?

    /// How long the caller still waits.
    public var remaining: Duration {
        .nanoseconds(max(0, (self.deadline - .now()).nanoseconds))
    }
}
