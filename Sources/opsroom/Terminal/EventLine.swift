// How one event reads on a line of its own.

import ControlRoom
import Foundation
import PulserIR

/// One event for people.
struct EventLine {
    let event: JSONValue

    /// The line, for a terminal.
    func text(_ terminal: Terminal) -> String {
        let type = self.event["type"]?.stringValue ?? "?"
        let (sign, style) = Self.sign(type, self.event["data"])
        var rest = [self.event["step"]?.stringValue.map { terminal.styled($0, .bold) }]
        let detail = Wording.oneLine(self.detail(type), 4_000)
        rest.append(detail.isEmpty ? nil : detail)
        let words = rest.compactMap { $0 }.joined(separator: "  ")
        // Nothing stands behind the last word.
        let width = words.isEmpty ? 0 : max(15, type.count) + 2
        let word = type.padding(toLength: max(width, type.count), withPad: " ", startingAt: 0)
        return terminal.styled(self.clock, .dim) + "  "
            + terminal.styled(self.event["run"]?.stringValue ?? "", .cyan) + "  "
            + terminal.styled("\(sign) \(word)", style) + words
    }

    /// The time of day here.
    private var clock: String {
        guard let at = self.event["at"]?.stringValue.flatMap(RunProgress.milliseconds) else {
            return "--:--:--.---"
        }
        var seconds = time_t(at / 1_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            format: "%02d:%02d:%02d.%03d",
            parts.tm_hour,
            parts.tm_min,
            parts.tm_sec,
            Int(at % 1_000)
        )
    }

    private static func sign(_ type: String, _ data: JSONValue?) -> (sign: String, style: Style) {
        switch type {
        case "step.output": ("│", .dim)
        case "step.verified": Wording.sign(data?["result"]?.stringValue ?? "")
        case "run.started", "run.resumed", "step.started": ("▶", .cyan)
        case "artifact.stored": ("◆", .dim)
        case "approval.decided": Wording.sign(data?["decision"] == "approved" ? "ok" : "failed")
        case "signal.taken": ("◆", .dim)
        case "run.rolling_back": ("!", .yellow)
        default: Wording.sign(String(type.drop { $0 != "." }.dropFirst()))
        }
    }

    private func detail(_ type: String) -> String {
        let data = self.event["data"]
        func text(_ name: String) -> String { data?[name]?.stringValue ?? "" }
        switch type {
        case "step.output": return text("line")
        case "step.verified":
            return [text("id"), text("observed")].filter { !$0.isEmpty }.joined(separator: ": ")
        case "approval.decided":
            let count =
                "\(data?["approvals"]?.integerValue ?? 0) of "
                + "\(data?["of"]?.integerValue ?? 0)"
            let comment = text("comment")
            return "\(text("decision")) by \(text("by")), \(count)"
                + (comment.isEmpty ? "" : ": \(comment)")
        case "signal.taken": return "'\(text("name"))' from \(text("by"))"
        case "artifact.stored":
            return "\(text("name")) (\(Wording.size(data?["size"]?.integerValue ?? 0)))"
        case "step.retrying", "run.retrying":
            let wait = Wording.duration(milliseconds: data?["in_ms"]?.integerValue ?? 0)
            let reason = text("reason")
            return "again in \(wait)" + (reason.isEmpty ? "" : ": \(reason)")
        default:
            let attempt = self.event["attempt"]?.integerValue ?? 1
            let reason = text("reason")
            let isAgain = type == "step.started" && attempt > 1
            return isAgain ? "attempt \(attempt)" : reason
        }
    }
}
