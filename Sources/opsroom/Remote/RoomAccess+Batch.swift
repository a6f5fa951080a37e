// Many runs at once, behind both doors.

import Compiler
import ControlRoom
import Gateway
import PulserIR
import Store

extension LocalAccess {
    func storePlan(
        _ plan: CompiledPlan,
        _ files: [String: String],
        path: String
    ) async throws -> Digest {
        try await self.client.store.storePlans(plan.rows)
        return plan.digest
    }

    func enqueue(_ runs: [JSONValue]) async throws -> [JSONValue] {
        do {
            let started = try await RunDesk(self.client.store).start(
                try RunBatch(runs),
                startedBy: Person.local.name
            )
            return RunBatch.json(started)
        } catch let problem as Problem {
            throw RemoteProblem.failure(problem.status, problem.json(trace: ""))
        }
    }
}

extension RemoteAccess {
    func storePlan(
        _ plan: CompiledPlan,
        _ files: [String: String],
        path: String
    ) async throws -> Digest {
        let answer = try await self.connection.post(
            ["plans"],
            .object([
                "files": .object(files.mapValues { .string($0) }), "main": .string(path),
            ]),
            isIdempotent: true
        )
        guard let digest = answer["digest"]?.stringValue.flatMap(Digest.init) else {
            throw RoomError(.failed, "the server's plan cannot be read by this version")
        }
        return digest
    }

    func enqueue(_ runs: [JSONValue]) async throws -> [JSONValue] {
        // The same key again after a broken connection makes no second runs.
        let answer = try await self.connection.post(
            ["runs", "batch"],
            .object(["runs": .array(runs)]),
            fields: .freshKey,
            isIdempotent: true
        )
        guard let made = answer["runs"]?.arrayValue, made.count == runs.count else {
            throw RoomError(.failed, "the server's runs cannot be read by this version")
        }
        return made
    }
}
