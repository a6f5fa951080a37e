// What the board tells of one run: enough for a card, and what it waits for.

public import PulserIR

/// A run on the board.
public struct BoardCard: Sendable, Hashable {
    /// What a run waits for.
    public struct Wait: Sendable, Hashable {
        /// The kinds of waits.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            /// People's decisions.
            case approval
            /// Something that anybody sends.
            case signal
            /// Its next attempt.
            case timer
            /// Somebody who looks: nobody can tell how a step ended.
            case person
        }

        /// What for.
        public var kind: Kind
        /// The step that waits; `nil` when the run does.
        public var step: String?
        /// Since when, in milliseconds since 1970.
        public var sinceMilliseconds: Int64?

        /// Describes a wait.
        public init(kind: Kind, step: String?, sinceMilliseconds: Int64?) {
            self.kind = kind
            self.step = step
            self.sinceMilliseconds = sinceMilliseconds
        }

        /// Reads the sentence that a waiting run has: `step 'ID' waits for …`.
        ///
        /// - Parameters:
        ///   - reason: The sentence.
        ///   - isRetrying: Whether its next attempt has a time.
        ///   - since: Since when it waits.
        public init?(reason: String?, isRetrying: Bool, since: Int64?) {
            if isRetrying {
                self.init(kind: .timer, step: nil, sinceMilliseconds: since)
                return
            }
            guard let reason, reason.hasPrefix("step '") else { return nil }
            let rest = reason.dropFirst(6)
            let step = rest.prefix { $0 != "'" }
            let words = rest.dropFirst(step.count + 2)
            let kind: Kind =
                if words.hasPrefix("waits for signal ") {
                    .signal
                } else if words.hasPrefix("was under way ") {
                    .person
                } else {
                    .approval
                }
            self.init(kind: kind, step: String(step), sinceMilliseconds: since)
        }
    }

    /// The number of its lane.
    public var lane: Int64
    /// Its identity.
    public var id: RunID
    /// Its plan.
    public var planDigest: Digest
    /// Its plan's name.
    public var planName: String
    /// The template it was made from.
    public var template: String?
    /// Where it is in its life.
    public var status: RunStatus
    /// How often it was started by hand, from 1.
    public var attempt: Int
    /// How often it retried by itself in this attempt.
    public var retryCount: Int
    /// Higher goes first inside its lane.
    public var priority: Int
    /// Whom or what it is for; '' for nothing.
    public var key: String
    /// Milliseconds since 1970.
    public var enqueuedMilliseconds: Int64
    /// When it joins the queue, or begins its next attempt.
    public var dueMilliseconds: Int64?
    /// Since when it could have begun, had its lane had room; see ``RunRow/readyMilliseconds``.
    public var readyMilliseconds: Int64
    /// Milliseconds since 1970.
    public var startedMilliseconds: Int64?
    /// Milliseconds since 1970.
    public var finishedMilliseconds: Int64?
    /// Why it did not succeed, one sentence.
    public var failure: String?
    /// What it waits for, one sentence.
    public var waitReason: String?
    /// The same as a program reads it.
    public var wait: Wait?
    /// Who paused it.
    public var pausedBy: String?
    /// The run it is a child of.
    public var parent: RunID?
    /// The node that has it, or had it last.
    public var node: String?
    /// The number of its latest claim.
    public var claimNumber: Int64

    init(_ row: StoreRow, _ ring: SealRing?) throws(StoreError) {
        guard let digest = Digest(bytes: try row.bytes(2)),
            let status = RunStatus(rawValue: try row.text(5))
        else { throw StoreError(.corrupt, "a run of the board cannot be read") }
        let id = RunID(try row.int64(1))
        self.lane = try row.int64(0)
        self.id = id
        self.planDigest = digest
        self.planName = try row.textIfPresent(3) ?? ""
        self.template = try row.textIfPresent(4)
        self.status = status
        self.attempt = try row.int(6)
        self.retryCount = try row.int(7)
        self.priority = try row.int(8)
        self.key = try row.text(9)
        self.enqueuedMilliseconds = try row.int64(10)
        self.dueMilliseconds = try row.int64IfPresent(11)
        self.startedMilliseconds = try row.int64IfPresent(12)
        self.finishedMilliseconds = try row.int64IfPresent(13)
        self.failure = try row.textIfPresent(14).map { ring.shown($0, .failure(run: id)) }
        self.waitReason = status == .waiting ? try row.textIfPresent(15) : nil
        self.pausedBy = try row.textIfPresent(17)
        self.parent = try row.int64IfPresent(18).map(RunID.init(_:))
        self.node = try row.textIfPresent(19)
        self.claimNumber = try row.int64(22)
        self.readyMilliseconds = try row.int64(23)
        guard status == .waiting else { return }
        if let step = try row.textIfPresent(20) {
            self.wait = Wait(
                kind: .approval,
                step: step,
                sinceMilliseconds: try row.int64IfPresent(21)
            )
        } else {
            self.wait = Wait(
                reason: self.waitReason,
                isRetrying: self.dueMilliseconds != nil,
                since: try row.int64IfPresent(16)
            )
        }
    }
}

/// How far a run on the board is.
public struct BoardProgress: Sendable, Hashable {
    /// Steps that are done.
    public var done: Int
    /// The step under way that began last.
    public var step: String?
    /// The step for which it failed.
    public var failedStep: String?

    /// Nothing is done.
    public init() { self.done = 0 }

    /// What an ended run's journal says. Of each step its last attempt counts; of those that failed, and
    /// were not done after all, the first is the cause of the others.
    init(kept rows: [FoldedStep]) {
        var last: [String: FoldedStep] = [:]
        for row in rows where !row.isSuperseded {
            if let known = last[row.key.step], known.key.attempt > row.key.attempt { continue }
            last[row.key.step] = row
        }
        var done: Set<String> = []
        var failed: [(step: String, at: Int64)] = []
        for row in last.values {
            let step = String(row.key.step.prefix { $0 != "[" && $0 != "!" })
            switch row.state {
            case "succeeded", "skipped": if step == row.key.step { done.insert(step) }
            case "failed", "unknown": failed.append((step, row.ended ?? row.begun ?? 0))
            default: break
            }
        }
        self.done = done.count
        self.failedStep =
            failed.filter { !done.contains($0.step) }
            .min { ($0.at, $0.step) < ($1.at, $1.step) }?.step
    }

    init(done: Int, step: String?) {
        self.done = done
        self.step = step
    }
}
