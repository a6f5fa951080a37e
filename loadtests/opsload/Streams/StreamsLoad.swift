// Runs a load of event streams from its first session to the last event of the slowest reader.

import FoundationEssentials
import HTTP2
import NIOCore
import PulserIR

/// One load.
struct StreamsLoad: Sendable {
    /// What the node has used at one moment, and what it had delivered by then.
    struct Mark: Sendable {
        var at: ContinuousClock.Instant
        var deliveries: Int
        var use: ProcessUse?
    }

    let scenario: StreamsScenario
    private let target: Target
    private let process: Int32?
    private let api: APIClient
    let ledger = Ledger()
    private let subscribers: [Subscriber]
    private let clients: [HTTP2Client]
    private let sessions: [String]

    init(_ scenario: StreamsScenario, target: Target, process: Int32?) {
        self.scenario = scenario
        self.target = target
        self.process = process
        let name = LoadName.make()
        let sessions = (0..<scenario.sessions).map { "\(name)-\($0)" }
        let perConnection = (scenario.subscribers + scenario.connections - 1) / scenario.connections
        let clients = (0..<min(scenario.connections, scenario.subscribers)).map { _ in
            target.client(
                connections: 1,
                streams: perConnection + 8,
                streamWindowBytes: scenario.streamWindowBytes,
                connectionWindowBytes: scenario.connectionWindowBytes
            )
        }
        let ledger = self.ledger
        // Slow ones are spread: every connection and every session has its share of them.
        let slowEvery = scenario.slowShare
        self.subscribers = (0..<scenario.subscribers).map { number in
            let step = (Double(number + 1) * slowEvery).rounded(.down)
            return Subscriber(
                session: sessions[number / clients.count % sessions.count],
                isSlow: step > (Double(number) * slowEvery).rounded(.down),
                target: target,
                client: clients[number % clients.count],
                form: scenario.format,
                ledger: ledger
            )
        }
        self.sessions = sessions
        self.clients = clients
        self.api = APIClient(target: target, client: target.client(connections: 2))
    }

    /// Runs the scenario of that name, and says what it came to.
    func run(_ name: String) async throws -> Report {
        try await withThrowingTaskGroup(of: Report?.self) { group in
            for client in self.clients + [self.api.client] {
                group.addTask {
                    await client.run()
                    return nil
                }
            }
            group.addTask { try await self.perform(name) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
            }
            throw LoadError("the clients ended before the load did")
        }
    }

    private func perform(_ name: String) async throws -> Report {
        var ids: [String: String] = [:]
        for session in self.sessions {
            ids[session] = try await self.api.makeSession(
                session,
                lanes: self.scenario.lanesPerSession
            )
        }
        let before = try self.mark()
        let opened = ContinuousClock.now
        for subscriber in self.subscribers {
            subscriber.open(sessionID: ids[subscriber.session] ?? "")
        }
        try await self.awaitGreetings()
        let greetings = ContinuousClock.now - opened
        try await Task.sleep(for: .seconds(1))
        let idle = try self.mark()
        let runs = try await self.publish()
        var report = Report(kind: "streams", scenario: name)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.cutAtRandom() }
            try await Task.sleep(for: .seconds(self.scenario.warmupSeconds))
            var marks = [try self.mark()]
            for phase in self.phases {
                try await self.measure(phase)
                marks.append(try self.mark())
            }
            group.cancelAll()
            self.add(before, idle, greetings, marks, to: &report)
        }
        try await self.api.awaitSuccess(of: runs, within: self.scenario.drainSeconds + 60)
        try await self.drain(ids, &report)
        for subscriber in self.subscribers { subscriber.close() }
        return report
    }

    var phases: [Ledger.Phase] { self.scenario.slowShare > 0 ? [.even, .mixed] : [.even] }

    private func mark() throws -> Mark {
        Mark(
            at: .now,
            deliveries: self.ledger.deliveries,
            use: try self.process.map { try ProcessUse(of: $0) }
        )
    }

    private func awaitGreetings() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !self.subscribers.allSatisfy(\.isGreeted) {
            guard ContinuousClock.now < deadline else {
                let missing = self.subscribers.count { !$0.isGreeted }
                let state = self.ledger.snapshot
                let odd = Array(state.faults.keys) + Array(state.counts.keys)
                throw LoadError("\(missing) streams were never greeted: \(odd.sorted())")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Starts the runs that print.
    private func publish() async throws -> [String] {
        let rate = Double(self.scenario.eventsPerSecond) / Double(self.scenario.lanes)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let plan = """
            apiVersion: pulser/v1
            kind: Plan
            metadata: {name: opsload-emit}
            inputs: {program: {type: string}, rate: {type: string}, seconds: {type: string}, bytes: {type: string}}
            steps:
              - id: emit
                effects: none
                timeout: 1h
                shell: {argv: ["{{ inputs.program }}", emit, --rate, "{{ inputs.rate }}", --seconds, "{{ inputs.seconds }}", --bytes, "{{ inputs.bytes }}"]}
            """
        let inputs: [String: JSONValue] = [
            "program": .string(program), "rate": .string("\(rate)"),
            "seconds": .string("\(self.scenario.publishingSeconds)"),
            "bytes": .string("\(self.scenario.payloadBytes)"),
        ]
        var runs: [String] = []
        for session in self.sessions {
            for lane in 0..<self.scenario.lanesPerSession {
                runs.append(
                    try await self.api.start(
                        plan: plan,
                        session: session,
                        lane: "l\(lane)",
                        inputs: inputs
                    )
                )
            }
        }
        return runs
    }

    private func measure(_ phase: Ledger.Phase) async throws {
        if phase == .mixed {
            for subscriber in self.subscribers where subscriber.isSlow {
                subscriber.wish.pauseMilliseconds = self.scenario.slowPauseMilliseconds
            }
        }
        self.ledger.phase = phase
        try await Task.sleep(for: .seconds(self.scenario.phaseSeconds))
        self.ledger.phase = .other
    }

    private func cutAtRandom() async throws {
        guard self.scenario.reconnectsPerSecond > 0 else { return }
        while !Task.isCancelled {
            let pause = 1 / self.scenario.reconnectsPerSecond * Double.random(in: 0...2)
            do {
                try await Task.sleep(for: .seconds(1) * pause)
            } catch { return }
            self.subscribers.randomElement()?.cut()
        }
    }

    /// Waits until every reader has every event, and counts what is missing at the end.
    private func drain(_ ids: [String: String], _ report: inout Report) async throws {
        for subscriber in self.subscribers { subscriber.hurry() }
        var ends: [String: [Int64: Int64]] = [:]
        let probe = StreamProbe(target: self.target, client: self.api.client)
        for session in self.sessions {
            ends[session] = try await probe.ends(of: ids[session] ?? "")
        }
        let deadline = ContinuousClock.now + .seconds(self.scenario.drainSeconds)
        let began = ContinuousClock.now
        while ContinuousClock.now < deadline {
            let isDone = self.subscribers.allSatisfy {
                $0.audit.isComplete(ends[$0.session] ?? [:])
            }
            if isDone { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        let drained = (ContinuousClock.now - began) / .seconds(1)
        var lost: Int64 = 0
        var duplicated = 0
        var reordered = 0
        for subscriber in self.subscribers {
            let audit = subscriber.audit
            lost += audit.lost(ends[subscriber.session] ?? [:])
            duplicated += audit.duplicated
            reordered += audit.reordered
        }
        report.figures += [
            Figure("drain", drained, "s"),
            Figure("lost", Double(lost), "events", .lower, tolerance: 0),
            Figure("duplicated", Double(duplicated), "events", .lower, tolerance: 0),
            Figure("reordered", Double(reordered), "events", .lower, tolerance: 0),
        ]
        if lost > 0 { report.faults.append("\(lost) events were lost") }
        if duplicated > 0 { report.faults.append("\(duplicated) events came twice") }
        if reordered > 0 { report.faults.append("\(reordered) events came out of order") }
        let state = self.ledger.snapshot
        report.faults += state.faults.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        for (what, count) in state.counts.sorted(by: { $0.key < $1.key }) {
            report.notes.append("\(count) × \(what)")
        }
        if state.deliveries == 0 { report.faults.append("no event was delivered") }
    }
}
