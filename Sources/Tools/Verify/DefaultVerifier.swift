// What must be true after an action whose plan says nothing about it.

import PulserIR

/// The tool's own verifier.
enum DefaultVerifier {
    /// Exit code 0, an answer of 200 to 299, a completed statement, no failed item, a child run
    /// that succeeded.
    ///
    /// A fan-out's result holds `failed`, the number of items that did not hold; a child run's
    /// holds `status`.
    static func check(_ action: Action, _ result: JSONValue) -> Finding {
        switch action {
        case .shell(let shell) where shell.background:
            Self.compare("started", result["pid"] == nil ? "not started" : "started")
        case .shell:
            Self.compare("exit 0", Self.end(of: result))
        case .http:
            Self.status(result["status"]?.integerValue)
        case .sql:
            Self.compare("completed", result["count"] == nil ? "not completed" : "completed")
        case .fanOut:
            Self.compare("0 items failed", Self.items(result["failed"]?.integerValue))
        case .run:
            Self.compare("succeeded", result["status"]?.stringValue ?? "no status")
        case .sleep:
            Self.compare("slept", "slept")
        case .wait:
            Self.compare("decided", "decided")
        }
    }

    private static func compare(_ expected: String, _ observed: String) -> Finding {
        Finding(
            result: expected == observed ? .passed : .failed,
            expected: expected,
            observed: observed
        )
    }

    private static func end(of result: JSONValue) -> String {
        guard let exit = result["exit"]?.integerValue else { return "no exit code" }
        return "exit \(exit)" + (result["signal"]?.stringValue.map { " (\($0))" } ?? "")
    }

    private static func status(_ status: Int64?) -> Finding {
        Finding(
            result: status.map { (200...299).contains($0) } ?? false ? .passed : .failed,
            expected: "status 2xx",
            observed: status.map { "status \($0)" } ?? "no answer"
        )
    }

    private static func items(_ failed: Int64?) -> String {
        failed.map { "\($0) items failed" } ?? "no count of failed items"
    }
}
