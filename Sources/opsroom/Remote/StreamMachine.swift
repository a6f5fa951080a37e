// What a follower makes of a stream: which events are new, where to take it up again, when to try
// and when to give up. Pure: moments and chance come in as values.

import PulserIR
import StateMachines

/// Follows one stream over any number of connections.
///
/// ```
/// connecting ──> open ──> lost ──> (pause) ──> connecting
///                  │         └──> given up: the deadline passed, or it makes no sense
///                  └──> ended: the stream said so
/// ```
struct StreamMachine: Sendable {
    /// What a message says.
    enum News: Sendable, Hashable {
        /// An event that was not told before.
        case event(line: String)
        /// Told before, or nothing for people.
        case nothing
        /// Events of a lane were passed over; the frame, and how many.
        case gap(JSONValue, count: Int64)
        /// The stream could not go on where it was; the frame, and why.
        case reset(JSONValue, reason: String)
        /// A part of the present state, after a reset.
        case snapshot(JSONValue)
        /// The stream is over for good; how its run ended, if it has one.
        case end(status: String?)
        /// The node goes away; another connection will do.
        case bye
    }

    /// What to do about a lost connection.
    enum Remedy: Sendable, Hashable {
        case again(after: Duration)
        case giveUp
    }

    /// The first pause between two connections; it doubles.
    static let pauseFirst: Duration = .milliseconds(100)
    /// The longest pause.
    static let pauseMax: Duration = .seconds(5)

    /// How long an outage may last.
    let patience: Duration
    /// Whether a connection was ever open.
    private(set) var wasOpen = false
    /// The last event of every lane that was told; `nil` until an id could be read.
    private var place: StreamCursor?
    /// The last id, when it cannot be read.
    private var id: String?
    private var attempts = 0
    private var outageBegan: ContinuousClock.Instant?
    private var retry: Duration?

    init(cursor: String? = nil, patience: Duration) {
        self.patience = patience
        if let cursor { self.takeID(cursor) }
    }

    /// Where the stream is taken up again; `nil` means where it was asked to begin.
    var cursor: String? { self.place?.text ?? self.id }

    /// Whether the connection is away now.
    var isAway: Bool { self.outageBegan != nil }

    /// A connection is open.
    mutating func opened() { self.wasOpen = true }

    /// Takes a message.
    mutating func take(_ message: StreamMessage) -> News {
        // Only what was really received ends an outage: a server may accept and die again.
        self.attempts = 0
        self.outageBegan = nil
        let data = (try? JSONValue(parsing: message.data)) ?? .null
        // Looked at first: an event's own id names it already.
        let isNew = self.isNew(data)
        if let id = message.id, !id.isEmpty { self.takeID(id) }
        switch message.event {
        case "gap": return .gap(data, count: data["count"]?.integerValue ?? 0)
        case "reset":
            // What was known is void; what follows begins anew.
            self.place = nil
            self.id = nil
            if let id = message.id, !id.isEmpty { self.takeID(id) }
            return .reset(data, reason: data["reason"]?.stringValue ?? "unknown")
        case "snapshot": return .snapshot(data)
        case "bookmark", "snapshot-end":
            if let cursor = data["cursor"]?.stringValue { self.takeID(cursor) }
            return .nothing
        case "end": return .end(status: data["status"]?.stringValue)
        case "bye":
            self.retry = data["retry_ms"]?.integerValue.map { .milliseconds($0) }
            if let cursor = data["cursor"]?.stringValue { self.takeID(cursor) }
            return .bye
        case "" where !message.data.isEmpty:
            guard isNew else { return .nothing }
            self.told(data)
            return .event(line: message.data)
        default: return .nothing
        }
    }

    private mutating func takeID(_ text: String) {
        guard let new = StreamCursor(text) else {
            self.place = nil
            self.id = text
            return
        }
        if let old = self.place, old.epoch == new.epoch {
            self.place?.positions = old.positions.later(new.positions)
        } else {
            self.place = new
        }
    }

    /// An event is known by its lane and its number there.
    private func isNew(_ event: JSONValue) -> Bool {
        guard let lane = event["lane"]?.integerValue, let sequence = event["seq"]?.integerValue,
            let place
        else { return true }
        return sequence > place.positions[lane]
    }

    /// Streams of many lanes do not name the place with every event.
    private mutating func told(_ event: JSONValue) {
        guard let lane = event["lane"]?.integerValue, let sequence = event["seq"]?.integerValue,
            let place, sequence > place.positions[lane]
        else { return }
        self.place?.positions[lane] = sequence
    }

    /// The connection is lost, or could not be made.
    ///
    /// - Parameters:
    ///   - now: When.
    ///   - isWorthRetrying: Whether another attempt may turn out otherwise.
    ///   - chance: From 0 to 1; spreads those who lost the same server at the same moment.
    /// - Returns: What to do.
    mutating func lost(
        at now: ContinuousClock.Instant,
        isWorthRetrying: Bool,
        chance: Double
    ) -> Remedy {
        let began = self.outageBegan ?? now
        self.outageBegan = began
        guard isWorthRetrying, self.wasOpen, now - began < self.patience else { return .giveUp }
        var pause = Self.pauseFirst
        for _ in 0..<min(self.attempts, 10) where pause < Self.pauseMax { pause = pause * 2 }
        pause = min(pause, Self.pauseMax)
        self.attempts += 1
        // Half of it is certain, half is chance.
        pause = pause * (0.5 + chance / 2)
        if let retry = self.retry {
            self.retry = nil
            pause = max(pause, min(retry, Self.pauseMax))
        }
        return .again(after: pause)
    }
}
