// A lane's log on its owner: numbers events, holds them until the next commit.

internal import Glibc
public import PulserIR
internal import Synchronization

/// The tail of one lane's log, written by its single owner.
///
/// Events are numbered and encoded when they are appended; the writer takes all that is waiting
/// into one chunk per commit. Shared by the lane's runs, hence a lock instead of an actor: an
/// append never suspends.
public final class LaneLog: Sendable {
    /// What waits for the next commit.
    struct Chunk: Sendable {
        var firstSequence: Int64
        var count: Int
        var bytes: [UInt8]
        /// The day it was taken on, in days since 1970 (UTC): it is stored under it.
        var day: Int32 = 0
        /// Has its bytes count as waiting until it is stored or given up.
        var hold: LogHold?

        /// Has other events stand at some numbers: those that stood there told of what is not stored.
        mutating func replace(_ sequences: Range<Int64>, with event: RunEvent) {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(self.bytes.count)
            var sequence = self.firstSequence
            for line in self.bytes.split(separator: UInt8(ascii: "\n")) {
                if sequences.contains(sequence) {
                    event.write(sequence: sequence, to: &bytes)
                } else {
                    bytes += line
                    bytes.append(UInt8(ascii: "\n"))
                }
                sequence += 1
            }
            self.bytes = bytes
        }
    }

    private struct State {
        var next: Int64
        var waiting: Chunk
        var isLost = false
        var refusal: StoreError?
    }

    /// Bytes that may wait before ``isFull``: then whoever appends first flushes.
    public static let waitingBytesMax = 1 << 20

    /// The lane's number.
    public let lane: Int64
    /// Its shard, at the generation of this owner.
    public let shard: OwnedShard
    private let budget: LogBudget
    private let state: Mutex<State>

    /// Goes on where the stored log ends.
    ///
    /// - Parameters:
    ///   - lane: The lane's number.
    ///   - shard: Its shard, at the generation of this owner.
    ///   - nextSequence: The number of its next event.
    ///   - budget: What it shares with the node's other lanes.
    public init(
        lane: Int64,
        shard: OwnedShard,
        nextSequence: Int64,
        budget: LogBudget = LogBudget()
    ) {
        self.lane = lane
        self.shard = shard
        self.budget = budget
        let waiting = Chunk(firstSequence: nextSequence, count: 0, bytes: [])
        self.state = Mutex(State(next: nextSequence, waiting: waiting))
    }

    deinit { self.budget.remove(self.state.withLock { $0.waiting.bytes.count }) }

    /// Appends an event; it is stored with the next commit.
    ///
    /// - Returns: Its number.
    @discardableResult
    public func append(_ event: RunEvent) -> Int64 {
        var lines = EventLines()
        lines.append(event)
        return self.append(lines)
    }

    /// Appends events in their order.
    ///
    /// - Returns: The last one's number.
    @discardableResult
    func append(_ lines: EventLines) -> Int64 {
        self.state.withLock { state in
            let first = state.next
            state.next += Int64(lines.count)
            guard !state.isLost else { return state.next - 1 }
            let before = state.waiting.bytes.count
            lines.write(from: first, to: &state.waiting.bytes)
            state.waiting.count += lines.count
            self.budget.add(state.waiting.bytes.count - before)
            return state.next - 1
        }
    }

    /// The number the next event gets.
    public var nextSequence: Int64 { self.state.withLock(\.next) }

    /// Whether so much waits that appending should pause for a commit.
    public var isFull: Bool {
        let waiting = self.state.withLock { $0.waiting.bytes.count }
        return waiting > Self.waitingBytesMax
            || waiting > LogBudget.laneShareBytes && self.budget.bytes > LogBudget.bytesMax
    }

    /// Whether the shard went to somebody else: nothing is stored any more.
    public var isLost: Bool { self.state.withLock(\.isLost) }

    func take() -> Chunk? {
        self.state.withLock { state in
            guard state.waiting.count > 0 else { return nil }
            var chunk = state.waiting
            chunk.day = Self.today
            chunk.hold = LogHold(self.budget, chunk.bytes.count)
            state.waiting = Chunk(firstSequence: state.next, count: 0, bytes: [])
            return chunk
        }
    }

    /// The day by this node's clock, in days since 1970.
    private static var today: Int32 { Int32(clamping: Self.nowMilliseconds / 86_400_000) }

    /// The time by this node's clock, in milliseconds since 1970.
    static var nowMilliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// Why a submission cannot be stored any more; `nil` when it can.
    var failure: StoreError? {
        self.state.withLock { state in
            guard state.isLost else { return nil }
            return state.refusal ?? StoreError(.stale, "the lane belongs to another node")
        }
    }

    /// Nothing is stored any more.
    ///
    /// - Parameter refusal: Why, when the shard is still this owner's.
    func lose(_ refusal: StoreError? = nil) {
        self.state.withLock { state in
            state.isLost = true
            state.refusal = state.refusal ?? refusal
            self.budget.remove(state.waiting.bytes.count)
            state.waiting = Chunk(firstSequence: state.next, count: 0, bytes: [])
        }
    }
}

/// Events as the text that the log will have, but for their numbers: those are given when they are
/// appended, and the work of writing them is done before.
struct EventLines: Sendable {
    private var tails: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { self.ends.count }

    mutating func append(_ event: RunEvent) {
        // Most events fit, so that the text does not grow piece by piece.
        if self.tails.isEmpty { self.tails.reserveCapacity(256) }
        event.writeTail(to: &self.tails)
        self.ends.append(self.tails.count)
    }

    func write(from first: Int64, to bytes: inout [UInt8]) {
        var begin = 0
        for (index, end) in self.ends.enumerated() {
            RunEvent.writeHead(sequence: first + Int64(index), to: &bytes)
            bytes.append(contentsOf: self.tails[begin..<end])
            begin = end
        }
    }
}
