// Many runs of one request: read, held against their plans, stored all of them or none.

import Hummingbird
public import PulserIR
public import Store

/// Runs that are asked for together.
public struct RunBatch: Sendable {
    /// Runs of one batch.
    public static let runsMax = 1_000
    /// What a run by itself may have, and one of a batch may not.
    static let refused = ["deadline_at", "deadline_ms", "ttl_ms", "unique"]

    /// A run that is asked for.
    struct Entry: Sendable {
        var source: PlanSource
        var inputs: [String: JSONValue]
        var place: RunsResource.Place
        var idempotencyKey: String?
    }

    let entries: [Entry]

    /// Reads runs as `POST /v1/runs/batch` takes them.
    ///
    /// - Parameter runs: The member `runs`.
    /// - Throws: `invalidBody` about the first one that cannot be read.
    public init(_ runs: [JSONValue]) throws(Problem) {
        guard (1...Self.runsMax).contains(runs.count) else {
            throw Problem(
                .invalidBody,
                "a batch has from 1 to \(Self.runsMax) runs, not \(runs.count)",
                next: "send more than one batch",
                errors: [Problem.Finding("from 1 to \(Self.runsMax) runs", field: "runs")]
            )
        }
        var entries: [Entry] = []
        entries.reserveCapacity(runs.count)
        for (index, run) in runs.enumerated() {
            do throws(Problem) {
                entries.append(try Self.entry(run))
            } catch {
                throw error.about(run: index)
            }
        }
        self.entries = entries
    }

    private static func entry(_ value: JSONValue) throws(Problem) -> Entry {
        guard let members = value.objectValue else {
            throw Problem(.invalidBody, "a run is a JSON object, not \(value.typeName)")
        }
        var body = try JSONBody(value)
        let source = PlanSource(&body)
        let inputs = body.object("inputs") ?? [:]
        let place = RunsResource.place(&body)
        let key = body.text("idempotency_key")
        if let key, !(1...Request.keyBytesMax).contains(key.utf8.count) || key.utf8.contains(0) {
            body.note(
                "idempotency_key",
                "an idempotency key has from 1 to \(Request.keyBytesMax) bytes, none of them NUL"
            )
        }
        for name in Self.refused where members[name] != nil {
            guard body.value(name) != nil else { continue }
            body.note(
                name,
                "a run of a batch has no '\(name)'",
                hint: "ask for that run by itself: POST /v1/runs"
            )
        }
        try body.finish()
        return Entry(source: source, inputs: inputs, place: place, idempotencyKey: key)
    }

    /// What became of each, in the order they were given.
    ///
    /// - Parameter runs: The runs.
    /// - Returns: Objects with `id`, and `made` for those that were not there already.
    public static func json(_ runs: [StartedRun]) -> [JSONValue] {
        runs.map {
            .object([
                "id": .string($0.id.description), "made": .bool($0.outcome == .made),
            ])
        }
    }
}

/// Where a run is queued.
private struct LanePlace: Hashable {
    var session: String
    var lane: String

    init(_ entry: RunBatch.Entry) {
        self.session = entry.place.session
        self.lane = entry.place.lane
    }
}

extension RunDesk {
    /// Lanes that are told at once.
    private static let toldAtOnceMax = 64

    /// Stores the runs of a batch, all of them or none, and wakes their lanes.
    ///
    /// - Parameters:
    ///   - batch: What is to run. Values of inputs of format `path` are absolute.
    ///   - person: Who asks for it.
    /// - Returns: A run for each in order: `made`, or `joined` where its key was taken in its lane.
    /// - Throws: ``Problem`` that names the run it is about; what the store threw.
    public func start(
        _ batch: RunBatch,
        startedBy person: String?
    ) async throws -> [StartedRun] {
        try await self.start(batch, startedBy: person, RunInputs(uploads: nil), key: nil)
    }

    /// The same for a request, whose key makes all of it once: then all are `replayed`.
    func start(
        _ batch: RunBatch,
        startedBy person: String?,
        _ inputs: RunInputs,
        key: RequestKey?
    ) async throws -> [StartedRun] {
        // Before anything is looked at: a template may be gone by now, the runs are there.
        if let key, let made = try await self.replayAll(key) { return made }
        var (runs, plans) = try await self.bind(batch, inputs)
        let lanes = try await self.lanes(batch)
        for (index, entry) in batch.entries.enumerated() {
            runs[index].lane = lanes[LanePlace(entry)] ?? 0
        }
        let started = try await self.store(runs, plans, person, key)
        await self.tell(zip(runs, started).filter { $0.1.outcome == .made }.map(\.0))
        return started
    }

    /// Tells every lane once, many at a time: an owner that does not answer costs its lane alone.
    private func tell(_ runs: [NewRun]) async {
        var waits: [Int64: Int64] = [:]
        for run in runs {
            waits[run.lane] = min(waits[run.lane] ?? .max, run.delayMilliseconds)
        }
        await withTaskGroup(of: Void.self) { group in
            for (count, (lane, wait)) in waits.enumerated() {
                if count >= Self.toldAtOnceMax { await group.next() }
                group.addTask {
                    await self.store.tell(
                        wait > 0 ? .due(lane: lane, milliseconds: wait) : .work(lane: lane)
                    )
                }
            }
        }
    }

    private func store(
        _ runs: [NewRun],
        _ plans: [PlanRow],
        _ person: String?,
        _ key: RequestKey?
    ) async throws -> [StartedRun] {
        do throws(StoreError) {
            return try await self.store.startAll(runs, plans: plans, startedBy: person, key: key)
        } catch {
            if error.code == .conflict, let key { _ = try await self.replayAll(key) }
            throw error
        }
    }

    /// The runs that the same request made before.
    private func replayAll(_ key: RequestKey) async throws -> [StartedRun]? {
        do throws(StoreError) {
            return try await self.store.startedAll(key)
        } catch {
            guard error.code == .conflict else { throw error }
            throw DeskError(.keyInUse, "the idempotency key was used for another request")
        }
    }

    /// Holds every run against its plan; a plan that several name is looked up once.
    private func bind(
        _ batch: RunBatch,
        _ inputs: RunInputs
    ) async throws -> (runs: [NewRun], plans: [PlanRow]) {
        typealias Found = (plan: Plan, digest: Digest, rows: [PlanRow])
        var known: [PlanSource.Kind: Found] = [:]
        var rows: [Digest: PlanRow] = [:]
        var runs: [NewRun] = []
        runs.reserveCapacity(batch.entries.count)
        for (index, entry) in batch.entries.enumerated() {
            do {
                let found: Found
                if let plan = known[entry.source.kind] {
                    found = plan
                } else {
                    found = try await entry.source.find(in: self.store)
                    known[entry.source.kind] = found
                    for row in found.rows { rows[row.digest] = row }
                }
                runs.append(try Self.run(entry, found.plan, found.digest, inputs))
            } catch {
                throw Self.problem(error, of: index)
            }
        }
        return (runs, Array(rows.values))
    }

    private static func run(
        _ entry: RunBatch.Entry,
        _ plan: Plan,
        _ digest: Digest,
        _ inputs: RunInputs
    ) throws -> NewRun {
        let text = try inputs.bind(entry.inputs, to: plan).canonicalText
        guard text.utf8.count <= Limits.inputsBytesMax else {
            throw DeskError(
                .inputsTooLarge,
                "the inputs are larger than \(Limits.inputsBytesMax) bytes"
            )
        }
        var run = NewRun(
            lane: 0,
            planDigest: digest,
            inputs: text,
            priority: entry.place.priority,
            delayMilliseconds: entry.place.delay,
            idempotencyKey: entry.idempotencyKey,
            key: entry.place.key
        )
        run.template = entry.source.template
        return run
    }

    /// The lanes of a batch, made when they are absent, after all its sessions were found to take
    /// runs: what is refused leaves no lane behind.
    private func lanes(_ batch: RunBatch) async throws -> [LanePlace: Int64] {
        var places: [(place: LanePlace, index: Int)] = []
        var seen: Set<LanePlace> = []
        for (index, entry) in batch.entries.enumerated() {
            let place = LanePlace(entry)
            if seen.insert(place).inserted { places.append((place, index)) }
        }
        var lanes: [LanePlace: Int64] = [:]
        var sessions: Set<String> = []
        for (place, index) in places where sessions.insert(place.session).inserted {
            do {
                try await self.check(place.session)
            } catch {
                throw Self.problem(error, of: index)
            }
        }
        for (place, index) in places {
            do {
                lanes[place] = try await self.lane(place.session, place.lane)
            } catch {
                throw Self.problem(error, of: index)
            }
        }
        return lanes
    }

    /// What is wrong with a run of a batch; what is wrong with the database is of no run.
    private static func problem(_ error: any Error, of index: Int) -> any Error {
        let problem = Problem(error)
        return problem.status < 500 ? problem.about(run: index) : error
    }
}

extension Problem {
    /// The same about one of many runs, whose place stands in front.
    fileprivate func about(run index: Int) -> Problem {
        let member =
            switch self.code {
            case .invalidBody: self.errors.first?.field
            case .invalidInputs: "inputs"
            case .invalidPlan: "plan"
            default: nil as String?
            }
        var problem = self
        let path = member.map { "." + $0.split(separator: "/").joined(separator: ".") } ?? ""
        problem.detail = "runs[\(index)]\(path): \(self.detail)"
        problem.errors = self.errors.map { finding in
            var finding = finding
            let field = finding.field ?? (self.code == .invalidInputs ? "inputs" : nil)
            finding.field = "runs/\(index)" + (field.map { "/\($0)" } ?? "")
            return finding
        }
        return problem
    }
}
