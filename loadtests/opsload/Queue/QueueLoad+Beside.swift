// Decides which floors and peers stand beside a scenario, and that what is absent is said instead of guessed.

import PulserIR

extension QueueLoad {
    /// Floors and peers, on the same server while the node is away.
    func measureBeside(_ room: QueueRoom, _ report: inout Report) async throws {
        guard !self.setting.isAlone, report.faults.isEmpty else { return }
        guard [.drain, .enqueue, .pickup, .steps].contains(self.scenario.kind) else { return }
        try await room.stopNode()
        let beside = QueueBeside(room: room, folder: self.setting.folder)
        if QueueBeside.find("pgbench") == nil {
            report.notes.append("NOT MEASURED: pgbench is not installed")
        } else if self.scenario.floorSeconds > 0 {
            try await self.floors(beside, &report)
        }
        for peer in QueueBeside.peers where peer.kinds.contains(self.scenario.kind) {
            try await self.measure(peer, beside, &report)
        }
    }

    /// A floor, and how our figure stands to it: above 1 is better than the floor.
    private func add(_ name: String, _ value: Double, to ours: String, _ report: inout Report) {
        guard let own = report.figure(ours) else { return }
        report.figures.append(Figure("floor.\(name)", value, own.unit))
        let ratio = own.better == .lower ? value / max(own.value, 1e-9) : own.value / value
        report.figures.append(Figure("ratio.floor.\(name)", ratio, "x", .higher))
    }

    private func floors(_ beside: QueueBeside, _ report: inout Report) async throws {
        let time = ["-T", "\(self.scenario.floorSeconds)"]
        switch self.scenario.kind {
        case .drain:
            for clients in [1, 2] {
                let turns = max(1, self.scenario.runs / 500 / clients)
                let found = try await beside.pgbench(
                    "queue-drain-batch",
                    clients: clients,
                    limit: ["-t", "\(turns)"],
                    jobs: turns * 500
                )
                self.add("batch.\(clients)", found.perSecond * 500, to: "drained", &report)
            }
            let turns = max(1, self.scenario.runs / 2 / 32)
            let single = try await beside.pgbench(
                "queue-drain-single",
                clients: 32,
                limit: ["-t", "\(turns)"],
                jobs: turns
            )
            self.add("single.32", single.perSecond, to: "drained", &report)
        case .enqueue:
            let batch = try await beside.pgbench("queue-enqueue-batch", clients: 1, limit: time)
            self.add("batches", batch.perSecond * 1_000, to: "batches", &report)
            for (name, clients) in [("single", 1), ("single.32", 32)] {
                let found = try await beside.pgbench(
                    "queue-enqueue-single",
                    clients: clients,
                    limit: time
                )
                self.add(name, found.perSecond, to: name, &report)
            }
        case .pickup:
            let found = try await beside.pgbench(
                "queue-pickup",
                clients: 1,
                limit: time,
                rate: self.scenario.rate
            )
            self.add("three.commits", found.milliseconds, to: "ended.p50", &report)
        case .steps:
            for clients in [1, 32] {
                let found = try await beside.pgbench("queue-commit", clients: clients, limit: time)
                self.add("commits.\(clients)", found.perSecond, to: "durable", &report)
            }
        default: break
        }
    }

    /// A peer's figures beside ours of the same meaning.
    private func measure(
        _ peer: QueueBeside.Peer,
        _ beside: QueueBeside,
        _ report: inout Report
    ) async throws {
        // Most of them take a thousand a second.
        let runs = self.scenario.kind == .steps ? 5_000 : min(self.scenario.runs, 10_000)
        var words = ["--runs", "\(runs)", "--steps", "\(self.scenario.steps)"]
        if self.scenario.kind == .pickup { words += ["--rate", "\(self.scenario.rate)"] }
        switch try await beside.measure(peer, self.scenario.kind, words) {
        case .failure(let reason): report.notes.append("NOT MEASURED: \(reason)")
        case .success((let version, let figures)):
            report.notes.append("\(peer.name) \(version)")
            let ours = [
                "drained": "drained", "enqueued": "batches", "durable": "durable",
                "pickup.p50": "claimed.p50", "pickup.p99": "claimed.p99",
            ]
            for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
                guard let own = ours[name].flatMap(report.figure) else { continue }
                report.figures.append(Figure("\(peer.name).\(name)", value, own.unit))
                let ratio = own.better == .lower ? value / max(own.value, 1e-9) : own.value / value
                report.figures.append(Figure("ratio.\(peer.name).\(name)", ratio, "x", .higher))
            }
        }
    }
}
