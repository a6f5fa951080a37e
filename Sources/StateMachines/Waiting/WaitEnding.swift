// How a step that waits comes to its end, and how often it looks whether it has.

public import PulserIR

/// How a wait ends.
public enum WaitEnding: Sendable, Hashable {
    /// With this result.
    case result(JSONValue)
    /// With this reason. It is final: nobody is asked again because somebody said no, and nobody
    /// waits twice as long as the plan says.
    case failure(String)
    /// What came does not fit; the step's own retries wait for the next.
    case unfit(String)
}

extension SignalWait {
    /// How a wait ends that a signal came for.
    public func ending(payload: JSONValue) -> WaitEnding {
        guard let schema = self.schema else { return .result(payload) }
        do {
            var validator = try JSONSchema(schema)
            guard let violation = try validator.validate(payload) else { return .result(payload) }
            return .unfit("the signal's payload does not fit the schema: \(violation.text)")
        } catch {
            return .unfit("the schema cannot be applied: \(error.message)")
        }
    }

    /// How a wait ends that nothing came for in time.
    ///
    /// - Parameter name: The signal's name.
    /// - Returns: A failure, or the result that the plan names.
    public func expired(_ name: String) -> WaitEnding {
        switch self.onTimeout {
        case .continue: .result(self.fallback)
        case .fail: .failure("no signal '\(name)' came in time")
        }
    }
}

/// How long a wait sleeps before it looks by itself.
public enum WaitPace {
    /// At least so long between two looks, when nobody tells of news.
    public static let leastMilliseconds: Int64 = 10_000
    /// What each further wait of the node adds: all of them together look twice a second.
    public static let eachMilliseconds: Int64 = 500

    /// The time until the next look.
    ///
    /// - Parameters:
    ///   - left: Until the wait's time is over; `nil` for no such time.
    ///   - waits: How many the node has.
    /// - Returns: Milliseconds, at least one.
    public static func milliseconds(left: Int64?, waits: Int) -> Int64 {
        let pace = max(Self.leastMilliseconds, Int64(clamping: waits) * Self.eachMilliseconds)
        return max(1, min(left ?? pace, pace))
    }
}
