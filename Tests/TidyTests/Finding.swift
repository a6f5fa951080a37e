// What a rule says about one place: where it is, and what to do there.

import Testing

/// One violation of a rule.
struct Finding: Hashable, CustomStringConvertible {
    var path: String
    /// From 1.
    var line: Int
    /// What to do about it.
    var advice: String

    var description: String { "\(self.path):\(self.line): \(self.advice)" }
}

/// Fails the test once for each finding.
func report(_ findings: [Finding], _ location: SourceLocation = #_sourceLocation) {
    for finding in findings { Issue.record("\(finding)", sourceLocation: location) }
}
