// What a person or an agent does with runs: start, retry, read their evidence.

public import Compiler
import Foundation
public import PulserIR
import StateMachines
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
        idempotencyKey: String? = nil
    ) async throws -> RunID {
        let text = inputs.canonicalText
        guard text.utf8.count <= Limits.inputsBytesMax else {
            throw RoomError(.usage, "the inputs are larger than \(Limits.inputsBytesMax) bytes")
        }
        let laneID = try await self.laneID(session, lane)
        let run = NewRun(
            lane: laneID,
            planDigest: compiled.digest,
            inputs: text,
            priority: priority,
            idempotencyKey: idempotencyKey
        )
        guard let id = try await self.store.enqueue([run], plans: compiled.rows).first else {
            throw RoomError(.failed, "the run could not be stored")
        }
        await self.store.notify(.work, String(laneID))
        return id
    }

    private func laneID(_ session: String, _ lane: String) async throws(RoomError) -> Int64 {
        do {
            return try await self.store.ensureLane(session: session, lane: lane)
        } catch {
            var failure = RoomError(error)
            if error.code == .notFound {
                // One that ended keeps its name: it cannot be made again.
                let known = (try? await self.store.sessions(includingEnded: true)) ?? []
                failure.next = "opsroom sessions list"
                if let ended = known.first(where: { $0.name == session }) {
                    failure.message = "session '\(session)' is \(ended.status)"
                    failure.next = "opsroom sessions list --all"
                }
            }
            throw failure
        }
    }

    /// Queues a run again.
    ///
    /// - Parameters:
    ///   - row: The run, as read just now.
    ///   - step: The step to begin with, its dependents included; `nil` means what did not succeed.
    ///   - inputs: New values that replace those of the same name.
    /// - Returns: The steps that will run again.
    /// - Throws: ``RoomError`` when the run goes on, has no such step, or has nothing to run again.
    public func retry(
        _ row: RunRow,
        from step: String?,
        inputs: [String: String]
    ) async throws -> [String] {
        guard row.status.isTerminal || row.status == .waiting else {
            throw RoomError(
                .conflict,
                "run \(row.id) is \(row.status.rawValue)",
                next: "opsroom runs cancel \(row.id)"
            )
        }
        let plan = try await self.store.plan(row.planDigest)
        if let step, !plan.steps.contains(where: { $0.id == step }) {
            throw RoomError(
                .notFound,
                "plan '\(plan.name)' has no step '\(step)'",
                next: "opsroom runs show \(row.id)"
            )
        }
        let journal = try await self.store.journal(row.id).filter { !$0.isSuperseded }
        let steps = RetryScope.steps(plan: plan, records: journal.map(\.record), from: step)
        guard !steps.isEmpty else {
            throw RoomError(
                .conflict,
                "every step of run \(row.id) succeeded; name the one to begin with",
                next: "opsroom runs retry \(row.id) --from \(plan.steps[0].id)"
            )
        }
        var text: String?
        if !inputs.isEmpty {
            let old = try JSONValue(parsing: row.inputs).objectValue ?? [:]
            let new = try PlanInputs.merge(inputs, into: old, of: plan)
            text = JSONValue.object(new).canonicalText
        }
        try await self.store.retry(row, steps: steps, inputs: text)
        return steps
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
            throw RoomError(.notFound, "the file \(path) of artifact '\(artifact.name)' is gone")
        }
        return Array(data)
    }
}
