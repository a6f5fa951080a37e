// What workers outside and the owners of lanes say to each other, over whichever node they meet.

public import PulserIR

/// What a worker would take of a lane.
public struct WorkerWish: Sendable, Hashable, Codable {
    /// The lane's number.
    public var lane: Int64
    /// The node that asks for the worker, and is answered.
    public var node: Int64
    /// Names the question on that node.
    public var number: Int64
    /// Who the worker says it is.
    public var worker: String
    /// Runs at most.
    public var runsMax: Int
    /// For how long it is not missed with a run, in milliseconds.
    public var leaseMilliseconds: Int64
    /// How long it waits for a run, in milliseconds; 0 wants an answer at once.
    public var waitMilliseconds: Int64

    /// Describes a wish.
    public init(
        lane: Int64,
        node: Int64,
        number: Int64,
        worker: String,
        runsMax: Int,
        leaseMilliseconds: Int64,
        waitMilliseconds: Int64
    ) {
        self.lane = lane
        self.node = node
        self.number = number
        self.worker = worker
        self.runsMax = runsMax
        self.leaseMilliseconds = leaseMilliseconds
        self.waitMilliseconds = waitMilliseconds
    }
}

extension WorkerWish {
    /// For showing which method is meant.
    public static let nothing = WorkerWish(
        lane: 0,
        node: 0,
        number: 0,
        worker: "",
        runsMax: 0,
        leaseMilliseconds: 0,
        waitMilliseconds: 0
    )
}

/// A run as a worker gets it.
public struct HandedRun: Sendable, Hashable, Codable {
    /// The run's number.
    public var run: Int64
    /// The lane's number.
    public var lane: Int64
    /// What the worker names in all it says about the run.
    public var claimNumber: Int64
    /// The plan's digest, 32 bytes.
    public var plan: [UInt8]
    /// The inputs, canonical JSON.
    public var inputs: String
    /// How often the run was started by hand, from 1.
    public var attempt: Int
    /// How many workers of this attempt were lost before.
    public var losses: Int
    /// Higher goes first inside its lane.
    public var priority: Int
    /// How long the worker is not missed, in milliseconds.
    public var leaseMilliseconds: Int64
    /// How long the run may take from now on, in milliseconds.
    public var timeLeftMilliseconds: Int64
    /// Whom or what it is for, '' for nothing; `nil` from a node of an earlier build.
    public var key: String?
    /// How often it was tried again after a failure; `nil` from a node of an earlier build.
    public var retries: Int?

    /// Describes a run.
    public init(
        run: Int64,
        lane: Int64,
        claimNumber: Int64,
        plan: [UInt8],
        inputs: String,
        attempt: Int,
        losses: Int,
        priority: Int,
        leaseMilliseconds: Int64,
        timeLeftMilliseconds: Int64,
        key: String? = nil,
        retries: Int? = nil
    ) {
        self.run = run
        self.lane = lane
        self.claimNumber = claimNumber
        self.plan = plan
        self.inputs = inputs
        self.attempt = attempt
        self.losses = losses
        self.priority = priority
        self.leaseMilliseconds = leaseMilliseconds
        self.timeLeftMilliseconds = timeLeftMilliseconds
        self.key = key
        self.retries = retries
    }
}

/// Runs for a question that a node asked.
public struct HandedRuns: Sendable, Hashable, Codable {
    /// The question.
    public var number: Int64
    /// The runs; none when the lane has none now.
    public var runs: [HandedRun]

    /// Answers a question.
    public init(number: Int64, runs: [HandedRun]) {
        self.number = number
        self.runs = runs
    }
}

/// What a worker says about a run that it has.
public struct WorkerReport: Sendable, Hashable, Codable {
    /// Something that happened in the run.
    public struct Entry: Sendable, Hashable, Codable {
        /// A line that was printed; `nil` when it is not one.
        public var line: String?
        /// Whether the line is an error's.
        public var isError: Bool
        /// The step of the plan that it belongs to; `nil` for none.
        public var step: String?
        /// How far the run is, JSON; `nil` when it is a line.
        public var progress: JSONText?

        /// Describes an entry.
        public init(
            line: String? = nil,
            isError: Bool = false,
            step: String? = nil,
            progress: JSONText? = nil
        ) {
            self.line = line
            self.isError = isError
            self.step = step
            self.progress = progress
        }
    }

    /// How a run came out.
    public struct Result: Sendable, Hashable, Codable {
        /// `succeeded`, `failed` or `cancelled`.
        public var status: RunStatus
        /// The outputs, a JSON object.
        public var outputs: JSONText
        /// Why it did not succeed, one sentence.
        public var failure: String?
        /// How its steps came out, a JSON list as a run keeps it.
        public var steps: [StepResult]
        /// When it failed, after how many milliseconds it may be tried again, if its plan has an attempt
        /// left; `nil` when the failure is its end.
        public var retryAfterMilliseconds: Int64?

        /// Describes a result.
        public init(
            status: RunStatus,
            outputs: JSONText,
            failure: String?,
            steps: [StepResult] = [],
            retryAfterMilliseconds: Int64? = nil
        ) {
            self.status = status
            self.outputs = outputs
            self.failure = failure
            self.steps = steps
            self.retryAfterMilliseconds = retryAfterMilliseconds
        }
    }

    /// How one step of the plan came out.
    public struct StepResult: Sendable, Hashable, Codable {
        /// The step's id.
        public var step: String
        /// `succeeded`, `failed`, `skipped` or `cancelled`.
        public var state: StepRecord.State
        /// Its outputs, a JSON object.
        public var outputs: JSONText
        /// Why it did not succeed.
        public var failure: String?

        /// Describes a result.
        public init(step: String, state: StepRecord.State, outputs: JSONText, failure: String?) {
            self.step = step
            self.state = state
            self.outputs = outputs
            self.failure = failure
        }
    }

    /// What is said.
    public enum Kind: Sendable, Hashable, Codable {
        /// The worker lives, and is not missed for so many milliseconds.
        case beat(leaseMilliseconds: Int64)
        /// Things happened.
        case events([Entry])
        /// The run is done.
        case complete(Result)
        /// The worker does not go on with the run; somebody else shall, after so many milliseconds.
        case giveBack(reason: String, delayMilliseconds: Int64?)
    }

    /// The number of its claim.
    public var claimNumber: Int64
    /// What it says.
    public var kind: Kind

    /// Describes a report.
    public init(claimNumber: Int64, _ kind: Kind) {
        self.claimNumber = claimNumber
        self.kind = kind
    }
}

/// Canonical JSON, which crosses nodes as text.
public typealias JSONText = String

/// What a worker is told in return.
public struct WorkerReply: Sendable, Hashable, Codable {
    /// What became of a report.
    public enum Outcome: String, Sendable, Hashable, Codable {
        /// It counts, and is on record.
        case accepted
        /// The worker does not have the run.
        case stale
        /// What it says cannot be kept: `reason` tells why.
        case refused
        /// Nobody can tell now; it may be said again.
        case unavailable
    }

    /// What became of it.
    public var outcome: Outcome
    /// Why, when it was refused.
    public var reason: String?
    /// Why the run shall end; `nil` when it shall not.
    public var cancelReason: String?
    /// Whether somebody paused the run: it may be given back, and goes on later.
    public var isPaused: Bool
    /// How long the worker is not missed, in milliseconds.
    public var leaseMilliseconds: Int64
    /// In how many milliseconds the run, which is queued again, may begin; `nil` when it is not.
    public var dueInMilliseconds: Int64?

    /// Describes a reply.
    public init(
        _ outcome: Outcome,
        reason: String? = nil,
        cancelReason: String? = nil,
        isPaused: Bool = false,
        leaseMilliseconds: Int64 = 0,
        dueInMilliseconds: Int64? = nil
    ) {
        self.outcome = outcome
        self.reason = reason
        self.cancelReason = cancelReason
        self.isPaused = isPaused
        self.leaseMilliseconds = leaseMilliseconds
        self.dueInMilliseconds = dueInMilliseconds
    }
}

/// Brings workers and the owners of lanes together, wherever either is.
public protocol WorkerCourier: Sendable {
    /// Takes runs of lanes for a worker.
    ///
    /// - Parameters:
    ///   - lanes: The lanes' numbers, in the order in which they are asked.
    ///   - worker: Who the worker says it is.
    ///   - runsMax: Runs at most.
    ///   - lease: How long it is not missed with one.
    ///   - wait: How long it waits for the first.
    /// - Returns: The runs; none when there were none in time.
    func claim(
        _ lanes: [Int64],
        for worker: String,
        runsMax: Int,
        lease: Duration,
        wait: Duration
    ) async -> [HandedRun]

    /// Brings what a worker says about a run to the lane's owner.
    func report(_ report: WorkerReport, of run: RunID, lane: Int64) async -> WorkerReply
}
