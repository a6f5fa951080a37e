// How a schedule shows in a terminal.

import PulserIR

/// How a schedule shows.
struct ScheduleView {
    let row: JSONValue

    init(_ row: JSONValue) { self.row = row }

    private func text(_ name: String) -> String { self.row[name]?.stringValue ?? "" }
    private func number(_ name: String) -> Int64 { self.row[name]?.integerValue ?? 0 }
    private var rules: String {
        (self.row["rules"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: " · ")
    }

    private var state: String {
        if self.row["paused"]?.objectValue != nil { return "paused" }
        if self.row["has_open_run"] == .bool(true) { return "running" }
        return self.row["next_at"]?.stringValue == nil ? "over" : "waiting"
    }

    private var next: String {
        self.row["next_at"]?.stringValue.flatMap(RunProgress.milliseconds).map(Wording.ahead) ?? "–"
    }

    /// A line of the list.
    var cells: [String] {
        [
            self.text("name"), self.state, self.next, self.rules, self.text("zone"),
            "\(self.text("session"))/\(self.text("lane"))",
        ]
    }

    /// All of it.
    var lines: [String] {
        let plan = self.row["template"]?.stringValue.map { "template \($0)" }
        var lines = [
            "schedule \(self.text("name"))  \(self.state)"
                + (self.text("title").isEmpty ? "" : "  \(self.text("title"))"),
            "  rules    \(self.rules)  (\(self.text("zone")))",
            "  next     \(self.text("next_at").isEmpty ? "–" : self.text("next_at"))  \(self.next)",
            "  runs     \(plan ?? self.text("plan_digest"))",
            "  in       \(self.text("session"))/\(self.text("lane")), "
                + "priority \(self.number("priority"))",
            "  missed   \(self.text("misfire")), within "
                + Wording.duration(milliseconds: self.number("catch_up_ms"))
                + ", at most \(self.number("catch_up_max"))",
            "  overlap  \(self.text("overlap"))",
        ]
        if self.number("jitter_ms") > 0 {
            lines.append(
                "  jitter   up to \(Wording.duration(milliseconds: self.number("jitter_ms")))"
            )
        }
        lines += self.ofRuns
        if let paused = self.row["paused"], paused != .null {
            let reason = paused["reason"]?.stringValue.map { ": \($0)" } ?? ""
            lines.append(
                "  paused   by \(paused["by"]?.stringValue ?? "") at "
                    + "\(paused["at"]?.stringValue ?? "")\(reason)"
            )
        }
        if let dropped = self.row["dropped"], let count = dropped["count"]?.integerValue, count > 0
        {
            lines.append(
                "  dropped  \(count) ticks, the last at \(dropped["last_at"]?.stringValue ?? "") "
                    + "(\(dropped["last_reason"]?.stringValue ?? ""))"
            )
        }
        return lines
    }

    /// What is said of each run.
    private var ofRuns: [String] {
        var lines: [String] = []
        func time(_ name: String) -> String? {
            let time = self.number(name)
            return time > 0 ? Wording.duration(milliseconds: time) : nil
        }
        if !self.text("key").isEmpty { lines.append("  for      \(self.text("key"))") }
        if let delay = time("delay_ms") { lines.append("  delay    \(delay) behind the tick") }
        let ends = [
            time("ttl_ms").map { "begins within \($0)" },
            time("deadline_ms").map { "ends within \($0) of its beginning" },
        ].compactMap { $0 }
        if !ends.isEmpty {
            lines.append("  each     \(ends.joined(separator: ", ")), or it is timed out")
        }
        if let unique = self.row["unique"], unique != .null { lines.append(Self.line(unique)) }
        return lines
    }

    private static func line(_ unique: JSONValue) -> String {
        func text(_ name: String) -> String { unique[name]?.stringValue ?? "" }
        let kind = unique["key"]?.stringValue.map { "'\($0)'" } ?? "plan and inputs"
        let period = unique["for_ms"]?.integerValue
            .map { "for \(Wording.duration(milliseconds: $0))" }
        return "  unique   \(kind) in its \(text("scope")), \(period ?? "until it has ended"), "
            + "else \(text("on_conflict"))"
    }
}
