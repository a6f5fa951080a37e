// Sends a mix of requests, at a rate whatever the server does, or so many at once.

import HTTP2
import HTTPTypes
import NIOCore
import PulserIR

/// One load of the API.
struct APILoad: Sendable {
    private let scenario: APIScenario
    private let process: Int32?
    private let api: APIClient
    private let ledger = APILedger()
    private let facts: APIFacts
    private let operations: [(operation: APIOperation, upTo: Int)]

    init(_ scenario: APIScenario, target: Target, process: Int32?) {
        self.scenario = scenario
        self.process = process
        self.api = APIClient(
            target: target,
            client: target.client(connections: scenario.connections, streams: 100)
        )
        self.facts = APIFacts(session: LoadName.make())
        var sum = 0
        self.operations = scenario.operations.compactMap { name, weight in
            sum += weight
            let operation = APIOperation.all.first { $0.name == name }
            return operation.map { ($0, sum) }
        }
    }

    /// Runs all phases.
    func run(_ name: String) async throws -> Report {
        try await withThrowingTaskGroup(of: Report?.self) { group in
            group.addTask {
                await self.api.client.run()
                return nil
            }
            group.addTask { try await self.perform(name) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
            }
            throw LoadError("the client ended before the load did")
        }
    }

    private func perform(_ name: String) async throws -> Report {
        try await self.api.makeSession(self.facts.session, lanes: 8)
        for _ in 0..<16 {
            let run = try await self.api.start(
                plan: APIOperation.plan,
                session: self.facts.session,
                lane: "l0"
            )
            self.facts.add(run)
        }
        var report = Report(kind: "api", scenario: name)
        for pace in self.scenario.paces {
            try await self.keep(pace, for: .seconds(self.scenario.warmupSeconds))
            _ = self.ledger.take()
            let before = try self.process.map { try ProcessUse(of: $0) }
            let began = ContinuousClock.now
            try await self.keep(pace, for: .seconds(self.scenario.phaseSeconds))
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            let after = try self.process.map { try ProcessUse(of: $0) }
            self.add(pace, seconds, before, after, to: &report)
        }
        return report
    }

    private func keep(_ pace: APIScenario.Pace, for duration: Duration) async throws {
        guard duration > .zero else { return }
        switch pace {
        case .closed(let concurrency):
            let end = ContinuousClock.now + duration
            await withDiscardingTaskGroup { group in
                for _ in 0..<concurrency {
                    group.addTask {
                        while ContinuousClock.now < end { await self.request(dueAt: .now) }
                    }
                }
            }
        case .open(let perSecond): try await self.keepRate(perSecond, for: duration)
        }
    }

    /// Requests are due by the clock. One that cannot be sent yet waits, and its latency tells.
    private func keepRate(_ perSecond: Double, for duration: Duration) async throws {
        let start = ContinuousClock.now
        let total = Int(perSecond * (duration / .seconds(1)))
        await withTaskGroup(of: Void.self) { group in
            var underWay = 0
            for number in 0..<total {
                let due = start + .seconds(1) * (Double(number) / perSecond)
                // A timer's grain is about a millisecond: what is due within it goes now.
                if due - ContinuousClock.now > .milliseconds(1) {
                    try? await Task.sleep(until: due, tolerance: .zero)
                }
                if underWay >= self.scenario.inFlightMax {
                    await group.next()
                    underWay -= 1
                }
                underWay += 1
                group.addTask { await self.request(dueAt: due) }
            }
        }
    }

    private func request(dueAt due: ContinuousClock.Instant) async {
        let chosen = Int.random(in: 0..<(self.operations.last?.upTo ?? 1))
        guard let operation = self.operations.first(where: { chosen < $0.upTo })?.operation else {
            return
        }
        let (path, body) = operation.make(self.facts)
        do {
            let answer = try await self.api.call(operation.method, path, body)
            self.ledger.record(operation.name, answer.status, ContinuousClock.now - due)
            if operation.makesRun, let run = answer.body["id"]?.stringValue { self.facts.add(run) }
        } catch {
            self.ledger.record(operation.name, 0, ContinuousClock.now - due, "\(error)")
        }
    }

    private func add(
        _ pace: APIScenario.Pace,
        _ seconds: Double,
        _ before: ProcessUse?,
        _ after: ProcessUse?,
        to report: inout Report
    ) {
        let phase =
            switch pace {
            case .open(let perSecond): "open-\(Figure.text(perSecond))"
            case .closed(let concurrency): "closed-\(concurrency)"
            }
        let entries = self.ledger.take()
        var all = Latencies()
        for (operation, entry) in entries {
            all.add(entry.latencies)
            report.figures += entry.latencies.figures("\(phase).\(operation)")
            for (status, count) in entry.answers.sorted(by: { $0.key < $1.key })
            where !(200..<300).contains(status) {
                let what = status == 0 ? "no answer" : "\(status)"
                report.faults.append("\(phase): \(count) × \(operation): \(what)")
            }
            for (failure, count) in entry.failures.sorted(by: { $0.key < $1.key }) {
                report.notes.append("\(phase): \(count) × \(operation): \(failure)")
            }
        }
        report.figures += all.figures("\(phase).all")
        report.figures.append(
            Figure("\(phase).requests", Double(all.count) / seconds, "1/s", .higher)
        )
        if let before, let after {
            let cpu = after.cpuMicroseconds - before.cpuMicroseconds
            report.figures += [
                Figure("\(phase).cpu", cpu / seconds / 10_000, "% of a core"),
                Figure("\(phase).cpu_per_request", cpu / Double(max(1, all.count)), "µs", .lower),
            ]
        }
    }
}
