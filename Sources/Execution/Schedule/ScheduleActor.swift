// Has the ticks of this node's schedules make runs, and sleeps until the next one is due.

internal import Logging
internal import Metrics
internal import PulserIR
internal import StateMachines
internal import Store

/// The firer of a node: of the schedules whose lane is in one of its shards.
///
/// What it decides counts only if nothing else was decided since it read the schedule, and becomes
/// runs in the same statement. So there is nothing to take over when a node dies, and nothing to fence
/// when two nodes believe that a shard is theirs.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation.
actor ScheduleActor {
    /// Schedules that are decided about at once.
    static let batchMax = 200
    /// The longest sleep: what no notice told is seen after it.
    static let sleepMax: Duration = .seconds(60)
    /// The pause after a failure, and when somebody else edits what is due.
    static let pause: Duration = .seconds(1)

    private let node: NodeEpoch
    private let room: Room
    private let zones: TimeZoneLibrary
    private let wakes: AsyncStream<Void>
    private nonisolated let waker: AsyncStream<Void>.Continuation

    init(node: NodeEpoch, room: Room, zones: TimeZoneLibrary) {
        self.node = node
        self.room = room
        self.zones = zones
        (self.wakes, self.waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Has it look now: a schedule was changed, or shards moved.
    nonisolated func wake() { self.waker.yield() }

    /// Fires until cancelled.
    func run() async {
        var wakes = self.wakes.makeAsyncIterator()
        while !Task.isCancelled {
            let sleep = await self.round()
            let waker = self.waker
            await withDiscardingTaskGroup { group in
                group.addTask {
                    // One that was woken before must not wake it once more.
                    guard (try? await Task.sleep(for: sleep)) != nil else { return }
                    waker.yield()
                }
                _ = await wakes.next()
                group.cancelAll()
            }
        }
    }

    /// Decides about everything that is due.
    ///
    /// - Returns: How long there is nothing to do.
    private func round() async -> Duration {
        do {
            while true {
                let rows = try await self.room.store.dueSchedules(
                    of: self.node,
                    limit: Self.batchMax
                )
                if rows.isEmpty { break }
                guard try await self.settle(rows) else { return Self.pause }
            }
            guard let next = try await self.room.store.untilNextTick(of: self.node) else {
                return Self.sleepMax
            }
            return max(.zero, min(next, Self.sleepMax))
        } catch {
            self.room.logger.debug("schedules wait", metadata: ["reason": "\(error.message)"])
            return Self.pause
        }
    }

    /// - Returns: Whether anything came of it.
    private func settle(_ rows: [ScheduleRow]) async throws(StoreError) -> Bool {
        var decisions: [TickDecision] = []
        var hasPaused = false
        for row in rows {
            do throws(Trouble) {
                decisions.append(try await self.decide(row))
            } catch {
                guard case .schedule(let reason) = error else { throw error.storeError }
                // One that cannot tick must not keep the others from it, and is not looked at again
                // and again: a person is told where people look.
                hasPaused = try await self.give(up: row, reason) || hasPaused
            }
        }
        // Who has a unique key in an open transaction is waited for: by its own kind alone.
        var hasMoved = false
        for kind in [
            decisions.filter { $0.uniqueKey == nil }, decisions.filter { $0.uniqueKey != nil },
        ]
        where !kind.isEmpty {
            hasMoved = try await self.fire(kind, of: rows) || hasMoved
        }
        return hasPaused || hasMoved
    }

    /// - Returns: Whether any of them counted.
    private func fire(
        _ decisions: [TickDecision],
        of rows: [ScheduleRow]
    ) async throws(StoreError) -> Bool {
        let fired = try await self.room.store.fire(decisions)
        ExecutionMetrics.ticks("fired").increment(by: fired.runs.count)
        for tick in fired.unmade {
            ExecutionMetrics.ticks(tick.outcome.rawValue).increment()
            self.room.logger.info(
                "ticks dropped",
                metadata: [
                    "schedule": "\(rows.first { $0.id == tick.schedule }?.said.name ?? "")",
                    "count": "1", "reason": "\(tick.outcome.rawValue)", "run": "\(tick.run)",
                ]
            )
        }
        for news in fired.news { await self.room.store.tell(news) }
        return fired.moved > 0
    }

    /// Why there is no decision.
    private enum Trouble: Error {
        /// What is wrong with the schedule, a sentence for people.
        case schedule(String)
        case store(StoreError)

        var storeError: StoreError {
            switch self {
            case .schedule(let reason): StoreError(.server, reason)
            case .store(let error): error
            }
        }
    }

    private func decide(_ row: ScheduleRow) async throws(Trouble) -> TickDecision {
        let machine: ScheduleMachine
        do throws(ScheduleError) {
            machine = try ScheduleMachine(row.said.settings, id: row.id, zones: self.zones)
        } catch { throw .schedule(error.description) }
        let decision = machine.decide(
            after: row.cursor,
            now: row.nowMilliseconds,
            hasOpenRun: row.hasOpenRun
        )
        let plan = try await self.plan(row)
        if decision.cancelsOpen { try await self.cancelOpen(row) }
        for dropped in decision.dropped {
            ExecutionMetrics.ticks(dropped.reason.rawValue).increment(by: dropped.count)
            self.room.logger.info(
                "ticks dropped",
                metadata: [
                    "schedule": "\(row.said.name)", "count": "\(dropped.count)",
                    "reason": "\(dropped.reason.rawValue)",
                ]
            )
        }
        var made = TickDecision(
            schedule: row.id,
            moveNumber: row.moveNumber,
            cursor: decision.cursor,
            nextMilliseconds: decision.nextMilliseconds,
            dropped: decision.dropped.reduce(0) { $0 + $1.count },
            reason: decision.dropped.last?.reason,
            lane: row.said.lane,
            plan: plan.digest,
            inputs: plan.inputs.canonicalText,
            ticks: decision.fire.map(\.second)
        )
        made.uniqueKey = row.said.unique?.named(plan: plan.digest, inputs: plan.inputs).key
        return made
    }

    /// The plan of a schedule's runs, and their inputs with its defaults.
    private func plan(
        _ row: ScheduleRow
    ) async throws(Trouble) -> (digest: Digest, inputs: JSONValue) {
        guard row.sessionStatus == "active" else {
            throw .schedule("its session '\(row.session)' is \(row.sessionStatus)")
        }
        guard let digest = row.plan else {
            throw .schedule("there is no template '\(row.said.template ?? "")' any more")
        }
        let plan: Plan
        do throws(StoreError) {
            plan = try await self.room.plans.plan(digest, from: self.room.store).plan
        } catch {
            guard error.code == .notFound || error.code == .corrupt else { throw .store(error) }
            throw .schedule(error.message)
        }
        let text: String
        do throws(StoreError) {
            text = try self.room.store.inputs(of: row)
        } catch {
            throw .schedule(error.message)
        }
        let given = (try? JSONValue(parsing: text))?.objectValue ?? [:]
        do throws(InputError) {
            return (digest, try plan.bound(given))
        } catch {
            let problems = error.problems.joined(separator: "; ")
            throw .schedule("its inputs do not fit plan '\(plan.name)' any more: \(problems)")
        }
    }

    /// Before the tick's run is there: who dies in between has them cancelled once more.
    private func cancelOpen(_ row: ScheduleRow) async throws(Trouble) {
        do throws(StoreError) {
            let reason = "the next tick of schedule '\(row.said.name)' was due"
            for run in try await self.room.store.openRuns(ofSchedule: row.id) {
                do throws(StoreError) {
                    _ = try await self.room.store.requestCancel(run, reason: reason)
                } catch {
                    // It has ended by itself.
                    guard error.code == .conflict || error.code == .notFound else { throw error }
                }
            }
        } catch { throw .store(error) }
    }

    private func give(up row: ScheduleRow, _ reason: String) async throws(StoreError) -> Bool {
        let isPaused = try await self.room.store.pauseSchedule(
            row.id,
            by: "opsroom",
            reason: reason,
            move: row.moveNumber
        )
        if isPaused {
            ExecutionMetrics.schedulesPaused.increment()
            self.room.logger.error(
                "schedule paused",
                metadata: ["schedule": "\(row.said.name)", "reason": "\(reason)"]
            )
        }
        return isPaused
    }
}
