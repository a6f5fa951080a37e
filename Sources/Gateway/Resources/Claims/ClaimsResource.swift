// `/v1/claims`: workers outside take runs, say how they get on, and what came of them.

import HTTPTypes
import Hummingbird
import PulserIR
import StateMachines
import Store

struct ClaimsResource: Sendable {
    /// Lanes of one claim.
    static let lanesMax = 16
    /// Runs of one claim.
    static let runsMax: Int64 = 100
    /// The longest wait for a run.
    static let waitMillisecondsMax: Int64 = 30_000
    /// The lease of a worker that names none.
    static let leaseMilliseconds: Int64 = 30_000
    /// Bytes of a worker's name.
    static let nameBytesMax = 128
    /// Events of one request.
    static let eventsMax = 1_000
    /// Bytes of a reason.
    static let reasonBytesMax = 4 << 10
    /// For how long a run is given back or put off until it is tried again.
    static let delays: ClosedRange<Int64> = 0...RunsResource.delayMillisecondsMax
    static let leases =
        Int64(
            WorkerClaimMachine.leaseMin / .milliseconds(1)
        )...Int64(WorkerClaimMachine.leaseMax / .milliseconds(1))

    let store: Store

    // MARK: Claiming

    @Sendable
    func claim(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        var body = try JSONBody(try await request.json())
        let session = body.text("session") ?? Store.defaultSession
        let names = Self.lanes(&body)
        let worker = body.text("worker") ?? context.principal.name
        let most = Self.number("max", in: 1...Self.runsMax, &body) ?? 1
        let wait = Self.number("wait_ms", in: 0...Self.waitMillisecondsMax, &body) ?? 0
        let lease = Self.number("lease_ms", in: Self.leases, &body) ?? Self.leaseMilliseconds
        if worker.isEmpty || worker.utf8.count > Self.nameBytesMax {
            body.note("worker", "'worker' must be a text of 1 to \(Self.nameBytesMax) bytes")
        }
        try body.finish()
        let lanes = try await self.lanes(names, of: session)
        let runs = try await self.courier.claim(
            lanes.map(\.id),
            for: worker,
            runsMax: Int(most),
            lease: .milliseconds(lease),
            wait: .milliseconds(wait)
        )
        var claims: [JSONValue] = []
        for run in runs {
            guard let lane = lanes.first(where: { $0.id == run.lane }) else { continue }
            claims.append(try await self.document(run, lane))
        }
        return .json(.object(["version": .integer(1), "claims": .array(claims)]))
    }

    private static func lanes(_ body: inout JSONBody) -> [String] {
        var names = (body.array("lanes") ?? []).compactMap(\.stringValue)
        if let lane = body.text("lane") { names.append(lane) }
        var known: Set<String> = []
        names = names.filter { known.insert($0).inserted }
        if names.isEmpty || names.count > Self.lanesMax {
            body.note("lanes", "'lanes' must be a list of 1 to \(Self.lanesMax) names of lanes")
        }
        return names
    }

    private static func number(
        _ name: String,
        in range: ClosedRange<Int64>,
        _ body: inout JSONBody
    ) -> Int64? {
        guard let number = body.integer(name) else { return nil }
        if !range.contains(number) {
            body.note(name, "'\(name)' is from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func lanes(_ names: [String], of name: String) async throws -> [LaneRow] {
        let session = try await self.store.session(name)
        var lanes: [LaneRow] = []
        for name in names {
            let lane = try await self.store.lane(session: session.id, name)
            guard lane.worker == .external else {
                throw Problem(
                    .conflict,
                    "the room's own nodes work lane '\(session.name)/\(lane.name)'",
                    next: "PATCH /v1/sessions/\(session.name)/lanes/\(lane.id) with "
                        + "{\"worker\": \"external\"}"
                )
            }
            if !lanes.contains(lane) { lanes.append(lane) }
        }
        return lanes
    }

    private var courier: any WorkerCourier {
        get throws {
            guard let courier = self.store.news.workers else {
                throw Problem(
                    .unavailable,
                    "this node is not a member of the cluster now",
                    fields: [.retryAfter: "1"]
                )
            }
            return courier
        }
    }

    private func document(_ run: HandedRun, _ lane: LaneRow) async throws -> JSONValue {
        guard let digest = Digest(bytes: run.plan) else { return .null }
        let plan = try JSONValue(parsing: try await self.store.planText(digest))
        let now = RunClock.milliseconds()
        func moment(_ left: Int64) -> JSONValue {
            .string(Timestamp.text(milliseconds: now + left))
        }
        return .object([
            "run": .string(RunID(run.run).description), "claim_no": .integer(run.claimNumber),
            "session": .string(lane.session), "lane": .string(lane.name),
            "plan": plan, "plan_digest": .string(digest.description),
            "inputs": (try? JSONValue(parsing: run.inputs)) ?? .null,
            "attempt": .integer(Int64(run.attempt)), "losses": .integer(Int64(run.losses)),
            "retries": .integer(Int64(run.retries ?? 0)), "key": .string(run.key ?? ""),
            "priority": .integer(Int64(run.priority)),
            "lease_ms": .integer(run.leaseMilliseconds),
            "lease_until": moment(run.leaseMilliseconds),
            "deadline": moment(run.timeLeftMilliseconds),
        ])
    }

    // MARK: What a worker says

    @Sendable
    func heartbeat(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var (body, claim) = try await Self.report(request)
        let lease = Self.number("lease_ms", in: Self.leases, &body) ?? Self.leaseMilliseconds
        try body.finish()
        return try await self.tell(claim, .beat(leaseMilliseconds: lease), context)
    }

    @Sendable
    func events(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var (body, claim) = try await Self.report(request)
        let items = body.array("events") ?? []
        if items.isEmpty || items.count > Self.eventsMax {
            body.note("events", "'events' must be a list of 1 to \(Self.eventsMax) events")
        }
        var entries: [WorkerReport.Entry] = []
        for (index, item) in items.prefix(Self.eventsMax).enumerated() {
            guard let entry = Self.entry(item) else {
                body.note(
                    "events[\(index)]",
                    "an event has a 'line' of at most \(Limits.outputLineBytesMax) bytes, or "
                        + "'progress'; and 'stream' (stdout, stderr) and 'step' if wanted"
                )
                continue
            }
            entries.append(entry)
        }
        try body.finish()
        return try await self.tell(claim, .events(entries), context)
    }

    private static func entry(_ item: JSONValue) -> WorkerReport.Entry? {
        let known: Set<String> = ["line", "stream", "step", "progress"]
        guard let members = item.objectValue, known.isSuperset(of: members.keys) else { return nil }
        let (line, progress) = (members["line"], members["progress"])
        guard (line == nil) != (progress == nil) else { return nil }
        if let line {
            guard let text = line.stringValue, text.utf8.count <= Limits.outputLineBytesMax else {
                return nil
            }
        }
        let stream = members["stream"]?.stringValue ?? "stdout"
        guard ["stdout", "stderr"].contains(stream) else { return nil }
        let text = progress?.canonicalText
        guard text?.utf8.count ?? 0 <= Limits.outputLineBytesMax else { return nil }
        return WorkerReport.Entry(
            line: line?.stringValue,
            isError: stream == "stderr",
            step: members["step"]?.stringValue,
            progress: text
        )
    }

    @Sendable
    func release(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var (body, claim) = try await Self.report(request)
        let reason = Self.reason("reason", &body)
        let delay = Self.number("delay_ms", in: Self.delays, &body)
        try body.finish()
        return try await self.tell(
            claim,
            .giveBack(reason: reason ?? "", delayMilliseconds: delay),
            context
        )
    }

    @Sendable
    func complete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var (body, claim) = try await Self.report(request)
        let status = body.text("status").flatMap { RunStatus(rawValue: $0) }
        let outputs = body.object("outputs") ?? [:]
        let failure = Self.reason("failure", &body)
        if ![.succeeded, .failed, .cancelled].contains(status) {
            body.note("status", "'status' must be succeeded, failed or cancelled")
        }
        if status == .failed, failure?.isEmpty ?? true {
            body.note("failure", "a run that failed has a 'failure': one sentence")
        }
        let retry = Self.number("retry_after_ms", in: Self.delays, &body)
        if retry != nil, status != .failed {
            body.note("retry_after_ms", "only a run that failed is tried again")
        }
        let text = JSONValue.object(outputs).canonicalText
        if text.utf8.count > Limits.inputsBytesMax {
            body.note("outputs", "the outputs are larger than \(Limits.inputsBytesMax) bytes")
        }
        var steps: [WorkerReport.StepResult] = []
        for (index, item) in (body.array("steps") ?? []).enumerated() {
            guard let step = Self.step(item) else {
                body.note(
                    "steps[\(index)]",
                    "a step has 'step', 'status' (succeeded, failed, skipped, cancelled), and "
                        + "'outputs' and 'failure' if wanted"
                )
                continue
            }
            steps.append(step)
        }
        if steps.count > Limits.planStepsMax {
            body.note("steps", "a plan has at most \(Limits.planStepsMax) steps")
        }
        try body.finish()
        let result = WorkerReport.Result(
            status: status ?? .failed,
            outputs: text,
            failure: status == .succeeded ? nil : failure ?? "worker ended it",
            steps: steps,
            retryAfterMilliseconds: retry
        )
        return try await self.tell(claim, .complete(result), context)
    }

    private static func step(_ item: JSONValue) -> WorkerReport.StepResult? {
        let known: Set<String> = ["step", "status", "outputs", "failure"]
        guard let members = item.objectValue, known.isSuperset(of: members.keys),
            let step = members["step"]?.stringValue,
            let state = members["status"]?.stringValue.flatMap({ StepRecord.State(rawValue: $0) }),
            state != .intent, state != .unknown
        else { return nil }
        let outputs = members["outputs"] ?? .object([:])
        guard outputs.objectValue != nil else { return nil }
        return WorkerReport.StepResult(
            step: step,
            state: state,
            outputs: outputs.canonicalText,
            failure: members["failure"]?.stringValue
        )
    }

    private static func reason(_ name: String, _ body: inout JSONBody) -> String? {
        let text = body.text(name)
        if text?.utf8.count ?? 0 > Self.reasonBytesMax {
            body.note(name, "'\(name)' has at most \(Self.reasonBytesMax) bytes")
        }
        return text
    }

    private static func report(_ request: Request) async throws -> (JSONBody, Int64) {
        try Query(request).finish()
        var body = try JSONBody(try await request.json(upTo: RunsResource.bodyBytesMax))
        let claim = body.integer("claim_no")
        if claim == nil { body.note("claim_no", "'claim_no' must be the number of the claim") }
        return (body, claim ?? 0)
    }

    /// Brings what a worker says to the lane's owner.
    private func tell(
        _ claim: Int64,
        _ kind: WorkerReport.Kind,
        _ context: GatewayContext
    ) async throws -> Response {
        let text = try context.parameter("id")
        guard let id = RunID(text) else {
            throw Problem(.notFound, "'\(text.prefix(64))' is not a run's whole id")
        }
        let run = try await self.store.run(id)
        let courier = try self.courier
        let reply = await courier.report(
            WorkerReport(claimNumber: claim, kind),
            of: id,
            lane: run.lane
        )
        var isReplay = false
        switch reply.outcome {
        case .accepted: break
        case .refused:
            throw Problem(.invalidBody, reply.reason ?? "the result cannot be kept")
        case .stale, .unavailable:
            isReplay = try await self.isReplay(id, claim, kind)
        }
        var members: [String: JSONValue] = ["version": .integer(1), "run": .string(text)]
        let due = reply.dueInMilliseconds.map {
            JSONValue.string(Timestamp.text(milliseconds: RunClock.milliseconds() + $0))
        }
        switch kind {
        case .complete(let result):
            let status = due == nil ? result.status : .queued
            members["status"] = .string(status.rawValue)
            members["replayed"] = .bool(isReplay)
            members["due_at"] = due ?? .null
        case .giveBack:
            members["status"] = .string(RunStatus.queued.rawValue)
            members["due_at"] = due ?? .null
        case .beat, .events:
            members["cancel"] = .bool(reply.cancelReason != nil)
            members["cancel_reason"] = reply.cancelReason.map { .string($0) } ?? .null
            members["pause"] = .bool(reply.isPaused)
            members["lease_ms"] = .integer(reply.leaseMilliseconds)
        }
        return .json(.object(members))
    }

    /// Whether this is what the worker had said before, and its answer was lost.
    ///
    /// - Throws: Why it does not count, or that nobody can tell now.
    private func isReplay(
        _ id: RunID,
        _ number: Int64,
        _ kind: WorkerReport.Kind
    ) async throws -> Bool {
        let run = try await self.store.run(id)
        let claim = try await self.store.externalClaims(of: [id])[id]
        let isHeld =
            claim.map {
                $0.claimNumber == number && !$0.isOver && $0.attempt == run.attempt
            } ?? false
        if run.status.isTerminal {
            if isHeld, case .complete(let result) = kind, result.status == run.status {
                return true
            }
            throw Self.stale("run \(id) has ended: it is \(run.status.rawValue)")
        }
        if !isHeld {
            let holder = claim.flatMap { $0.isOver || $0.attempt != run.attempt ? nil : $0 }
            throw Self.stale(
                "claim \(number) of run \(id) is over: "
                    + (holder.map { "worker '\($0.worker)' has it with claim \($0.claimNumber)" }
                        ?? "the run is \(run.status.rawValue)")
            )
        }
        throw Problem(
            .unavailable,
            "the owner of the run's lane cannot be asked now",
            fields: [.retryAfter: "1"]
        )
    }

    private static func stale(_ detail: String) -> Problem {
        Problem(.conflict, detail, next: "stop the work on it, and claim another run")
    }
}
