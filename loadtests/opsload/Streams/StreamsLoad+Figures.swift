// The figures of a load of event streams.

extension StreamsLoad {
    /// Adds what was measured while events were printed.
    func add(
        _ before: Mark,
        _ idle: Mark,
        _ greetings: Duration,
        _ marks: [Mark],
        to report: inout Report
    ) {
        let state = self.ledger.snapshot
        report.figures += [
            Figure("subscribers", Double(self.scenario.subscribers), "streams"),
            Figure("connections", Double(self.scenario.connections), "connections"),
            Figure("printed", Double(self.scenario.eventsPerSecond), "events/s"),
            Figure("greetings", greetings / .seconds(1), "s"),
        ]
        if let first = before.use, let then = idle.use {
            let bytes =
                (then.residentBytes - first.residentBytes) / Double(self.scenario.subscribers)
            report.figures.append(
                Figure("memory_per_subscriber", bytes, "bytes", .lower, tolerance: 0.5)
            )
        }
        for (index, phase) in self.phases.enumerated() {
            let name = phase == .even ? "even" : "mixed"
            let (from, to) = (marks[index], marks[index + 1])
            let seconds = (to.at - from.at) / .seconds(1)
            let deliveries = Double(to.deliveries - from.deliveries)
            report.figures.append(
                Figure("\(name).deliveries", deliveries / seconds, "1/s", .higher)
            )
            if let first = from.use, let then = to.use {
                let cpu = then.cpuMicroseconds - first.cpuMicroseconds
                report.figures += [
                    Figure("\(name).cpu", cpu / seconds / 10_000, "% of a core"),
                    Figure("\(name).cpu_per_delivery", cpu / max(1, deliveries), "µs", .lower),
                    Figure("\(name).memory", then.residentBytes / 1_048_576, "MiB"),
                ]
            }
            report.figures += state.fast[phase.rawValue].figures("\(name).fast")
            if phase == .mixed {
                report.figures += state.slow[phase.rawValue].figures("mixed.slow")
            }
        }
        if self.phases.count == 2 {
            let even = state.fast[Ledger.Phase.even.rawValue].milliseconds(at: 99)
            let mixed = state.fast[Ledger.Phase.mixed.rawValue].milliseconds(at: 99)
            report.figures.append(
                Figure("mixed.fast.p99_ratio", mixed / max(0.001, even), "×", .lower)
            )
        }
    }
}
