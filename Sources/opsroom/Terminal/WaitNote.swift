// How a plan's waits read beside their steps.

import PulserIR

extension WaitAction {
    /// What it waits for and for how long, in few words.
    var notes: [String] {
        var notes: [String] = []
        switch self {
        case .signal(let wait):
            if let name = wait.name.source.stringValue { notes.append("for '\(name)'") }
            if let time = wait.timeoutMilliseconds {
                notes.append(
                    "\(Wording.duration(milliseconds: time)), then \(wait.onTimeout.rawValue)s"
                )
            }
        case .approval(let wait):
            let from = (wait.groups + wait.users).joined(separator: ", ")
            notes.append("\(wait.count) of \(from.isEmpty ? "anybody" : from)")
            if !wait.allowsSelf { notes.append("not who started it") }
            if let time = wait.timeoutMilliseconds {
                let then =
                    switch wait.onTimeout {
                    case .fail: "fails"
                    case .approve: "is approved"
                    case .reject: "is rejected"
                    }
                notes.append("\(Wording.duration(milliseconds: time)), then \(then)")
            }
            if wait.onReject == .continue { notes.append("goes on when rejected") }
            if !wait.formNames.isEmpty {
                notes.append("form " + wait.formNames.joined(separator: ", "))
            }
        }
        return notes
    }
}
