// Decides who may approve a step, and what people's decisions come to.

public import PulserIR

/// A decision of one person about a step.
public struct ApprovalDecision: Sendable, Hashable {
    /// Who decided.
    public var person: String
    /// Approved; else rejected.
    public var isApproval: Bool
    /// What the person filled in.
    public var form: JSONValue
    /// What the person says to it.
    public var comment: String
    /// When, in milliseconds since 1970.
    public var atMilliseconds: Int64

    /// Describes a decision.
    public init(
        person: String,
        isApproval: Bool,
        form: JSONValue = .object([:]),
        comment: String = "",
        atMilliseconds: Int64 = 0
    ) {
        self.person = person
        self.isApproval = isApproval
        self.form = form
        self.comment = comment
        self.atMilliseconds = atMilliseconds
    }
}

/// One wait for people's decisions.
///
/// Pure: decisions come in the order in which they were stored, time as an event. One rejection
/// decides; else enough approvals of different people; else the end of its time. What comes later
/// does not count.
public struct ApprovalMachine: Sendable {
    /// Why somebody may not decide.
    public enum Refusal: Error, Sendable, Hashable {
        /// Neither named nor in a group that may.
        case outsider
        /// Started the run, and the plan wants somebody else.
        case ownRun
        /// It is decided.
        case decided
        /// The person said something else before.
        case changedMind
    }

    /// What it came to.
    public enum Outcome: Sendable, Hashable {
        /// Enough approved.
        case approved
        /// This person rejected it.
        case rejected(by: String, comment: String)
        /// Too few decided in time.
        case expired
    }

    /// What the plan asks for.
    public let wait: ApprovalWait
    /// The decisions that count, in their order.
    public private(set) var decisions: [ApprovalDecision] = []
    /// What it came to; `nil` while it waits.
    public private(set) var outcome: Outcome?

    /// Begins a wait.
    public init(_ wait: ApprovalWait) { self.wait = wait }

    /// How many have approved.
    public var approvals: Int { self.decisions.count(where: \.isApproval) }

    /// Why a person may not decide; `nil` when they may.
    ///
    /// - Parameters:
    ///   - wait: What the plan asks for.
    ///   - person: Who wants to.
    ///   - groups: The person's groups.
    ///   - starter: Who started the run; `nil` when nobody knows, then it is nobody's own.
    /// - Returns: `outsider` or `ownRun`.
    public static func refusal(
        _ wait: ApprovalWait,
        person: String,
        groups: [String],
        starter: String?
    ) -> Refusal? {
        if !wait.allowsSelf, person == starter { return .ownRun }
        if wait.groups.isEmpty, wait.users.isEmpty { return nil }
        if wait.users.contains(person) || groups.contains(where: wait.groups.contains) {
            return nil
        }
        return .outsider
    }

    /// Takes a decision of somebody who may decide.
    ///
    /// - Parameter decision: The decision; the same one again changes nothing.
    /// - Throws: ``Refusal`` when it does not count.
    public mutating func take(_ decision: ApprovalDecision) throws(Refusal) {
        if let earlier = self.decisions.first(where: { $0.person == decision.person }) {
            guard earlier.isApproval == decision.isApproval else { throw .changedMind }
            return
        }
        guard self.outcome == nil else { throw .decided }
        self.decisions.append(decision)
        if !decision.isApproval {
            self.outcome = .rejected(by: decision.person, comment: decision.comment)
        } else if self.approvals >= self.wait.count {
            self.outcome = .approved
        }
    }

    /// Its time is over; no effect when it is decided.
    public mutating func expire() {
        if self.outcome == nil { self.outcome = .expired }
    }

    /// How the step ends; `nil` while it waits.
    public var ending: WaitEnding? {
        switch self.outcome {
        case nil: return nil
        case .approved: return .result(self.result(true))
        case .rejected(let person, let comment):
            return self.rejection(
                "rejected by \(person)" + (comment.isEmpty ? "" : ": \(comment)")
            )
        case .expired:
            let missing = "\(self.approvals) of \(self.wait.count) approved in time"
            switch self.wait.onTimeout {
            case .fail: return .failure("only \(missing)")
            case .approve: return .result(self.result(true))
            case .reject: return self.rejection("rejected, because only \(missing)")
            }
        }
    }

    private func rejection(_ reason: String) -> WaitEnding {
        switch self.wait.onReject {
        case .fail: .failure(reason)
        case .continue: .result(self.result(false))
        }
    }

    /// What approvers filled in, the later over the earlier.
    public var form: [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for decision in self.decisions where decision.isApproval {
            values.merge(decision.form.objectValue ?? [:]) { $1 }
        }
        return values
    }

    private func result(_ isApproved: Bool) -> JSONValue {
        .object([
            "approved": .bool(isApproved),
            "timed_out": .bool(self.outcome == .expired),
            "form": .object(self.form),
            "decisions": .array(self.decisions.map(\.json)),
        ])
    }

    /// What the run waits for, as people read it.
    ///
    /// - Parameter until: When its time is over, as text; `nil` for no such time.
    /// - Returns: As in "waits for 2 of 3 approvals from group ops; until …".
    public func reason(until: String?) -> String {
        let left = self.wait.count - self.approvals
        var text =
            self.wait.count == 1
            ? "waits for an approval"
            : "waits for \(left) of \(self.wait.count) approvals"
        var from: [String] = []
        if !self.wait.groups.isEmpty {
            let word = self.wait.groups.count == 1 ? "group" : "groups"
            from.append("\(word) \(self.wait.groups.joined(separator: ", "))")
        }
        from += self.wait.users
        if !from.isEmpty { text += " from \(from.joined(separator: " or "))" }
        if let until { text += "; until \(until)" }
        return text
    }
}

extension ApprovalDecision {
    /// The decision as results and events have it.
    public var json: JSONValue {
        .object([
            "by": .string(self.person),
            "decision": .string(self.isApproval ? "approved" : "rejected"),
            "comment": .string(self.comment), "form": self.form,
            "at": .string(Timestamp.text(milliseconds: self.atMilliseconds)),
        ])
    }
}
