// How commands say until when a run must have begun or ended.

import PulserIR

enum DeadlineNote {
    /// The deadlines of a document of a run, or of `why`.
    ///
    /// - Parameter document: What has a member `deadline`.
    /// - Returns: One line; `nil` when nothing is to come.
    static func text(_ document: JSONValue) -> String? {
        let deadline = document["deadline"]
        var parts: [String] = []
        if let start = deadline?["start_by"]?.stringValue { parts.append("begins by \(start)") }
        if let end = deadline?["end_by"]?.stringValue {
            parts.append("ends by \(end)")
        } else if let after = deadline?["after_ms"]?.integerValue {
            parts.append("ends within \(Wording.duration(milliseconds: after)) of its beginning")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ") + ", or it is timed out"
    }
}
