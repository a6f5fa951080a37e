// Decides when somebody who waits for work elsewhere is told how far it is, and what holds it up.

/// How somebody waits.
struct Patience: Sendable {
    /// When what is still in the way is named.
    var untilNames: Duration = .seconds(30)
    /// Where nobody watches, a line is told so often.
    var betweenLines: Duration = .seconds(10)
    /// Where it is told.
    var terminal = Terminal.error
}

/// What is told, by the time that has passed.
struct PatienceMachine {
    /// What is to be done at one look.
    struct Step: Equatable {
        /// Tell how far it is, because nobody sees the board.
        var tellsLine = false
        /// Name what is in the way; once.
        var namesCulprits = false
        /// Wait no longer.
        var isOver = false
    }

    private let patience: Patience
    private let limit: Duration
    private let began: ContinuousClock.Instant
    private let hasBoard: Bool
    private var told: ContinuousClock.Instant
    private var isNamed = false

    init(_ patience: Patience, limit: Duration, at now: ContinuousClock.Instant) {
        self.patience = patience
        self.limit = limit
        self.began = now
        self.told = now
        self.hasBoard = patience.terminal.isTerminal
    }

    /// Decides what is told at `now`.
    mutating func look(at now: ContinuousClock.Instant) -> Step {
        var step = Step()
        if !self.hasBoard, now - self.told >= self.patience.betweenLines {
            self.told = now
            step.tellsLine = true
        }
        if !self.isNamed, now - self.began >= self.patience.untilNames {
            self.isNamed = true
            step.namesCulprits = true
        }
        step.isOver = now - self.began >= self.limit
        return step
    }
}
