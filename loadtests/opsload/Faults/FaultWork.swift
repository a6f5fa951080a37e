// Decides what a cluster works on during a campaign: plans, runs in lanes, and the person who is asked.

import FoundationEssentials
import HTTPTypes
import PulserIR
import Synchronization

/// The runs of a campaign.
final class FaultWork: Sendable {
    static let session = "faults"

    private struct State {
        /// Letters of every run that was accepted, with its plan.
        var ordered: [String: String] = [:]
        /// How often a person had a step made again.
        var answers = 0
        var breaches: [String] = []
    }

    let lanes: [String]
    let runs: Int
    private let door: ClusterDoor
    private let effects: String
    private let plans: [(plan: JudgedPlan, text: String)]
    private let state = Mutex(State())

    /// Prepares work: so many runs that sleep so long on average, with effects in a folder's files.
    init(
        _ door: ClusterDoor,
        runs: Int,
        lanes: Int,
        effects: String,
        napMilliseconds: Int,
        seed: UInt64
    ) {
        self.door = door
        self.runs = runs
        self.lanes = (0..<lanes).map { "l\($0)" }
        self.effects = effects
        var random = SeededNumbers(seed: seed)
        self.plans = (0..<6).map { number in
            let nap = Int.random(in: napMilliseconds / 3...napMilliseconds * 5 / 3, using: &random)
            return Self.plan(number, nap: max(10, nap))
        }
    }

    var ordered: [String: String] { self.state.withLock(\.ordered) }
    var answers: Int { self.state.withLock(\.answers) }
    /// What was found wrong while the runs were under way.
    var breaches: [String] { self.state.withLock(\.breaches) }
    var judgedPlans: [JudgedPlan] { self.plans.map(\.plan) }

    /// A chain of an idempotent and two destructive steps around two sleeps; which comes first
    /// differs from plan to plan.
    private static func plan(_ number: Int, nap: Int) -> (JudgedPlan, String) {
        let kinds: [EffectRule] =
            number % 2 == 0
            ? [.idempotent, .none, .destructive, .none, .idempotent]
            : [.destructive, .none, .idempotent, .none, .destructive]
        let name = "faults-\(number)"
        var text = """
            apiVersion: pulser/v1
            kind: Plan
            metadata: {name: \(name)}
            inputs: {file: {type: string}}
            retry: {max_attempts: 1}
            steps:

            """
        var steps: [(id: String, effects: EffectRule)] = []
        for (index, kind) in kinds.enumerated() {
            let id = "s\(index)"
            text += "  - id: \(id)\n"
            if index > 0 { text += "    needs: [s\(index - 1)]\n" }
            switch kind {
            case .none:
                // One of the two leaves a mark when it begins, being longer than a second or not.
                text += "    system: {sleep: \(index == 1 ? nap / 4 : nap * 3 / 4)ms}\n"
            case .idempotent, .destructive:
                let script = "sleep 0.1; echo \\\"$1 $2 \(id) $3\\\" >> \\\"$4\\\"; sleep 0.1"
                text += "    effects: \(kind == .idempotent ? "idempotent" : "destructive")\n"
                text += "    shell: {argv: [sh, -c, \"\(script)\", sh, \"{{ run.lane }}\", "
                text += "\"{{ run.id }}\", \"{{ run.attempt }}\", \"{{ inputs.file }}\"]}\n"
                if kind == .destructive {
                    text += "    verify: [{id: line, kind: shell, argv: [grep, -q, "
                    text += "\"{{ run.id }} \(id) \", \"{{ inputs.file }}\"]}]\n"
                }
            }
            steps.append((id, kind))
        }
        return (JudgedPlan(name: name, steps: steps), text)
    }

    // MARK: Enqueuing

    /// Orders all runs over so long a time: a third at once, the rest evenly, each lane's in order.
    ///
    /// Every order has a key and is repeated at another node until one accepts it.
    func order(over time: Duration) async throws {
        var digests: [String] = []
        for (_, text) in self.plans {
            let stored = try await self.door.make(
                .post,
                "/v1/plans",
                .object(["plan": .string(text)])
            )
            digests.append(stored["digest"]?.stringValue ?? "")
        }
        let made = digests
        let began = ContinuousClock.now
        let rounds = (self.runs + self.lanes.count - 1) / self.lanes.count
        try await withThrowingDiscardingTaskGroup { group in
            for index in self.lanes.indices {
                group.addTask {
                    for round in 0..<rounds {
                        let number = round * self.lanes.count + index
                        guard number < self.runs else { return }
                        let share = max(0, Double(number) / Double(self.runs) - 1.0 / 3) * 1.5
                        try await Task.sleep(until: began + time * share, clock: .continuous)
                        try await self.order(number, lane: self.lanes[index], made)
                    }
                }
            }
        }
    }

    private func order(_ number: Int, lane: String, _ digests: [String]) async throws {
        let choice = number % self.plans.count
        let run = try await self.door.make(
            .post,
            "/v1/runs",
            .object([
                "plan_digest": .string(digests[choice]), "session": .string(Self.session),
                "lane": .string(lane),
                "inputs": .object(["file": .string("\(self.effects)/\(lane)")]),
            ]),
            key: "run-\(number)"
        )
        guard let id = run["id"]?.stringValue else { throw LoadError("a run without an id") }
        let plan = self.plans[choice].plan.name
        self.state.withLock { $0.ordered[id] = plan }
    }

    // MARK: The person

    /// Looks at runs that wait for a person and has their step made again, until cancelled.
    func answer() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .milliseconds(500))
            let list = try await self.door.make(.get, "/v1/runs?status=waiting&limit=200")
            for run in list["runs"]?.arrayValue ?? [] {
                guard let id = run["id"]?.stringValue, let lane = run["lane"]?.stringValue,
                    let reason = run["wait_reason"]?.stringValue,
                    reason.contains("nobody can tell whether it happened"),
                    let step = reason.split(separator: "'").dropFirst().first.map(String.init)
                else { continue }
                try await self.answer(id, step: step, lane: lane, attempt: run["attempt"])
            }
        }
    }

    private func answer(
        _ id: String,
        step: String,
        lane: String,
        attempt: JSONValue?
    ) async throws {
        let lines = TextFile.read("\(self.effects)/\(lane)") ?? ""
        if lines.contains(" \(id) \(step) ") {
            self.state.withLock {
                $0.breaches.append("effects: run \(id) waits although \(step) has happened")
            }
        }
        do {
            _ = try await self.door.make(
                .post,
                "/v1/runs/\(id)/retry",
                .object(["from": .string(step)]),
                key: "retry-\(id)-\(step)-\(attempt?.integerValue ?? 0)"
            )
            self.state.withLock { $0.answers += 1 }
        } catch is LoadError {
            // It does not wait any more: what was seen was old.
        }
    }
}
