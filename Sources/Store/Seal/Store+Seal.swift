// Where texts are sealed on their way into the database and opened on their way out.

internal import Postgres
internal import PulserIR

extension SealRing? {
    /// As it is stored. Without keys, and where there is nothing to hide, as it is.
    func sealed(_ text: String, _ place: @autoclosure () -> SealPlace) -> String {
        guard let ring = self, text != "{}", text != "null" else { return text }
        return ring.seal(text, at: place())
    }

    func sealed(_ bytes: [UInt8], _ place: @autoclosure () -> SealPlace) -> [UInt8] {
        self?.seal(bytes, at: place()) ?? bytes
    }

    /// What was stored.
    ///
    /// - Throws: `corrupt`, naming the key.
    func opened(
        _ text: String,
        _ place: @autoclosure () -> SealPlace
    ) throws(StoreError) -> String {
        guard SealRing.isSealed(text) else { return text }
        do {
            return try SealRing.open(text, at: place(), with: self)
        } catch {
            throw StoreError(.corrupt, error.description)
        }
    }

    func opened(
        _ bytes: [UInt8],
        _ place: @autoclosure () -> SealPlace
    ) throws(StoreError) -> [UInt8] {
        guard bytes.first == 0 else { return bytes }
        do {
            return try SealRing.open(bytes, at: place(), with: self)
        } catch {
            throw StoreError(.corrupt, error.description)
        }
    }

    /// What was stored, or else its envelope: one row that does not open does not hide the others
    /// of its list.
    func shown(_ text: String, _ place: @autoclosure () -> SealPlace) -> String {
        (try? self.opened(text, place())) ?? text
    }
}

extension Store {
    /// A claimed run's inputs, which a claim leaves sealed: one run that does not open must not
    /// keep the others of its claim.
    ///
    /// - Parameter run: As claimed.
    /// - Returns: Canonical JSON.
    /// - Throws: `corrupt`, naming the key, when they do not open.
    public func inputs(of run: ClaimedRun) throws(StoreError) -> String {
        try self.seal.opened(run.inputs, .inputs(lane: run.fence.lane))
    }

    /// A run's inputs, for who goes on with them.
    ///
    /// - Parameter run: As read.
    /// - Returns: Canonical JSON.
    /// - Throws: `corrupt`, naming the key, when they did not open.
    public func inputs(of run: RunRow) throws(StoreError) -> String {
        try self.seal.opened(run.inputs, .inputs(lane: run.lane))
    }

    /// A run's outputs, for who goes on with them.
    ///
    /// - Parameter run: As read.
    /// - Returns: JSON; `nil` when it has none.
    /// - Throws: `corrupt`, naming the key, when they did not open.
    public func outputs(of run: RunRow) throws(StoreError) -> String? {
        guard let outputs = run.outputs else { return nil }
        return try self.seal.opened(outputs, .outputs(run: run.id))
    }

    /// A schedule's inputs, for who makes runs of them.
    ///
    /// - Parameter schedule: As read.
    /// - Returns: Canonical JSON.
    /// - Throws: `corrupt`, naming the key, when they did not open.
    public func inputs(of schedule: ScheduleRow) throws(StoreError) -> String {
        try self.seal.opened(schedule.said.inputs, .schedule(name: schedule.said.name))
    }
}

extension RunRow {
    /// A row with what of it opens.
    init(_ row: StoreRow, _ ring: SealRing?) throws(StoreError) {
        try self.init(row)
        self.inputs = ring.shown(self.inputs, .inputs(lane: self.lane))
        let id = self.id
        self.outputs = self.outputs.map { ring.shown($0, .outputs(run: id)) }
        self.failure = self.failure.map { ring.shown($0, .failure(run: id)) }
    }
}

extension RunSummary {
    init(_ row: StoreRow, _ ring: SealRing?) throws(StoreError) {
        try self.init(row)
        let id = self.id
        self.failure = self.failure.map { ring.shown($0, .failure(run: id)) }
    }
}

extension ScheduleRow {
    init(_ row: StoreRow, _ ring: SealRing?) throws(StoreError) {
        try self.init(row)
        self.said.inputs = ring.shown(self.said.inputs, .schedule(name: self.said.name))
    }
}
