// What people ask of a schedule's ticks: when they are, a run now, runs of the past.

public import PulserIR
import StateMachines
public import Store

extension ScheduleDesk {
    /// The next ticks of a schedule, as if it were not paused.
    ///
    /// - Parameters:
    ///   - row: The schedule.
    ///   - count: How many, up to ``previewMax``.
    ///   - from: Only ticks from this moment on, in milliseconds since 1970; `nil` for now.
    /// - Returns: Each with when its run begins, and what the zone's clocks show.
    /// - Throws: ``Problem`` when its rules cannot be read here.
    func preview(_ row: ScheduleRow, count: Int, from: Int64?) throws(Problem) -> [JSONValue] {
        let machine = try self.machine(row)
        let moment = (from ?? row.nowMilliseconds).flooringDivide(by: 1_000)
        let ticks = machine.calendar.ticks(
            after: from == nil ? max(moment, row.cursor) : moment - 1,
            upTo: .max / 4,
            limit: min(count, Self.previewMax)
        )
        return ticks.map { tick in
            let offset = machine.calendar.zone.offset(at: tick)
            return .object([
                "tick": .moment(tick * 1_000),
                "due": .moment(machine.dueMilliseconds(of: tick)),
                "local": .string(ScheduleDocument.wall(tick, offset: offset)),
            ])
        }
    }

    /// Has a schedule make a run now, whatever its rules say, and also while it is paused.
    ///
    /// - Parameters:
    ///   - name: Its name or number.
    ///   - overlap: What becomes of runs that are open; `nil` for what the schedule says.
    ///   - person: Who asks.
    ///   - key: Under which it happens once.
    /// - Returns: The run; where it is unique, the one that is joined, replaced or put off.
    /// - Throws: `conflict` when a run is open and the policy is to skip; ``DeskError`` `notUnique` when
    ///   another run has its unique key.
    public func trigger(
        _ name: String,
        overlap: OverlapPolicy?,
        by person: String,
        key: RequestKey? = nil
    ) async throws -> StartedRun {
        if let made = try await self.store.replayed(key) {
            return StartedRun(id: RunID(made.id), outcome: .replayed)
        }
        for _ in 0..<Self.attemptsMax {
            let row = try await self.store.schedule(name)
            let plan = try await self.plan(row)
            let open = try await self.store.openRuns(ofSchedule: row.id)
            switch overlap ?? row.said.settings.overlap {
            case .queue: break
            case .skip:
                guard let run = open.first else { break }
                throw Problem(
                    .conflict,
                    "run \(run) of schedule '\(row.said.name)' is open",
                    next: "wait for its end, or send {\"overlap\":\"queue\"}"
                )
            case .cancel:
                guard row.said.unique == nil else { throw Self.cancelsUnique }
                for run in open {
                    let reason = "a run of schedule '\(row.said.name)' was asked for"
                    _ = try? await self.store.requestCancel(run, reason: reason)
                }
            }
            let made = try await self.make(row, plan, ticks: nil, person, key)
            if let made, let run = made.run {
                guard made.outcome != .held else { throw DeskError.held(by: run) }
                return StartedRun(id: run, outcome: made.outcome)
            }
            if let made = try await self.store.replayed(key) {
                return StartedRun(id: RunID(made.id), outcome: .replayed)
            }
        }
        throw Self.busy
    }

    private static var cancelsUnique: Problem {
        Problem(
            .conflict,
            "the schedule's runs are unique: one that is cancelled has the key until it has ended",
            next: "cancel it, and ask again when it has ended"
        )
    }

    /// Has ticks of a stretch of the past make their runs; those that have one get no other. Where runs
    /// are unique, that holds here too, tick by tick.
    ///
    /// - Parameters:
    ///   - name: The schedule's name or number.
    ///   - range: From when to when, both included, in seconds since 1970.
    ///   - person: Who asks.
    ///   - key: Under which it happens once.
    /// - Returns: How many runs were made, of how many ticks, and for how many of these none was made
    ///   because another run had the unique key; the latter two are `nil` when the same request was sent
    ///   before.
    /// - Throws: `invalidBody` when it reaches into the future, or has too many ticks.
    func backfill(
        _ name: String,
        _ range: ClosedRange<Int64>,
        by person: String,
        key: RequestKey? = nil
    ) async throws -> (made: Int, ticks: Int?, unmade: Int?) {
        for _ in 0..<Self.attemptsMax {
            if let made = try await self.store.replayed(key) {
                return (Int(made.detail) ?? 0, nil, nil)
            }
            let row = try await self.store.schedule(name)
            guard range.upperBound * 1_000 <= row.nowMilliseconds else {
                throw Problem(
                    .invalidBody,
                    "a backfill ends in the past",
                    next: "use an end up to now; later ticks make their runs by themselves"
                )
            }
            let ticks = try self.machine(row).calendar.ticks(
                after: range.lowerBound - 1,
                upTo: range.upperBound,
                limit: Self.backfillMax + 1
            )
            guard ticks.count <= Self.backfillMax else {
                throw Problem(
                    .invalidBody,
                    "that range has more than \(Self.backfillMax) ticks",
                    next: "ask for smaller ranges, one after the other"
                )
            }
            let plan = try await self.plan(row)
            if let made = try await self.make(row, plan, ticks: ticks, person, key) {
                return (made.count, ticks.count, made.unmade)
            }
        }
        throw Self.busy
    }

    /// The same for moments as people write them.
    ///
    /// - Parameters:
    ///   - name: The schedule's name or number.
    ///   - from: RFC 3339, or milliseconds since 1970.
    ///   - upTo: The same.
    ///   - person: Who asks.
    ///   - key: Under which it happens once.
    /// - Returns: The answer of the API.
    /// - Throws: As ``backfill(_:_:by:key:)``, and when a moment cannot be read.
    public func backfill(
        _ name: String,
        from: String,
        upTo: String,
        by person: String,
        key: RequestKey? = nil
    ) async throws -> JSONValue {
        let low = (try RunFilterReader.time("from", from) ?? 0).flooringDivide(by: 1_000)
        let high = (try RunFilterReader.time("to", upTo) ?? 0).flooringDivide(by: 1_000)
        guard low <= high else {
            throw Problem(.invalidBody, "it ends before it begins", next: "swap both moments")
        }
        let done = try await self.backfill(name, low...high, by: person, key: key)
        return .object([
            "version": .integer(1), "made": .integer(Int64(done.made)),
            "ticks": done.ticks.map { .integer(Int64($0)) } ?? .null,
            "not_unique": done.unmade.map { .integer(Int64($0)) } ?? .null,
        ])
    }

    /// The API's answer to a preview.
    ///
    /// - Parameters:
    ///   - row: The schedule.
    ///   - count: How many ticks, up to ``previewMax``.
    ///   - from: RFC 3339, or milliseconds since 1970; `nil` for now.
    /// - Returns: The answer.
    /// - Throws: ``Problem`` when its rules or the moment cannot be read.
    public func previewDocument(
        _ row: ScheduleRow,
        count: Int,
        from: String?
    ) throws(Problem) -> JSONValue {
        let moment = try RunFilterReader.time("from", from)
        return .object([
            "version": .integer(1), "zone": .string(row.said.settings.zone),
            "ticks": .array(try self.preview(row, count: count, from: moment)),
        ])
    }

    /// How often it is tried again when somebody else decides about the schedule meanwhile.
    private static let attemptsMax = 10

    private static var busy: Problem {
        Problem(.unavailable, "the schedule is changing all the time", next: "send it again")
    }

    /// Makes runs; `nil` when somebody else was faster, also with the same key.
    private func make(
        _ row: ScheduleRow,
        _ plan: (digest: Digest, inputs: String),
        ticks: [Int64]?,
        _ person: String,
        _ key: RequestKey?
    ) async throws -> MadeTicks? {
        do throws(StoreError) {
            return try await self.store.makeRuns(
                of: row,
                plan: plan.digest,
                inputs: plan.inputs,
                ticks: ticks,
                by: person,
                key: key
            )
        } catch {
            guard error.code == .conflict, try await self.store.replayed(key) != nil else {
                throw error
            }
            return nil
        }
    }

    private func plan(_ row: ScheduleRow) async throws -> (digest: Digest, inputs: String) {
        guard row.sessionStatus == "active" else {
            throw Problem(
                .conflict,
                "session '\(row.session)' is \(row.sessionStatus)",
                next: "give the schedule a session that is active"
            )
        }
        guard let digest = row.plan else {
            throw Problem(
                .conflict,
                "there is no template '\(row.said.template ?? "")' any more",
                next: "give the schedule another template or plan"
            )
        }
        let plan = try await self.store.plan(digest)
        let text = try self.store.inputs(of: row)
        let given = (try? JSONValue(parsing: text))?.objectValue ?? [:]
        return (digest, try plan.bound(given).canonicalText)
    }
}
