// Decides what one call on a connection is while it waits, travels and is answered.

/// One call on a connection: what to send, what to expect, and whom to tell.
///
/// Owner: `PostgresConnection`, on whose thread alone it is touched.
final class Exchange {
    /// What to send.
    enum Work {
        /// Prepared statements under one sync; inside BEGIN and COMMIT when `isTransaction`.
        case requests([PostgresRequest], isTransaction: Bool)
        /// One unnamed statement.
        case query(sql: String, values: [PostgresValue], binary: Bool)
        /// Several statements in the simple protocol.
        case script(String)
        case copyIn(String)
        case copyOut(String)
    }

    /// What an answer belongs to.
    enum Step {
        case prepare(PreparedStatement)
        case request(PreparedStatement?)
        case control
        case sync
    }

    /// How often a call is sent again although no cancellation explains that its statement was lost:
    /// a schema that changes under it, or a cancellation that was late.
    static let repetitionsMax = 16

    enum Phase { case queued, sent, copying, finishing, ended }
    enum CancelReason { case task, deadline }

    let id: UInt64
    let work: Work
    let startedNanoseconds: UInt64
    var deadlineNanoseconds: UInt64
    var phase: Phase = .queued
    var steps: [Step] = []
    var stepIndex = 0
    var stepHasResult = false
    var results: [PostgresRows] = []
    var error: PostgresError?
    var cancelReason: CancelReason?
    /// When the connection is given up because the server ignores the cancellation.
    var cancelDeadlineNanoseconds: UInt64?
    /// It was on the wire while another call was cancelled, and may have been hit instead.
    var mayBeVictim = false
    /// How many cancellations the connection had sent when this call went on the wire.
    var cancellationsBefore: UInt64 = 0
    /// How often it was sent again because the server had lost its statement, but for the times
    /// when a cancellation may have hit the preparation: those end when nobody cancels any more.
    var repetitions = 0
    /// Tells the caller; nil for calls of the connection's own.
    var resume: ((Result<[PostgresRows], PostgresError>) -> Void)?
    /// Wakes a COPY that waits for the connection.
    var wake: CheckedContinuation<Void, Never>?
    /// How often it was woken; a COPY notes the number before it looks, so that no signal falls between.
    var signals: UInt64 = 0
    /// What the call ended with, for a COPY to pick up.
    var outcome: Result<[PostgresRows], PostgresError>?

    init(id: UInt64, work: Work, startedNanoseconds: UInt64, deadlineNanoseconds: UInt64) {
        self.id = id
        self.work = work
        self.startedNanoseconds = startedNanoseconds
        self.deadlineNanoseconds = deadlineNanoseconds
    }

    /// It shares the wire with nothing: a failed transaction must be rolled back before anything follows,
    /// and a one-shot query may do what cannot be repeated.
    var isAlone: Bool {
        switch self.work {
        case .requests(_, let isTransaction): isTransaction
        case .query, .script, .copyIn, .copyOut: true
        }
    }

    /// It needs libpq's pipeline mode off.
    var isOutsidePipeline: Bool {
        switch self.work {
        case .requests, .query: false
        case .script, .copyIn, .copyOut: true
        }
    }

    var isTransaction: Bool {
        if case .requests(_, isTransaction: true) = self.work { true } else { false }
    }

    var isCopyIn: Bool {
        if case .copyIn = self.work { true } else { false }
    }

    var isCopyOut: Bool {
        if case .copyOut = self.work { true } else { false }
    }

    /// The metric label, when there is one statement to name.
    var label: String? {
        switch self.work {
        case .requests(let requests, let isTransaction):
            requests.count == 1
                ? requests.first?.statement.name : isTransaction ? "transaction" : "pipeline"
        case .query: "query"
        case .script: "script"
        case .copyIn: "copy_in"
        case .copyOut: "copy_out"
        }
    }

    /// The statement whose answer is being read.
    var currentStatement: String? {
        guard self.stepIndex < self.steps.count else { return nil }
        switch self.steps[self.stepIndex] {
        case .request(let prepared): return prepared?.statement.name
        case .prepare(let prepared): return prepared.statement.name
        case .control, .sync: return nil
        }
    }

    /// Forgets a first try so that it can be sent again.
    func reset() {
        self.phase = .queued
        self.steps = []
        self.stepIndex = 0
        self.stepHasResult = false
        self.results = []
        self.error = nil
        self.mayBeVictim = false
    }

    func wakeUp() {
        self.signals += 1
        let wake = self.wake
        self.wake = nil
        wake?.resume()
    }
}

/// A statement as one connection knows it.
final class PreparedStatement {
    let statement: PostgresStatement
    /// The name on this connection; differs from the statement's after preparing again.
    let serverName: String
    /// The server lost it or its plan; the next call prepares it anew under another name.
    var isBroken = false

    init(statement: PostgresStatement, serverName: String) {
        self.statement = statement
        self.serverName = serverName
    }
}
