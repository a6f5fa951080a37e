// Paints a run: live, over itself, while it goes on; once, whole, at its end.

import ControlRoom
import Foundation
import PulserIR

/// Shows one run on a terminal.
actor RunView {
    private var progress: RunProgress
    private var run: RunFacts?
    private var painted = 0
    private var frame = 0
    private let plan: Plan
    private let id: RunID
    private let started = Date()
    private var notice: String?
    private var lastLine = Date()

    init(plan: Plan, id: RunID) {
        self.plan = plan
        self.id = id
        self.progress = RunProgress(plan: plan)
    }

    func take(_ event: JSONValue) { self.progress.take(event) }

    func see(_ run: RunFacts) { self.run = run }

    /// Something about the node, shown under the run.
    func say(_ notice: String?) { self.notice = notice }

    /// Repaints ten times a second on a terminal, else tells a line every ten seconds; until
    /// cancelled.
    func paintLoop() async {
        while !Task.isCancelled {
            if Terminal.error.isTerminal {
                self.paint()
            } else if Date().timeIntervalSince(self.lastLine) >= 10 {
                self.lastLine = Date()
                Terminal.error.line("\(self.id): \(self.progress.sentence(self.run?.status))")
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
        self.erase()
    }

    private func erase() {
        guard self.painted > 0 else { return }
        Terminal.error.write("\u{1B}[\(self.painted)A\u{1B}[J")
        self.painted = 0
    }

    private func paint() {
        let terminal = Terminal.error
        self.frame += 1
        var lines = [self.headline(terminal)]
        let room = max(3, terminal.height - 4)
        var steps = self.progress.steps
        if steps.count > room {
            // What is done is told in one line; what is under way and next stays in sight.
            let open = steps.filter { $0.tookMilliseconds == nil }
            let done = steps.count - open.count
            steps = Array(open.prefix(room - 1))
            lines.append(terminal.styled("  ✓ \(done) steps done", .dim))
        }
        let width = steps.map(\.id.count).max() ?? 0
        for step in steps { lines.append(self.line(step, width, terminal)) }
        if let notice { lines.append(terminal.styled("  ! \(notice)", .yellow)) }
        var text = self.painted > 0 ? "\u{1B}[\(self.painted)A" : ""
        for line in lines { text += "\r\u{1B}[K" + line + "\n" }
        text += "\u{1B}[J"
        terminal.write(text)
        self.painted = lines.count
    }

    private func headline(_ terminal: Terminal) -> String {
        let age = Int64(Date().timeIntervalSince(self.started) * 1_000)
        let status = self.run?.status == .queued ? "queued" : self.progress.status
        var text = terminal.styled(self.plan.name, .bold)
        text += "  \(status)  \(Wording.duration(milliseconds: age))"
        if !self.progress.note.isEmpty { text += "  " + self.progress.note }
        return text + terminal.styled("  run \(self.id)", .dim)
    }

    private func line(_ step: RunProgress.Step, _ width: Int, _ terminal: Terminal) -> String {
        let isRunning = step.status == "running"
        let spinner = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
        let (sign, style) = Wording.sign(step.status)
        let shown = isRunning ? String(spinner[self.frame % spinner.count]) : sign
        var took = step.tookMilliseconds.map { Wording.duration(milliseconds: $0) } ?? ""
        if isRunning, let started = step.startedMilliseconds {
            let now = Int64(Date().timeIntervalSince1970 * 1_000)
            took = Wording.duration(milliseconds: now - started)
        }
        let id = step.id.padding(toLength: width, withPad: " ", startingAt: 0)
        let time = took.count < 9 ? String(repeating: " ", count: 9 - took.count) + took : took
        let room = max(0, terminal.width - width - 17)
        let detail = Wording.oneLine(step.detail, room)
        return "  \(terminal.styled(shown, style)) \(id) \(time)  "
            + terminal.styled(detail, step.status == "failed" ? .red : .dim)
    }

    /// Prints the whole run on stdout; `words` are what further commands need to mean this room, `note`
    /// is until when it must have begun or ended.
    func printSummary(_ run: RunFacts, _ words: String, until note: String? = nil) {
        let terminal = Terminal.output
        let (sign, style) = Wording.sign(run.status.rawValue)
        let took = run.tookMilliseconds.map { " in " + Wording.duration(milliseconds: $0) }
        terminal.line(
            "\(terminal.styled(sign, style)) \(terminal.styled(self.plan.name, .bold)) "
                + "\(run.status.rawValue)\(took ?? "")"
                + terminal.styled("  run \(run.id) · \(run.place)", .dim)
        )
        let width = self.progress.steps.map(\.id.count).max() ?? 0
        for step in self.progress.steps { self.printStep(step, width, terminal) }
        if let failure = run.failure {
            terminal.line("\n" + terminal.styled(failure, .red))
        } else if let waits = run.waitReason {
            terminal.line("\n" + terminal.styled(waits, .yellow))
        }
        if let note { terminal.line("\n" + terminal.styled(note, .dim)) }
        if !self.progress.outputs.isEmpty {
            terminal.line()
            for (name, value) in self.progress.outputs.sorted(by: { $0.key < $1.key }) {
                let text = value.stringValue ?? value.canonicalText
                terminal.line("  \(terminal.styled(name, .cyan)) = \(text)")
            }
        }
        let next = run.status == .succeeded ? "show" : "retry"
        terminal.line(
            terminal.styled(
                "\nNext:  opsroom runs \(next) \(run.id)\(words) · "
                    + "opsroom runs logs \(run.id)\(words)",
                .dim
            )
        )
    }

    private func printStep(_ step: RunProgress.Step, _ width: Int, _ terminal: Terminal) {
        let (sign, style) = Wording.sign(step.status)
        let id = step.id.padding(toLength: width, withPad: " ", startingAt: 0)
        let took = step.tookMilliseconds.map { Wording.duration(milliseconds: $0) } ?? ""
        let time = took.count < 9 ? String(repeating: " ", count: 9 - took.count) + took : took
        let attempts = step.attempt > 1 ? "attempt \(step.attempt)  " : ""
        var detail = step.artifacts.joined(separator: ", ")
        if detail.isEmpty { detail = step.verifiers.joined(separator: "  ") }
        if step.status == "skipped" || step.status == "cancelled" { detail = step.detail }
        let room = terminal.isTerminal ? max(20, terminal.width - width - 16) : 160
        terminal.line(
            "  \(terminal.styled(sign, style)) \(id) \(time)  "
                + terminal.styled(attempts + Wording.oneLine(detail, room), .dim)
        )
        guard step.status == "failed" || step.status == "unknown" else { return }
        terminal.line("      \(terminal.styled(step.detail, .red))")
        for line in step.lines.suffix(8) {
            terminal.line(terminal.styled("      │ \(line)", .dim))
        }
    }
}

extension Wording {
    /// The text without control characters, cut to `count`.
    static func oneLine(_ text: String, _ count: Int) -> String {
        let clean = text.unicodeScalars.map {
            $0.value < 32 || $0.value == 127 ? " " : Character($0)
        }
        return clean.count <= count ? String(clean) : String(clean.prefix(max(0, count - 1))) + "…"
    }
}
