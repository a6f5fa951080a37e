// What one try of a check found.

import PulserIR

/// The end of one try.
struct Finding: Sendable {
    /// How it ended.
    var result: VerifierOutcome.Result
    /// What was expected, for people.
    var expected: String
    /// What was found, for people.
    var observed: String
    /// What a retry policy chooses by.
    var kind: RetryPolicy.Failure = .verifier

    /// A check that could not run.
    static func error(_ message: String, kind: RetryPolicy.Failure = .error) -> Finding {
        Finding(result: .error, expected: "", observed: message, kind: kind)
    }
}

/// Collects the parts of one check: it holds when all do, and shows the first that does not.
struct FindingBuilder {
    private var expected: [String] = []
    private var observed: [String] = []
    private var failure: String?

    /// Adds a part.
    mutating func expect(_ expected: String, observed: String, holds: Bool) {
        self.expected.append(expected)
        self.observed.append(observed)
        if !holds, self.failure == nil { self.failure = observed }
    }

    /// The whole.
    func finish() -> Finding {
        Finding(
            result: self.failure == nil ? .passed : .failed,
            expected: self.expected.joined(separator: ", "),
            observed: self.failure ?? self.observed.joined(separator: ", ")
        )
    }

    /// A value as it is shown: short.
    static func show(_ value: JSONValue?) -> String {
        guard let text = value?.canonicalText else { return "nothing" }
        return text.unicodeScalars.count <= 200
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(200))) + "…"
    }
}
