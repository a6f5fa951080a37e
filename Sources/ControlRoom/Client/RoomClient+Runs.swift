// What a person or an agent does with runs: start, retry, read their evidence.

public import Compiler
import Foundation
import Gateway
public import PulserIR
public import Store

extension RoomClient {
    /// Stores a run of a compiled plan and wakes its lane.
    ///
    /// - Throws: `notFound` when the session does not exist or is not active.
    public func start(
        _ compiled: CompiledPlan,
        inputs: JSONValue,
        session: String,
        lane: String,
        priority: Int = 0,
        delayMilliseconds: Int64 = 0,
        dueAt: Int64? = nil,
        unique: Uniqueness? = nil,
        deadline: RunDeadline? = nil,
        startedBy person: String? = nil,
        idempotencyKey: String? = nil,
        key forKey: String = ""
    ) async throws -> RunID {
        var order = RunOrder(
            plan: compiled.digest,
            plans: compiled.rows,
            inputs: inputs,
            session: session,
            lane: lane,
            priority: priority,
            delayMilliseconds: delayMilliseconds
        )
        order.dueAt = dueAt
        order.key = forKey
        order.startedBy = person
        order.unique = unique
        order.deadline = deadline
        let key = idempotencyKey.map {
            RequestKey(tenant: Principal.defaultTenant, key: $0, digest: order.digest)
        }
        let run = try await Self.telling {
            try await RunDesk(self.store).start(order, key: key).id
        }
        // A room without an API has nobody else who forgets old keys.
        if key != nil { _ = try? await self.store.sweepRequestKeys() }
        return run
    }

    /// Queues a run again.
    ///
    /// - Parameters:
    ///   - row: The run, as read just now.
    ///   - step: The step to begin with, its dependents included; `nil` means what did not succeed.
    ///   - inputs: New values that replace those of the same name.
    ///   - person: Who asks for it: with new inputs the run is theirs.
    /// - Returns: The steps that will run again.
    /// - Throws: ``RoomError`` when the run goes on, has no such step, or has nothing to run again.
    public func retry(
        _ row: RunRow,
        from step: String?,
        inputs: [String: String],
        by person: String? = nil
    ) async throws -> [String] {
        try await Self.telling {
            let desk = RunDesk(self.store)
            guard !inputs.isEmpty else { return try await desk.retry(row, from: step) }
            return try await desk.retry(row, from: step, by: person) { plan, old in
                .object(try PlanInputs.merge(inputs, into: old, of: plan))
            }
        }
    }

    /// Says that a step was done by hand, and queues the run again with what is left.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - step: The step.
    ///   - note: What was done.
    ///   - person: Who says so.
    /// - Returns: The steps that will run again.
    /// - Throws: ``RoomError`` when the run goes on or the step cannot be done by hand.
    public func skip(
        _ id: RunID,
        step: String,
        note: String,
        by person: String
    ) async throws -> [String] {
        try await Self.telling {
            let row = try await self.store.run(id)
            return try await RunDesk(self.store).skip(row, step: step, note: note, by: person)
        }
    }

    /// Puts the command to run next to what the desk says.
    private static func telling<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as DeskError {
            throw RoomError(error)
        }
    }

    /// Waits for a run's end.
    ///
    /// - Returns: The run as it is then, or when the time is over.
    public func awaitEnd(_ id: RunID, within limit: Duration) async throws -> RunRow {
        let deadline = ContinuousClock.now + limit
        while true {
            let row = try await self.store.run(id)
            if row.status.isTerminal || ContinuousClock.now >= deadline { return row }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The bytes of an artifact, wherever they lie.
    public func artifact(_ run: RunID, _ artifact: ArtifactRow) async throws -> [UInt8] {
        let stored = try await self.store.artifactContent(
            run,
            step: artifact.step,
            name: artifact.name
        )
        if let stored { return stored }
        let path = "\(self.artifacts)/\(artifact.digest.hex)"
        guard let data = FileManager.default.contents(atPath: path) else {
            guard let node = artifact.node else {
                throw RoomError(
                    .notFound,
                    "the file \(path) of artifact '\(artifact.name)' is gone"
                )
            }
            throw RoomError(
                .notFound,
                "artifact '\(artifact.name)' lies with node \(node), not in \(self.artifacts); nodes "
                    + "that run fetch it from each other: ask one by --server or --context",
                next: "opsroom context list"
            )
        }
        return Array(data)
    }
}

extension RoomError {
    /// The desk's error with the command to run next.
    init(_ error: DeskError) {
        switch error.code {
        case .inputsTooLarge: self.init(.usage, error.message)
        case .unknownSession:
            self.init(.notFound, error.message, next: "opsroom sessions list")
        case .endedSession:
            self.init(.notFound, error.message, next: "opsroom sessions list --all")
        case .keyInUse:
            self.init(.conflict, error.message, next: "opsroom runs list")
        case .underWay(let run):
            self.init(.conflict, error.message, next: "opsroom runs cancel \(run)")
        case .unknownStep(let run):
            self.init(.notFound, error.message, next: "opsroom runs show \(run)")
        case .nothingToDo(let run, let step):
            self.init(
                .conflict,
                error.message,
                next: "opsroom runs retry \(run) --from \(step)"
            )
        case .undecided(let run):
            self.init(.conflict, error.message, next: "opsroom runs retry \(run)")
        case .changed(let run), .notSkipped(let run):
            self.init(.conflict, error.message, next: "opsroom runs show \(run)")
        case .notUnique(let run):
            self.init(.conflict, error.message, next: "opsroom runs show \(run)")
        case .notStored: self.init(.failed, error.message)
        }
    }
}
