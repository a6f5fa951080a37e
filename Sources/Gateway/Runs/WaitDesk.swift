// Where signals and decisions are brought. The API and the command line both come here.

public import PulserIR
import StateMachines
public import Store

/// What became of a decision.
public struct DecisionReceipt: Sendable, Hashable {
    /// Whether the person had decided so before.
    public var isRepeated: Bool
    /// How many have approved.
    public var approvals: Int
    /// How many must.
    public var needed: Int
    /// Whether nothing more is to be decided.
    public var isDecided: Bool
}

/// Takes what comes to runs from outside.
public struct WaitDesk: Sendable {
    /// Where it is stored.
    public let store: Store

    /// Opens the desk over a store.
    public init(_ store: Store) { self.store = store }

    // MARK: Signals

    /// Stores a signal, whether a step waits for it or not.
    ///
    /// - Parameters:
    ///   - run: The run, as read just now.
    ///   - name: The signal's name.
    ///   - payload: What it brings.
    ///   - key: Under which it is sent once; `nil` for none.
    ///   - person: Who sends it.
    /// - Returns: The signal, and whether it was there already.
    /// - Throws: ``WaitError``, or what the store threw.
    public func send(
        _ run: RunRow,
        name: String,
        payload: JSONValue,
        key: String?,
        by person: Person
    ) async throws -> (row: SignalRow, isReplay: Bool) {
        guard (1...Limits.signalNameBytesMax).contains(name.utf8.count) else {
            throw WaitError(
                .invalid,
                "a signal's name has 1 to \(Limits.signalNameBytesMax) bytes"
            )
        }
        let text = payload.canonicalText
        guard text.utf8.count <= Limits.signalBytesMax else {
            throw WaitError(
                .invalid,
                "a signal's payload has at most \(Limits.signalBytesMax) bytes"
            )
        }
        if !run.status.isTerminal { try await self.check(payload, of: name, for: run) }
        do throws(StoreError) {
            return try await self.store.send(
                NewSignal(
                    run: run.id,
                    name: name,
                    payload: text,
                    sender: person.name,
                    key: key
                )
            )
        } catch {
            guard error.code == .conflict else { throw error }
            if error.message == Store.signalKeyInUse.message {
                throw WaitError(.keyInUse, error.message)
            }
            throw WaitError(.decided(run.id), error.message)
        }
    }

    /// Refuses a payload that no step that names this signal could take: whoever sends it can still
    /// put it right.
    private func check(_ payload: JSONValue, of name: String, for run: RunRow) async throws {
        let plan = try await self.store.plan(run.planDigest)
        var reason: String?
        for step in plan.steps {
            guard case .wait(.signal(let wait)) = step.action else { continue }
            guard case .literal(let named) = wait.name.form else { return }
            guard named == .string(name) else { continue }
            guard case .unfit(let why) = wait.ending(payload: payload) else { return }
            reason = why
        }
        if let reason { throw WaitError(.invalid, reason) }
    }

    // MARK: Decisions

    /// Stores a person's decision about a step that asks, or will. It is about the run as it was read: one
    /// that another run may still replace is not decided about, nor one that is run again meanwhile.
    ///
    /// - Parameters:
    ///   - run: The run, as read just now.
    ///   - step: The step.
    ///   - isApproval: Approved; else rejected.
    ///   - form: What was filled in; `nil` for nothing.
    ///   - comment: What is said to it.
    ///   - person: Who decides.
    /// - Returns: What became of it.
    /// - Throws: ``WaitError``, or what the store threw.
    public func decide(
        _ run: RunRow,
        step: String,
        isApproval: Bool,
        form: JSONValue?,
        comment: String,
        by person: Person
    ) async throws -> DecisionReceipt {
        guard run.unique == nil || run.claimNumber > 0 || run.status.isTerminal else {
            throw WaitError(
                .notBegun(run.id),
                "run \(run.id) has not begun, and another one of its kind may still replace it"
            )
        }
        let wait = try await self.wait(of: step, in: run)
        let starter = wait.allowsSelf ? nil : try await self.store.starter(of: run.id)
        if let reason = Self.refusal(wait, person, starter: starter) {
            throw WaitError(.forbidden, reason)
        }
        let filled = try Self.filled(form, wait, isApproval: isApproval)
        guard comment.utf8.count <= Limits.approvalTextBytesMax else {
            throw WaitError(
                .invalid,
                "a comment has at most \(Limits.approvalTextBytesMax) bytes"
            )
        }
        let outcome = try await self.store.decide(
            NewDecision(
                run: run.id,
                attempt: run.attempt,
                step: step,
                needed: wait.count,
                person: person.name,
                isApproval: isApproval,
                form: filled.canonicalText,
                comment: comment
            )
        )
        switch outcome {
        case .stored, .repeated: break
        case .changedMind:
            throw WaitError(
                .decided(run.id),
                "\(person.name) has \(isApproval ? "rejected" : "approved") step '\(step)' already"
            )
        case .tooLate:
            throw WaitError(
                .decided(run.id),
                "step '\(step)' of run \(run.id) is decided already, or its time is over"
            )
        case .runEnded:
            let now = try await self.store.run(run.id)
            throw WaitError(
                .decided(run.id),
                now.attempt == run.attempt
                    ? "run \(run.id) is \(now.status.rawValue) already"
                    : "run \(run.id) was started again meanwhile, and this was not decided"
            )
        }
        let decisions = try await self.store.decisions(run.id, step: step)
        let approvals = decisions.count(where: \.isApproval)
        return DecisionReceipt(
            isRepeated: outcome == .repeated,
            approvals: approvals,
            needed: wait.count,
            isDecided: approvals >= wait.count || approvals < decisions.count
        )
    }

    /// Why a person may not decide; `nil` when they may.
    ///
    /// - Parameters:
    ///   - wait: What the plan asks for.
    ///   - person: Who wants to.
    ///   - starter: Who started the run.
    /// - Returns: One sentence.
    public static func refusal(
        _ wait: ApprovalWait,
        _ person: Person,
        starter: String?
    ) -> String? {
        let refusal = ApprovalMachine.refusal(
            wait,
            person: person.name,
            groups: person.groups,
            starter: starter
        )
        switch refusal {
        case .ownRun: return "\(person.name) started this run, and somebody else must decide"
        case .outsider:
            var from: [String] = []
            if !wait.groups.isEmpty {
                let word = wait.groups.count == 1 ? "group" : "one of the groups"
                from.append("who is in \(word) \(wait.groups.joined(separator: ", "))")
            }
            if !wait.users.isEmpty { from.append(wait.users.joined(separator: ", ")) }
            return "\(person.name) may not decide this: it is for "
                + "\(from.joined(separator: " or for "))"
        case nil, .decided, .changedMind: return nil
        }
    }

    private func wait(of id: String, in run: RunRow) async throws -> ApprovalWait {
        let plan = try await self.store.plan(run.planDigest)
        guard let step = plan.steps.first(where: { $0.id == id }) else {
            throw WaitError(.unknownStep(run.id), "plan '\(plan.name)' has no step '\(id)'")
        }
        guard case .wait(.approval(let wait)) = step.action else {
            throw WaitError(
                .unknownStep(run.id),
                "step '\(id)' of plan '\(plan.name)' asks nobody: it is \(step.action.kind)"
            )
        }
        return wait
    }

    private static func filled(
        _ form: JSONValue?,
        _ wait: ApprovalWait,
        isApproval: Bool
    ) throws(WaitError) -> JSONValue {
        let filled = form ?? .object([:])
        let isEmpty = filled.objectValue?.isEmpty ?? false
        guard isApproval, let schema = wait.form else {
            if isEmpty { return filled }
            throw WaitError(
                .invalid,
                isApproval
                    ? "this step asks for nothing to be filled in"
                    : "only who approves fills in a form"
            )
        }
        guard filled.canonicalText.utf8.count <= Limits.signalBytesMax else {
            throw WaitError(.invalid, "a form has at most \(Limits.signalBytesMax) bytes")
        }
        do {
            var validator = try JSONSchema(schema)
            if let violation = try validator.validate(filled) {
                throw WaitError(.invalid, "the form does not fit: \(violation.text)")
            }
        } catch let error as WaitError {
            throw error
        } catch {
            throw WaitError(.invalid, "the form cannot be checked: \(error)")
        }
        return filled
    }
}
