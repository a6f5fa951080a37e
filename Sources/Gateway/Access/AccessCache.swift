// What is known of tokens and sessions without asking the database; pure.

/// Who was let in of late.
struct AccessCache: Sendable {
    /// What names somebody in memory.
    enum Key: Sendable, Hashable {
        case token(String)
        case session([UInt8])
    }

    /// Somebody who was let in.
    struct Entry: Sendable {
        var principal: Principal
        /// Of the token's secret half; empty for a session, whose key is its hash.
        var secretHash: [UInt8]
        /// When it ends by itself.
        var endsAt: ContinuousClock.Instant?
        /// When the database last said that it lives.
        var confirmedAt: ContinuousClock.Instant
        var usedAt: ContinuousClock.Instant
        /// Whether that use is still to be written down.
        var isUseUnsaved = true
        var bucket: RateBucketMachine?
    }

    /// Somebody whose stream goes on.
    private struct Watch {
        var askedAt: ContinuousClock.Instant
        /// Whether that use is still to be written down.
        var isUseUnsaved = true
    }

    /// How long somebody who does not ask any more is kept.
    static let idleMax: Duration = .seconds(300)
    /// How long it is remembered that a token or session is over, for streams opened with it.
    static let deadKept: Duration = .seconds(3_600)

    private let entriesMax: Int
    private let outageMax: Duration
    private var entries: [Key: Entry] = [:]
    private var watched: [Key: Watch] = [:]
    private var dead: [Key: ContinuousClock.Instant] = [:]

    init(entriesMax: Int, outageMax: Duration) {
        self.entriesMax = entriesMax
        self.outageMax = outageMax
    }

    /// Finds somebody and notes the use; `nil` means the database must be asked.
    mutating func use(_ key: Key, at now: ContinuousClock.Instant) -> Entry? {
        guard var entry = self.entries[key], now - entry.confirmedAt < self.outageMax,
            entry.endsAt.map({ now < $0 }) ?? true
        else { return nil }
        entry.usedAt = now
        entry.isUseUnsaved = true
        self.entries[key] = entry
        return entry
    }

    /// Takes one request from somebody's rate; `nil` without a limit.
    mutating func take(
        _ key: Key,
        at now: ContinuousClock.Instant
    ) -> RateBucketMachine.Decision? {
        self.entries[key]?.bucket?.take(at: now)
    }

    /// Remembers somebody the database has just confirmed.
    mutating func put(_ key: Key, _ entry: Entry) {
        if self.entries[key] == nil, self.entries.count >= self.entriesMax,
            let any = self.entries.keys.first
        {
            self.entries[any] = nil
        }
        var entry = entry
        if let known = self.entries[key]?.bucket { entry.bucket = known }
        self.entries[key] = entry
    }

    /// Forgets somebody at once.
    mutating func end(_ key: Key, at now: ContinuousClock.Instant) {
        self.entries[key] = nil
        self.watched[key] = nil
        self.dead[key] = now
        guard case .token(let id) = key else { return }
        self.entries = self.entries.filter { $0.value.principal.token != id }
    }

    /// Whether a token or session still lets somebody in, as far as is known; from now on it is
    /// looked after, and who only watches uses what he came with.
    mutating func isLive(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        guard self.dead[key] == nil else { return false }
        self.watched[key] = Watch(askedAt: now)
        return true
    }

    // MARK: Refreshing

    /// Whose life is to be confirmed.
    func pending() -> (tokens: [String], sessions: [[UInt8]]) {
        var tokens: [String] = []
        var sessions: [[UInt8]] = []
        for key in Set(self.watched.keys).union(self.entries.keys) {
            switch key {
            case .token(let id): tokens.append(id)
            case .session(let hash): sessions.append(hash)
            }
        }
        return (tokens, sessions)
    }

    /// Takes the database's answer: who was asked for and is not in it is over.
    mutating func confirm(
        asked: [Key],
        live: [Key: (principal: Principal, timeLeft: Duration?)],
        at now: ContinuousClock.Instant
    ) {
        for key in asked {
            if let answer = live[key] {
                self.entries[key]?.principal = answer.principal
                self.entries[key]?.confirmedAt = now
                self.entries[key]?.endsAt = answer.timeLeft.map { now + $0 }
            } else {
                self.end(key, at: now)
            }
        }
        self.forgetIdle(now)
    }

    private mutating func forgetIdle(_ now: ContinuousClock.Instant) {
        self.entries = self.entries.filter {
            $0.value.isUseUnsaved || now - $0.value.usedAt < Self.idleMax
        }
        self.watched = self.watched.filter { now - $0.value.askedAt < Self.idleMax }
        self.dead = self.dead.filter { now - $0.value < Self.deadKept }
    }

    /// Who was used since this was asked last.
    mutating func takeUsed() -> (tokens: [String], sessions: [[UInt8]]) {
        var tokens: Set<String> = []
        var sessions: Set<[UInt8]> = []
        for (key, entry) in self.entries where entry.isUseUnsaved {
            self.entries[key]?.isUseUnsaved = false
            if let token = entry.principal.token { tokens.insert(token) }
            if case .session(let hash) = key { sessions.insert(hash) }
        }
        for (key, watch) in self.watched where watch.isUseUnsaved {
            self.watched[key]?.isUseUnsaved = false
            switch key {
            case .token(let id): tokens.insert(id)
            case .session(let hash): sessions.insert(hash)
            }
        }
        return (tokens.sorted(), Array(sessions))
    }
}
