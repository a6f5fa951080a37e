// Decides whether a cluster kept its promises, from what a campaign left behind.

import PulserIR

/// The rules, each a function that gives a sentence per breach. Pure.
struct FaultAudit: Sendable {
    /// Sentences of one rule that are told; the rest is counted.
    static let toldMax = 10

    let evidence: FaultEvidence
    private let runs: [Int64: FaultEvidence.Run]
    private let plans: [String: JudgedPlan]
    private let laneNames: [Int64: String]
    private let journal: [Int64: [FaultEvidence.Step]]

    init(_ evidence: FaultEvidence) {
        self.evidence = evidence
        self.runs = Dictionary(evidence.runs.map { ($0.id, $0) }) { first, _ in first }
        self.plans = Dictionary(evidence.plans.map { ($0.name, $0) }) { first, _ in first }
        self.laneNames = Dictionary(evidence.lanes.map { ($0.id, $0.name) }) { first, _ in first }
        self.journal = Dictionary(grouping: evidence.steps, by: \.run)
    }

    /// Every breach of every rule.
    var breaches: [String] {
        let rules: [(String, [String])] = [
            ("ended", self.ended()), ("results", self.results()), ("effects", self.effects()),
            ("order", self.order()), ("log", self.log()), ("streams", self.streams()),
        ]
        return rules.flatMap { name, sentences in
            let more = sentences.count - Self.toldMax
            return sentences.prefix(Self.toldMax).map { "\(name): \($0)" }
                + (more > 0 ? ["\(name): and \(more) more"] : [])
        }
    }

    /// Every run that was ordered is there, and no other; all of them succeeded.
    func ended() -> [String] {
        var sentences: [String] = []
        let known = Set(self.evidence.runs.map { RunID($0.id).description })
        for id in self.evidence.ordered.keys.sorted() where !known.contains(id) {
            sentences.append("run \(id) was accepted and is not there")
        }
        for run in self.evidence.runs {
            let id = RunID(run.id).description
            if self.evidence.ordered[id] == nil {
                sentences.append("run \(id) is there and was not ordered, or was made twice")
            }
            if run.status != "succeeded" {
                let why = run.failure.isEmpty ? "" : ": \(run.failure)"
                sentences.append("run \(id) is \(run.status)\(why)")
            }
        }
        return sentences
    }

    /// Each step of each run has exactly one accepted result.
    func results() -> [String] {
        var sentences: [String] = []
        for run in self.evidence.runs {
            guard let plan = self.plans[run.plan] else { continue }
            let id = RunID(run.id).description
            let rows = (self.journal[run.id] ?? []).filter { !$0.isSuperseded }
            let accepted = Dictionary(grouping: rows.filter { $0.state == "succeeded" }, by: \.step)
            for step in plan.steps where accepted[step.id]?.count != 1 {
                let count = accepted[step.id]?.count ?? 0
                sentences.append("step \(step.id) of run \(id) has \(count) accepted results")
            }
            let names = Set(plan.steps.map(\.id))
            for step in Set(rows.map(\.step)).subtracting(names).sorted() {
                sentences.append("step \(step) of run \(id) is none of its plan's")
            }
        }
        return sentences
    }

    private struct Line: Hashable {
        var run: String
        var step: String
    }

    /// What was done: once, or once more for each attempt that was cut off.
    func effects() -> [String] {
        var sentences: [String] = []
        var counts: [Line: Int] = [:]
        for (lane, lines) in self.evidence.lines.sorted(by: { $0.key < $1.key }) {
            for text in lines {
                let words = text.split(separator: " ", omittingEmptySubsequences: false)
                guard words.count == 4, words[0] == lane, let run = RunID(String(words[1])),
                    let row = self.runs[run.number], self.laneNames[row.lane] == lane
                else {
                    sentences.append("lane \(lane) has the line '\(text)', which is nobody's")
                    continue
                }
                counts[Line(run: "\(run)", step: String(words[2])), default: 0] += 1
            }
        }
        for run in self.evidence.runs {
            guard let plan = self.plans[run.plan] else { continue }
            let id = RunID(run.id).description
            let rows = (self.journal[run.id] ?? []).filter { $0.attempt > 0 }
            for step in plan.steps {
                let count = counts.removeValue(forKey: Line(run: id, step: step.id)) ?? 0
                let cut = rows.count { $0.step == step.id && $0.state != "succeeded" }
                let allowed =
                    switch step.effects {
                    case .none: 0...0
                    case .destructive: 1...1
                    case .idempotent: 1...1 + cut
                    }
                if run.status == "succeeded", !allowed.contains(count) {
                    sentences.append(
                        "step \(step.id) of run \(id) happened \(count) times; "
                            + "\(cut) attempts were cut off"
                    )
                }
            }
        }
        for line in counts.keys {
            sentences.append("step \(line.step) of run \(line.run) is none of its plan's")
        }
        return sentences
    }

    /// A lane works on one run after the other, in the order in which they came.
    func order() -> [String] {
        var sentences: [String] = []
        let runs = Dictionary(grouping: self.evidence.runs, by: \.lane)
        for (lane, unsorted) in runs.sorted(by: { $0.key < $1.key }) {
            let name = self.laneNames[lane] ?? "\(lane)"
            let sorted = unsorted.sorted { $0.id < $1.id }
            for (before, after) in zip(sorted, sorted.dropFirst()) {
                let pair = "\(RunID(before.id)) and \(RunID(after.id)) of lane \(name)"
                if after.started < before.finished {
                    sentences.append("runs \(pair) overlap, or changed places")
                }
                if after.firstSequence <= before.lastSequence {
                    sentences.append("the events of runs \(pair) overlap")
                }
            }
        }
        for (lane, lines) in self.evidence.lines.sorted(by: { $0.key < $1.key }) {
            var last: (run: Int64, step: Int) = (0, 0)
            for text in lines {
                let words = text.split(separator: " ")
                guard words.count == 4, let run = RunID(String(words[1]))?.number,
                    let plan = self.runs[run].flatMap({ self.plans[$0.plan] }),
                    let step = plan.steps.firstIndex(where: { $0.id == words[2] })
                else { continue }
                guard (run, step) < last else {
                    last = (run, step)
                    continue
                }
                sentences.append(
                    "lane \(lane): step \(words[2]) of run \(words[1]) happened after a later one "
                        + "of run \(RunID(last.run))"
                )
            }
        }
        return sentences
    }

    /// The log of a lane has no gap, and tells of each result once.
    func log() -> [String] {
        var sentences: [String] = []
        for (lane, chunks) in self.evidence.chunks.sorted(by: { $0.key < $1.key }) {
            let name = self.laneNames[lane] ?? "\(lane)"
            var next: Int64 = 1
            var told: [String: Int] = [:]
            for chunk in chunks {
                let lines = chunk.bytes.split(separator: 10)
                if lines.count != chunk.count || chunk.first != next {
                    sentences.append("lane \(name): event \(next) is not where it belongs")
                }
                for (index, line) in lines.enumerated() {
                    guard let event = try? JSONValue(parsing: Array(line)),
                        event["seq"]?.integerValue == chunk.first + Int64(index)
                    else {
                        sentences.append("lane \(name): event \(next) cannot be read")
                        continue
                    }
                    let kind = event["type"]?.stringValue ?? ""
                    guard kind == "step.succeeded" || kind == "run.succeeded" else { continue }
                    let run = event["run"]?.stringValue ?? ""
                    told["\(kind) \(run) \(event["step"]?.stringValue ?? "")", default: 0] += 1
                }
                next = chunk.first + Int64(lines.count)
            }
            for (what, count) in told.sorted(by: { $0.key < $1.key }) where count > 1 {
                sentences.append("lane \(name) tells \(count) times of \(what)")
            }
        }
        return sentences
    }

    /// Subscribers had every event once, in the order of their lanes, word for word.
    func streams() -> [String] {
        let stored = self.evidence.chunks.mapValues { $0.flatMap(\.bytes) }
        let ends = self.evidence.chunks.mapValues { chunks in
            chunks.reduce(Int64(0)) { $0 + Int64($1.count) }
        }
        return self.evidence.streams.flatMap { stream -> [String] in
            var sentences: [String] = []
            let audit = stream.audit
            let lost = audit.lost(ends)
            if lost > 0 { sentences.append("\(stream.name) lost \(lost) events") }
            if audit.duplicated > 0 {
                sentences.append("\(stream.name) had \(audit.duplicated) events twice")
            }
            if audit.reordered > 0 {
                sentences.append("\(stream.name) had \(audit.reordered) events out of order")
            }
            // What is lost or repeated differs as well, and was told.
            guard sentences.isEmpty else { return sentences }
            for lane in Set(stored.keys).union(stream.logs.keys).sorted() {
                if stored[lane, default: []] != stream.logs[lane, default: []] {
                    sentences.append("\(stream.name) had other events of lane \(lane) than stored")
                }
            }
            return sentences
        }
    }
}
