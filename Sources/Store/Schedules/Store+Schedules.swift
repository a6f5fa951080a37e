// Schedules as people see them: made, read, listed, changed, paused, deleted.

internal import Postgres
public import PulserIR

extension Store {
    /// Makes a schedule; of several who do so at once, one does.
    ///
    /// - Parameters:
    ///   - schedule: What people say about it.
    ///   - pausedBy: Who wants it paused from the beginning.
    ///   - reason: Why.
    ///   - key: Under which it happens once.
    /// - Returns: The schedule; an earlier one when the key was used for the same.
    /// - Throws: `conflict` when there is one of that name, or the key was used for another request.
    public func createSchedule(
        _ schedule: NewSchedule,
        pausedBy: String? = nil,
        reason: String? = nil,
        key: RequestKey? = nil
    ) async throws(StoreError) -> MadeRow {
        let made = try await self.making(key) { () async throws(StoreError) -> Int64? in
            let rows = try await self.execute(
                SchedulesSQL.create,
                schedule.values(self.seal) + RequestKey.values(key) + [
                    pausedBy.map { .text($0.storable) } ?? .null,
                    reason.map { .text($0.storable) } ?? .null,
                ]
            )
            return rows.count == 1 ? try rows.first().int64(0) : nil
        }
        guard let made else {
            throw StoreError(.conflict, "there is a schedule '\(schedule.name)' already")
        }
        await self.notify(.schedules, String(made.id))
        return made
    }

    /// The schedule of that name or number.
    ///
    /// - Throws: `notFound`.
    public func schedule(_ text: String) async throws(StoreError) -> ScheduleRow {
        let rows = try await self.execute(
            SchedulesSQL.get,
            [.text(text.storable), Int64(text).map { .int8($0) } ?? .null]
        )
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no schedule '\(text.prefix(64))'")
        }
        return try ScheduleRow(rows.first(), self.seal)
    }

    /// Schedules after a name, in the order of their names.
    ///
    /// - Parameters:
    ///   - name: `nil` for the beginning.
    ///   - session: Only those of this session.
    ///   - isPaused: Only those that are paused, or are not.
    ///   - limit: At most so many.
    /// - Returns: The schedules, and whether there are more.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func schedules(
        after name: String?,
        session: String? = nil,
        isPaused: Bool? = nil,
        limit: Int
    ) async throws(StoreError) -> (rows: [ScheduleRow], hasMore: Bool) {
        let rows = try await self.bounded(
            SchedulesSQL.page,
            [
                .text((name ?? "").storable), session.map { .text($0.storable) } ?? .null,
                isPaused.map { .bool($0) } ?? .null, .int8(Int64(limit) + 1),
            ]
        )
        let all = try rows.decode { row throws(StoreError) in
            try ScheduleRow(row, self.seal)
        }
        return (Array(all.prefix(limit)), all.count > limit)
    }

    /// Changes a schedule.
    ///
    /// - Parameters:
    ///   - id: Its number.
    ///   - schedule: Everything people say about it from now on.
    ///   - revision: The revision its editor saw.
    /// - Throws: `notFound`; `stale` when somebody changed it meanwhile; `conflict` when its new name
    ///   is another one's.
    public func updateSchedule(
        _ id: Int64,
        _ schedule: NewSchedule,
        revision: Int64
    ) async throws(StoreError) {
        let values = schedule.values(self.seal) + [.int8(id), .int8(revision)]
        guard try await self.execute(SchedulesSQL.update, values).count == 1 else {
            throw try await self.changed(id)
        }
        await self.notify(.schedules, String(id))
    }

    /// Deletes a schedule; its runs stay.
    ///
    /// - Throws: `notFound`; `stale` when somebody changed it meanwhile.
    public func deleteSchedule(_ id: Int64, revision: Int64?) async throws(StoreError) {
        let values: [PostgresValue] = [.int8(id), revision.map { .int8($0) } ?? .null]
        guard try await self.execute(SchedulesSQL.delete, values).count == 1 else {
            throw try await self.changed(id)
        }
    }

    /// Pauses a schedule: it ticks no more until it is resumed.
    ///
    /// - Parameters:
    ///   - id: Its number.
    ///   - person: Who pauses it.
    ///   - reason: Why.
    ///   - move: What was decided about it when it was seen; `nil` does not compare.
    /// - Returns: Whether it was not paused before.
    /// - Throws: What the database throws.
    public func pauseSchedule(
        _ id: Int64,
        by person: String,
        reason: String?,
        move: Int64? = nil
    ) async throws(StoreError) -> Bool {
        let rows = try await self.execute(
            SchedulesSQL.pause,
            [
                .int8(id), .text(person.storable), reason.map { .text($0.storable) } ?? .null,
                move.map { .int8($0) } ?? .null,
            ]
        )
        return rows.count == 1
    }

    /// Has a paused schedule tick again, from now on.
    ///
    /// - Returns: Whether it was paused.
    public func resumeSchedule(_ id: Int64) async throws(StoreError) -> Bool {
        let isResumed = try await self.execute(SchedulesSQL.resume, [.int8(id)]).count == 1
        if isResumed { await self.notify(.schedules, String(id)) }
        return isResumed
    }

    /// Runs that a schedule made, latest first.
    public func runs(
        ofSchedule id: Int64,
        before run: Int64?,
        limit: Int
    ) async throws(StoreError) -> Page<ScheduledRun> {
        let rows = try await self.bounded(
            SchedulesSQL.runs,
            [.int8(id), .int8(run ?? .max), .int8(Int64(limit) + 1)]
        )
        var runs = try rows.decode { row throws(StoreError) in
            ScheduledRun(
                run: RunID(try row.int64(0)),
                tickMilliseconds: try row.int64(1),
                isManual: try row.bool(2)
            )
        }
        guard runs.count > limit else { return Page(rows: runs, next: nil) }
        runs.removeLast()
        return Page(rows: runs, next: runs.last?.run.number)
    }

    /// The schedule that made a run; `nil` when none did.
    public func schedule(of run: RunID) async throws(StoreError) -> RunSchedule? {
        let rows = try await self.execute(SchedulesSQL.ofRun, [.int8(run.number)])
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        return RunSchedule(
            id: try row.int64(0),
            name: try row.textIfPresent(1),
            tickMilliseconds: try row.int64(2),
            isManual: try row.bool(3)
        )
    }

    private func changed(_ id: Int64) async throws(StoreError) -> StoreError {
        _ = try await self.schedule(String(id))
        return StoreError(.stale, "the schedule was changed by somebody else meanwhile")
    }
}

extension NewSchedule {
    /// Its values as statements take them.
    fileprivate func values(_ ring: SealRing?) -> [PostgresValue] {
        let settings = self.settings
        return [
            .text(self.name.storable), .text(self.title.storable), .int8(self.lane),
            self.template.map { .text($0.storable) } ?? .null,
            self.plan.map { .bytes($0.bytes) } ?? .null,
            .text(ring.sealed(self.inputs, .schedule(name: self.name.storable))),
            .int8(Int64(Int32(clamping: self.priority))),
            .text(settings.rules.joined(separator: "\n").storable),
            .text(settings.zone.storable), .int8(settings.anchor),
            settings.start.map { .int8($0) } ?? .null, settings.end.map { .int8($0) } ?? .null,
            .int8(settings.jitterMilliseconds), .text(settings.misfire.rawValue),
            .int8(settings.catchUpMilliseconds), .int8(Int64(settings.catchUpMax)),
            .text(settings.overlap.rawValue), .text(self.person.storable),
        ] + self.ofRuns
    }

    /// What it says of the runs of its ticks.
    private var ofRuns: [PostgresValue] {
        func number(_ value: Int64?) -> PostgresValue { value.map { .int8($0) } ?? .null }
        let unique = self.unique
        return [
            .text(self.key.storable), .int8(self.delayMilliseconds),
            number(self.deadline.startMilliseconds), number(self.deadline.runMilliseconds),
            (unique?.key).map { .text($0.storable) } ?? .null,
            (unique?.scope.rawValue).map { .text($0) } ?? .null,
            number(unique?.periodMilliseconds),
            (unique?.onConflict.rawValue).map { .text($0) } ?? .null,
            number(unique?.debounceMilliseconds),
        ]
    }
}
