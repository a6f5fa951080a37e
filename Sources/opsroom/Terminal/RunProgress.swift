// What the events of a run add up to, for showing it live and at its end.

import ControlRoom
import Foundation
import PulserIR

/// A run as told by its events.
struct RunProgress: Sendable {
    /// One step as told by its events.
    struct Step: Sendable {
        var id: String
        var kind = ""
        var status = "pending"
        var attempt = 0
        var startedMilliseconds: Int64?
        var tookMilliseconds: Int64?
        /// The reason, the latest line of output or what a verifier found.
        var detail = ""
        var lines: [String] = []
        var verifiers: [String] = []
        var artifacts: [String] = []
    }

    private(set) var steps: [Step]
    private(set) var status = "queued"
    private(set) var note = ""
    private(set) var outputs: [String: JSONValue] = [:]

    init(plan: Plan) {
        self.steps = plan.steps.map { Step(id: $0.id, kind: $0.action.kind) }
    }

    var done: Int { self.steps.count { !["pending", "running", "retrying"].contains($0.status) } }

    /// How far the run is and what it does, in one line that says something at any moment.
    func sentence(_ status: RunStatus?) -> String {
        func ids(_ status: String) -> String {
            self.steps.filter { $0.status == status }.map(\.id).joined(separator: ", ")
        }
        var now = status == .queued ? "queued" : self.status
        if !ids("retrying").isEmpty { now = "retrying: " + ids("retrying") }
        if !ids("running").isEmpty { now = "now: " + ids("running") }
        let note = self.note.isEmpty ? "" : " (\(self.note))"
        return "\(self.done) of \(self.steps.count) steps done; \(now)\(note)"
    }

    /// Takes one event.
    mutating func take(_ event: JSONValue) {
        let type = event["type"]?.stringValue ?? ""
        let data = event["data"]
        let reason = data?["reason"]?.stringValue
        if type.hasPrefix("run.") {
            self.takeRun(String(type.dropFirst(4)), reason, data)
        }
        guard let id = event["step"]?.stringValue else { return }
        // Items and rollbacks show at their step.
        let step = String(id.prefix { $0 != "[" && $0 != "!" })
        guard let index = self.steps.firstIndex(where: { $0.id == step }) else { return }
        let isPart = step.count != id.count
        let at = event["at"]?.stringValue.flatMap(Self.milliseconds)
        self.takeStep(index, type, isPart: isPart, id: id, at: at, data)
        if let attempt = event["attempt"]?.integerValue, !isPart {
            self.steps[index].attempt = Int(attempt)
        }
    }

    private mutating func takeRun(_ word: String, _ reason: String?, _ data: JSONValue?) {
        switch word {
        case "started", "resumed":
            self.status = "running"
            if word == "resumed" { self.note = "resumed where it was" }
        case "paused":
            self.status = "waiting"
            self.note = "paused by \(data?["by"]?.stringValue ?? "somebody")"
        case "unpaused":
            self.status = "running"
            self.note = ""
        case "rolling_back": self.note = "rolling back"
        case "retrying":
            self.status = "waiting"
            let wait = data?["in_ms"]?.integerValue ?? 0
            self.note = "tried again in \(Wording.duration(milliseconds: wait))"
        case "waiting":
            self.status = "waiting"
            self.note = reason ?? ""
        default:
            self.status = word
            self.note = reason ?? ""
            self.outputs = data?["outputs"]?.objectValue ?? [:]
        }
    }

    private mutating func takeStep(
        _ index: Int,
        _ type: String,
        isPart: Bool,
        id: String,
        at: Int64?,
        _ data: JSONValue?
    ) {
        let reason = data?["reason"]?.stringValue
        switch type {
        case "step.started":
            if isPart {
                self.steps[index].detail = id
            } else {
                self.status = "running"
                self.steps[index].status = "running"
                self.steps[index].startedMilliseconds = at
                self.steps[index].detail = ""
                self.steps[index].verifiers = []
            }
        case "step.output":
            let line = data?["line"]?.stringValue ?? ""
            self.steps[index].detail = line
            self.steps[index].lines.append(line)
            if self.steps[index].lines.count > 20 { self.steps[index].lines.removeFirst() }
        case "step.verified":
            let words = ["id", "result", "observed"].map { data?[$0]?.stringValue ?? "" }
            let sign = Wording.sign(words[1]).sign
            self.steps[index].verifiers.append("\(sign) \(words[0]): \(words[2])")
        case "artifact.stored":
            let size = Wording.size(data?["size"]?.integerValue ?? 0)
            self.steps[index].artifacts.append("\(data?["name"]?.stringValue ?? "") (\(size))")
        case "step.retrying":
            self.steps[index].status = "retrying"
            let wait = Wording.duration(milliseconds: data?["in_ms"]?.integerValue ?? 0)
            self.steps[index].detail = "again in \(wait): \(self.steps[index].detail)"
        case "step.succeeded" where isPart, "step.failed" where isPart:
            if id.contains("!") {
                let held = type == "step.succeeded"
                self.steps[index].detail = held ? "rolled back" : "rollback failed: \(reason ?? "")"
            }
        default:
            guard type.hasPrefix("step.") else { return }
            self.steps[index].status = String(type.dropFirst(5))
            if let at, let started = self.steps[index].startedMilliseconds {
                self.steps[index].tookMilliseconds = at - started
            }
            if let reason { self.steps[index].detail = reason }
        }
    }

    static func milliseconds(_ text: String) -> Int64? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? style.parse(text)).map { Int64($0.timeIntervalSince1970 * 1_000) }
    }
}
