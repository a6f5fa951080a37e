// Where runs are asked for: started once, queued again. The API and the command line both come here.

public import Compiler
public import PulserIR
import StateMachines
public import Store

/// What is to run, where.
public struct RunOrder: Sendable {
    /// The plan.
    public var plan: Digest
    /// Plans that may be new to the store, the plan itself and its children.
    public var plans: [PlanRow]
    /// All inputs, defaults filled in.
    public var inputs: JSONValue
    /// A session's name; `default` is made when it is absent.
    public var session: String
    /// A lane's name; it is made when it is absent.
    public var lane: String
    /// Higher goes first inside its lane.
    public var priority: Int
    /// How long it waits before it is ready.
    public var delayMilliseconds: Int64
    /// The moment that the delay leads to, in milliseconds since 1970, where somebody named one.
    public var dueAt: Int64?
    /// The template it is made from.
    public var template: String?
    /// Whom or what it is for: keys of a lane take turns.
    public var key = ""
    /// Who asks for it: where a plan says so, somebody else must approve its steps.
    public var startedBy: String?
    /// What makes it the only one of its kind; an empty key means its plan and inputs.
    public var unique: Uniqueness?
    /// Until when it must have begun or ended.
    public var deadline: RunDeadline?

    /// Describes an order.
    public init(
        plan: Digest,
        plans: [PlanRow],
        inputs: JSONValue,
        session: String,
        lane: String,
        priority: Int = 0,
        delayMilliseconds: Int64 = 0,
        template: String? = nil
    ) {
        self.plan = plan
        self.plans = plans
        self.inputs = inputs
        self.session = session
        self.lane = lane
        self.priority = priority
        self.delayMilliseconds = delayMilliseconds
        self.template = template
    }

    /// Names what is asked for, for a key that carries no request of its own.
    public var digest: Digest {
        var members: [String: JSONValue] = [
            "plan": .string(self.plan.description), "inputs": self.inputs,
            "session": .string(self.session), "lane": .string(self.lane),
            "priority": .integer(Int64(self.priority)),
            "delay_ms": .integer(self.delayMilliseconds), "key": .string(self.key),
        ]
        // The same moment is another delay every time.
        if let dueAt { members["delay_ms"] = .object(["due_at": .integer(dueAt)]) }
        if let unique {
            members["unique"] = .array([
                .string(unique.key), .string(unique.scope.rawValue),
                .integer(unique.periodMilliseconds ?? 0), .string(unique.onConflict.rawValue),
                .integer(unique.debounceMilliseconds),
            ])
        }
        if let deadline {
            members["deadline"] = .array([
                .integer(deadline.startMilliseconds ?? 0), .integer(deadline.endsAt ?? 0),
                .integer(deadline.runMilliseconds ?? 0),
            ])
        }
        return Digest(of: JSONValue.object(members).canonicalBytes)
    }

    /// What makes it unique, with the key that it has when none was given.
    var kind: Uniqueness? {
        self.unique?.named(plan: self.plan, inputs: self.inputs)
    }
}

/// Starts runs and has them run again.
public struct RunDesk: Sendable {
    /// Where they are.
    public let store: Store

    /// Opens the desk over a store.
    public init(_ store: Store) { self.store = store }

    /// Stores a run and wakes its lane.
    ///
    /// - Parameters:
    ///   - order: What is to run.
    ///   - key: Under which it happens once.
    /// - Returns: The run; an earlier one when the key was used for the same, or the one that has its
    ///   unique key and that the order joins or changes.
    /// - Throws: ``DeskError``, `notUnique` when another run has its unique key; or what the store threw.
    public func start(_ order: RunOrder, key: RequestKey? = nil) async throws -> StartedRun {
        let inputs = order.inputs.canonicalText
        guard inputs.utf8.count <= Limits.inputsBytesMax else {
            throw DeskError(
                .inputsTooLarge,
                "the inputs are larger than \(Limits.inputsBytesMax) bytes"
            )
        }
        if let key, let id = try await self.replay(key) {
            return StartedRun(id: id, outcome: .replayed)
        }
        let lane = try await self.lane(order.session, order.lane)
        let run = NewRun(
            lane: lane,
            planDigest: order.plan,
            inputs: inputs,
            priority: order.priority,
            delayMilliseconds: order.delayMilliseconds,
            key: order.key,
            unique: order.kind
        )
        let started: StartedRun
        do throws(StoreError) {
            started = try await self.store.start(
                run,
                plans: order.plans,
                template: order.template,
                startedBy: order.startedBy,
                deadline: order.deadline,
                key: key
            )
        } catch {
            if error.code == .conflict, let key { _ = try await self.replay(key) }
            throw error
        }
        let delay = order.delayMilliseconds
        switch started.outcome {
        case .held:
            throw DeskError.held(by: started.id)
        case .made, .replaced, .debounced:
            await self.store.tell(
                delay > 0 ? .due(lane: lane, milliseconds: delay) : .work(lane: lane)
            )
        case .replayed, .joined: break
        }
        return started
    }

    /// The run that the same request made before.
    ///
    /// - Parameter key: The request's key.
    /// - Returns: `nil` when the key is new.
    /// - Throws: ``DeskError`` `keyInUse` when it was used for something else.
    public func replay(_ key: RequestKey) async throws -> RunID? {
        try await self.made(key).map { RunID($0.id) }
    }

    /// What the same request made before.
    ///
    /// - Parameter key: The request's key.
    /// - Returns: `nil` when the key is new.
    /// - Throws: ``DeskError`` `keyInUse` when it was used for something else.
    public func made(_ key: RequestKey) async throws -> MadeRow? {
        do throws(StoreError) {
            return try await self.store.made(key)
        } catch {
            guard error.code == .conflict else { throw error }
            throw DeskError(.keyInUse, "the idempotency key was used for another request")
        }
    }

    /// The number of a lane of an active session, made when it is absent.
    func lane(_ session: String, _ lane: String) async throws -> Int64 {
        do throws(StoreError) {
            return try await self.store.ensureLane(session: session, lane: lane)
        } catch {
            guard error.code == .notFound else { throw error }
            // One that ended keeps its name: it cannot be made again.
            try await self.check(session)
            throw DeskError(.unknownSession, error.message)
        }
    }

    /// Refuses a session that takes no runs; the one that is made by itself need not be there.
    func check(_ session: String) async throws {
        let known: SessionDetail?
        do throws(StoreError) {
            known = try await self.store.session(session)
        } catch {
            guard error.code == .notFound else { throw error }
            known = nil
        }
        guard let known, known.name == session else {
            guard session != Store.defaultSession else { return }
            throw DeskError(.unknownSession, "there is no active session '\(session)'")
        }
        guard known.status != "active" else { return }
        throw DeskError(.endedSession, "session '\(session)' is \(known.status)")
    }

    /// Queues a run again.
    ///
    /// - Parameters:
    ///   - row: The run, as read just now.
    ///   - step: The step to begin with, its dependents included; `nil` means what did not succeed.
    ///   - person: Who asks for it: with new inputs the run is theirs.
    ///   - bulk: The action on many runs it is part of.
    ///   - key: Under which it happens once.
    ///   - edit: Makes the new inputs from the plan and the old ones; `nil` keeps those.
    /// - Returns: The steps that will run again.
    /// - Throws: ``DeskError``, `InputError` of `edit`, or what the store threw.
    public func retry(
        _ row: RunRow,
        from step: String?,
        by person: String? = nil,
        bulk: BulkClaim? = nil,
        key: RequestKey? = nil,
        edit: (@Sendable (Plan, [String: JSONValue]) throws -> JSONValue)? = nil
    ) async throws -> [String] {
        guard row.status.isTerminal || row.status == .waiting else {
            throw DeskError(.underWay(row.id), "run \(row.id) is \(row.status.rawValue)")
        }
        let plan = try await self.store.plan(row.planDigest)
        if let step, !plan.steps.contains(where: { $0.id == step }) {
            throw DeskError(.unknownStep(row.id), "plan '\(plan.name)' has no step '\(step)'")
        }
        let journal = try await self.store.journal(row.id).filter { !$0.isSuperseded }
        let steps = RetryScope.steps(plan: plan, records: journal.map(\.record), from: step)
        guard !steps.isEmpty else {
            throw DeskError(
                .nothingToDo(row.id, firstStep: plan.steps.first?.id ?? ""),
                "every step of run \(row.id) succeeded; name the one to begin with"
            )
        }
        var inputs: String?
        if let edit {
            let text = try self.store.inputs(of: row)
            let old = (try? JSONValue(parsing: text))?.objectValue ?? [:]
            inputs = try edit(plan, old).canonicalText
        }
        do throws(StoreError) {
            try await self.store.retry(
                row,
                steps: steps,
                inputs: inputs,
                by: person,
                bulk: bulk,
                key: key
            )
        } catch {
            guard error.code == .conflict else { throw error }
            throw DeskError(.changed(row.id), error.message)
        }
        return steps
    }
}

extension CompiledPlan {
    /// This plan and all it runs, as the store keeps them.
    public var rows: [PlanRow] {
        var rows: [PlanRow] = []
        var seen: Set<Digest> = []
        func collect(_ plan: CompiledPlan) {
            guard seen.insert(plan.digest).inserted else { return }
            rows.append(
                PlanRow(
                    digest: plan.digest,
                    name: plan.plan.name,
                    body: String(decoding: plan.canonicalBytes, as: UTF8.self)
                )
            )
            for child in plan.children { collect(child) }
        }
        collect(self)
        return rows
    }
}
