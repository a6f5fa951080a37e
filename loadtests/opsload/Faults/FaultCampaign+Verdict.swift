// Decides what came of a campaign: which rules were broken, and how long recovery took.

import FoundationEssentials
import PulserIR
import Synchronization

extension FaultCampaign {
    /// Waits until all has ended, and holds what is left against the rules.
    func judge(
        _ place: Place,
        _ work: FaultWork,
        _ subscribers: [FaultSubscriber],
        _ door: ClusterDoor
    ) async throws -> Report {
        let since = ContinuousClock.now
        try await self.until("every run ended", within: self.setting.patience) {
            let open = try await place.database.table("open").first ?? []
            return open.first == "0"
        }
        let rest = (ContinuousClock.now - since) / .seconds(1)
        var evidence = FaultEvidence()
        try await evidence.read(place.database)
        let ends = evidence.chunks.mapValues { $0.reduce(Int64(0)) { $0 + Int64($1.count) } }
        let deadline = ContinuousClock.now + .seconds(30)
        while !subscribers.allSatisfy({ $0.isComplete(ends) }), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(100))
        }
        if self.setting.folder != nil { try await place.database.keep(in: place.logs) }
        evidence.streams = subscribers.map(\.evidence)
        evidence.plans = work.judgedPlans
        evidence.ordered = work.ordered
        for lane in work.lanes {
            let text = TextFile.read("\(place.effects)/\(lane)") ?? ""
            evidence.lines[lane] = text.split(separator: "\n").map(String.init)
        }
        var report = Report(kind: "faults", scenario: "seed \(self.setting.seed)")
        report.faults = self.state.withLock(\.breaches) + work.breaches
        report.faults += FaultAudit(evidence).breaches
        for subscriber in subscribers {
            for (oddity, count) in subscriber.oddities.sorted(by: { $0.key < $1.key }) {
                report.faults.append("streams: \(subscriber.name): \(count) × \(oddity)")
            }
        }
        self.add(RecoveryAudit(evidence), evidence, to: &report)
        report.figures += [
            Figure("runs", Double(evidence.runs.count), "runs"),
            Figure("events", Double(ends.values.reduce(0, +)), "events"),
            Figure("cut_attempts", Double(evidence.steps.count { $0.state == "unknown" }), "steps"),
            Figure("asked_a_person", Double(work.answers), "steps"),
            Figure("streams", Double(subscribers.reduce(0) { $0 + $1.streams }), "streams"),
            Figure("detours", Double(door.detours), "requests"),
            Figure("lives", Double(evidence.nodes.count), "epochs"),
            Figure("rest", rest, "s"),
            Figure("breaches", Double(report.faults.count), "breaches", .lower, tolerance: 0),
        ]
        return report
    }

    private func add(_ audit: RecoveryAudit, _ evidence: FaultEvidence, to report: inout Report) {
        let state = self.state.withLock { $0 }
        for kind in FaultSchedule.kinds {
            report.figures.append(
                Figure("faults.\(kind)", Double(state.faultCounts[kind] ?? 0), "faults")
            )
        }
        let kinds: [(String, [NodeLoss], (NodeLoss) -> RecoveryAudit.Cost)] = [
            ("alone.kill", state.aloneKills, audit.kill),
            ("alone.drain", state.aloneDrains, audit.drain),
            ("kill", state.kills, audit.kill), ("drain", state.drains, audit.drain),
        ]
        for (name, losses, cost) in kinds where !losses.isEmpty {
            var shards = Latencies()
            var lanes = Latencies()
            var whole = Latencies()
            var missing = 0
            for loss in losses {
                let cost = cost(loss)
                for time in cost.shards.values { shards.record(microseconds: time) }
                for time in cost.lanes.values { lanes.record(microseconds: time) }
                if let time = cost.whole { whole.record(microseconds: time) }
                missing += cost.missing
            }
            report.figures.append(Figure("\(name).count", Double(losses.count), "nodes"))
            report.figures += shards.figures("\(name).shard") + lanes.figures("\(name).lane")
            report.figures += whole.figures("\(name).whole")
            if missing > 0 { report.notes.append("\(name): \(missing) shards or lanes unseen") }
        }
        for death in state.deaths { report.notes.append("ended by itself: \(death)") }
    }
}
