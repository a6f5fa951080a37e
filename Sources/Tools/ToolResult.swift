// What a tool gives back when it ran to its end, well or badly.

public import PulserIR

/// The end of one action.
public struct ToolResult: Sendable, Hashable {
    /// What expressions read as `result`.
    public var value: JSONValue
    /// Set when the action could not run or ran out of time; the value then holds what was seen.
    public var failure: ToolFailure?
    /// What kind of failure it is if the verifiers find that the action ended badly: `exit` for a
    /// program's exit code other than 0, `5xx` for an HTTP answer. `nil` means `verifier`.
    public var badEnd: RetryPolicy.Failure?

    /// Makes a result.
    public init(
        value: JSONValue,
        failure: ToolFailure? = nil,
        badEnd: RetryPolicy.Failure? = nil
    ) {
        self.value = value
        self.failure = failure
        self.badEnd = badEnd
    }
}
