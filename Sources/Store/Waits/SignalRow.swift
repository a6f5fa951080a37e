// What is stored of a signal.

public import PulserIR

/// Something that somebody sent to a run.
public struct SignalRow: Sendable, Hashable {
    /// Its number within the run, from 1, without gaps: the order in which signals are taken.
    public var sequence: Int64
    /// Its name.
    public var name: String
    /// What it brings, canonical JSON.
    public var payload: String
    /// Who sent it.
    public var sentBy: String
    /// When, in milliseconds since 1970.
    public var sentMilliseconds: Int64
    /// The step that took it; `nil` while nobody has.
    public var takenStep: String?
    /// The attempt of that step.
    public var takenAttempt: Int?
    /// When it was taken.
    public var takenMilliseconds: Int64?

    init(_ row: StoreRow, of run: RunID, _ ring: SealRing?) throws(StoreError) {
        self.sequence = try row.int64(0)
        self.name = try row.text(1)
        let name = self.name
        self.payload = try ring.opened(try row.text(2), .signal(run: run, name: name))
        self.sentBy = try row.text(3)
        self.sentMilliseconds = try row.int64(4)
        self.takenStep = try row.textIfPresent(5)
        self.takenAttempt = try row.int64IfPresent(6).map { Int($0) }
        self.takenMilliseconds = try row.int64IfPresent(7)
    }
}

/// A signal to be sent.
public struct NewSignal: Sendable, Hashable {
    /// The run that gets it.
    public var run: RunID
    /// Its name.
    public var name: String
    /// What it brings, canonical JSON.
    public var payload: String
    /// Who sends it.
    public var sender: String
    /// The same key again is the same signal, as long as the run is known.
    public var key: String?

    /// Describes a signal.
    public init(run: RunID, name: String, payload: String, sender: String, key: String? = nil) {
        self.run = run
        self.name = name
        self.payload = payload
        self.sender = sender
        self.key = key
    }
}

/// What a step finds that waits for a signal.
public struct SignalLook: Sendable, Hashable {
    /// The signal that is the attempt's own now.
    public var signal: SignalRow?
    /// How long is left, in milliseconds by the database's clock; `nil` for no end.
    public var leftMilliseconds: Int64?
}
