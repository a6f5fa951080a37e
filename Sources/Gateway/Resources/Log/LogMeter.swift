// Decides when a request that reads a log has had its share of bytes, time and steps.

/// Tells when a request has had its share.
struct LogMeter {
    /// Steps between two looks at the clock: some milliseconds.
    private static let stepsMax = 1 << 20

    private var steps = 0
    private var bytes: Int
    private var answer: Int
    private let deadline: ContinuousClock.Instant

    /// Begins with a budget, some times over.
    init(_ budget: LogReader.Budget, times: Int = 1) {
        self.bytes = budget.bytes * times
        self.answer = budget.answerBytes
        self.deadline = .now + budget.time * times
    }

    /// Whether bytes or time are used up.
    var isOver: Bool { self.bytes <= 0 || ContinuousClock.now >= self.deadline }

    /// Counts what was read.
    ///
    /// - Returns: Whether that was the last.
    mutating func reads(_ count: Int) -> Bool {
        self.bytes -= count
        return self.isOver
    }

    /// Counts steps of a search, and lets others have the thread now and then.
    ///
    /// - Returns: Whether those were the last.
    mutating func works(_ count: Int) async -> Bool {
        self.steps += count
        guard self.steps >= Self.stepsMax else { return false }
        self.steps = 0
        await Task.yield()
        return self.isOver || Task.isCancelled
    }

    /// Counts what is answered.
    ///
    /// - Returns: Whether that was the last.
    mutating func answers(_ count: Int) -> Bool {
        self.answer -= count
        return self.answer <= 0
    }
}
