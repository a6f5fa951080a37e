// Signals and approvals as JSON: the shapes that the API and `-o json` of the command line promise.

public import PulserIR
public import Store

/// Documents of what comes to runs from outside.
public enum WaitDocument {
    /// A signal.
    public static func json(_ row: SignalRow, of run: RunID) -> JSONValue {
        .object([
            "run": .string(run.description), "seq": .integer(row.sequence),
            "name": .string(row.name),
            "payload": (try? JSONValue(parsing: row.payload)) ?? .null,
            "sent_by": .string(row.sentBy),
            "sent_at": RunDocument.time(row.sentMilliseconds),
            "taken_by": row.takenStep.map { .string($0) } ?? .null,
            "taken_attempt": row.takenAttempt.map { .integer(Int64($0)) } ?? .null,
            "taken_at": RunDocument.time(row.takenMilliseconds),
        ])
    }

    /// A step that waits for people, as one person sees it.
    public static func json(_ row: ApprovalRow, for person: Person) -> JSONValue {
        let question = row.question
        let reason = Self.refusal(row, person)
        return .object([
            "run": .string(row.run.description), "step": .string(question.step),
            "plan": .string(row.plan), "session": .string(row.session),
            "lane": .string(row.lane), "message": .string(question.message),
            "needed": .integer(Int64(question.needed)),
            "approved_by": Self.texts(row.approvedBy), "groups": Self.texts(question.groups),
            "users": Self.texts(question.users), "self_approval": .bool(question.allowsSelf),
            "form": question.form.flatMap { try? JSONValue(parsing: $0) } ?? .null,
            "started_by": row.startedBy.map { .string($0) } ?? .null,
            "asked_at": RunDocument.time(row.askedMilliseconds),
            "expires_at": RunDocument.time(row.expiresMilliseconds),
            "may_decide": .bool(reason == nil),
            "why_not": reason.map { .string($0) } ?? .null,
        ])
    }

    /// What became of a decision.
    public static func json(
        _ receipt: DecisionReceipt,
        run: RunID,
        step: String,
        isApproval: Bool,
        by person: Person
    ) -> JSONValue {
        .object([
            "version": .integer(1), "run": .string(run.description), "step": .string(step),
            "by": .string(person.name),
            "decision": .string(isApproval ? "approved" : "rejected"),
            "approvals": .integer(Int64(receipt.approvals)),
            "needed": .integer(Int64(receipt.needed)), "decided": .bool(receipt.isDecided),
            "repeated": .bool(receipt.isRepeated),
        ])
    }

    /// Why a person cannot decide now; `nil` when they can.
    public static func refusal(_ row: ApprovalRow, _ person: Person) -> String? {
        if row.approvedBy.contains(person.name) { return "\(person.name) has approved it" }
        let wait = ApprovalWait(
            groups: row.question.groups,
            users: row.question.users,
            allowsSelf: row.question.allowsSelf
        )
        return WaitDesk.refusal(wait, person, starter: row.startedBy)
    }

    private static func texts(_ texts: [String]) -> JSONValue {
        .array(texts.map { .string($0) })
    }
}
