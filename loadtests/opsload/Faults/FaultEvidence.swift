// What a campaign leaves behind, as it is judged: rows, lines of effects, what subscribers got.

import PulserIR

/// What the steps of a campaign's plans may do twice.
enum EffectRule: Sendable, Hashable {
    /// Its line may be there again for every attempt that was cut off.
    case idempotent
    /// Its line is there once; a verifier or a person tells whether it happened.
    case destructive
    /// It leaves no line.
    case none
}

/// A plan of a campaign, as far as it is judged.
struct JudgedPlan: Sendable, Hashable {
    var name: String
    /// Steps in the order in which each needs the one before it.
    var steps: [(id: String, effects: EffectRule)]

    static func == (left: JudgedPlan, right: JudgedPlan) -> Bool { left.name == right.name }
    func hash(into hasher: inout Hasher) { hasher.combine(self.name) }
}

/// All that is judged when every run has ended. Times are microseconds since 1970.
struct FaultEvidence: Sendable {
    struct Lane: Sendable {
        var id: Int64
        var name: String
        var shard: Int64
    }

    struct Run: Sendable {
        var id: Int64
        var lane: Int64
        var plan: String
        var status: String
        var failure: String
        var enqueued: Int64
        var started: Int64
        var finished: Int64
        var firstSequence: Int64
        var lastSequence: Int64
    }

    struct Step: Sendable {
        var run: Int64
        var step: String
        var attempt: Int
        var state: String
        var isSuperseded: Bool
        var ended: Int64
    }

    struct Node: Sendable {
        var epoch: Int64
        var name: String
        var started: Int64
    }

    /// A change of a shard's owner or state; owner 0 is nobody.
    struct ShardChange: Sendable {
        var at: Int64
        var shard: Int64
        var owner: Int64
        var generation: Int64
        var state: String
    }

    struct Claim: Sendable {
        var at: Int64
        var run: Int64
        var lane: Int64
        var owner: Int64
    }

    /// What one subscriber had at the end.
    struct Stream: Sendable {
        var name: String
        var audit: LaneAudit
        /// By lane the events as they are stored, each with its newline.
        var logs: [Int64: [UInt8]]
    }

    var plans: [JudgedPlan] = []
    /// The runs that were ordered, each once: letters of the id, and the plan's name.
    var ordered: [String: String] = [:]
    var lanes: [Lane] = []
    var runs: [Run] = []
    var steps: [Step] = []
    /// By lane's name its file, line by line.
    var lines: [String: [String]] = [:]
    /// By lane the stored chunks in order: first number, how many, bytes.
    var chunks: [Int64: [(first: Int64, count: Int, bytes: [UInt8])]] = [:]
    var streams: [Stream] = []
    var nodes: [Node] = []
    var shardChanges: [ShardChange] = []
    var claims: [Claim] = []
}
