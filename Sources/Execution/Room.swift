// What all actors of a node share: store, writer, tools, settings.

internal import Glibc
internal import Logging
internal import PulserIR
internal import StateMachines
internal import Store
internal import Synchronization
internal import Tools

/// The node's equipment, handed to its lanes and runs.
final class Room: Sendable {
    let configuration: ExecutionConfiguration
    let store: Store
    let writer: WriterActor
    let tools: ToolBox
    let plans: PlanCache
    let scratch: any ScratchDatabases
    let places: Places
    let deadlines: Deadlines
    let fronts: FrontKeeper
    let queues: WorkQueues
    let sessions: SessionSupervisor
    let logger: Logger
    /// Steps that wait for what comes from outside.
    let waits = WaitBoard()
    /// Asks the dispatcher to compare memory with the database.
    let recheck: @Sendable () -> Void

    init(
        configuration: ExecutionConfiguration,
        store: Store,
        writer: WriterActor,
        tools: ToolBox,
        plans: PlanCache,
        scratch: any ScratchDatabases,
        places: Places,
        deadlines: Deadlines,
        queues: WorkQueues,
        sessions: SessionSupervisor,
        logger: Logger,
        recheck: @escaping @Sendable () -> Void
    ) {
        self.configuration = configuration
        self.store = store
        self.writer = writer
        self.tools = tools
        self.plans = plans
        self.scratch = scratch
        self.places = places
        self.deadlines = deadlines
        self.fronts = FrontKeeper(store, deadlines: deadlines, logger: logger)
        self.queues = queues
        self.sessions = sessions
        self.logger = logger
        self.recheck = recheck
    }
}

/// A plan with what its runs need to know of it, found out once.
final class PreparedPlan: Sendable {
    let plan: Plan
    /// The graph of a run that has not begun.
    let graph: StepGraphMachine
    let usesScratch: Bool
    let needsWorkspace: Bool
    let hasChildren: Bool

    /// What a run has until its plan is read; made once, because looking into a plan is work.
    static let none = PreparedPlan(Plan(name: ""))

    init(_ plan: Plan) {
        self.plan = plan
        self.graph = StepGraphMachine(plan: plan)
        self.usesScratch = plan.usesScratch
        self.needsWorkspace = plan.needsWorkspace
        self.hasChildren = plan.hasChildren
    }
}

/// Plans by digest, read once, however many runs of a new one begin at the same time.
final class PlanCache: Sendable {
    static let plansMax = 1_000

    private enum Entry {
        case known(PreparedPlan)
        case awaited(Task<Result<PreparedPlan, StoreError>, Never>)
    }

    private let entries = Mutex<[Digest: Entry]>([:])

    /// The plan, from memory or from the store.
    nonisolated(nonsending) func plan(
        _ digest: Digest,
        from store: Store
    ) async throws(StoreError) -> PreparedPlan {
        let entry = self.entries.withLock { entries in
            if let entry = entries[digest] { return entry }
            // SAFETY: ends with the store's answer, which has a deadline; shared by all who ask.
            let reading = Task { () async -> Result<PreparedPlan, StoreError> in
                do throws(StoreError) {
                    return .success(PreparedPlan(try await store.plan(digest)))
                } catch {
                    return .failure(error)
                }
            }
            if entries.count >= Self.plansMax { entries.removeAll() }
            entries[digest] = .awaited(reading)
            return .awaited(reading)
        }
        switch entry {
        case .known(let plan): return plan
        case .awaited(let reading):
            let answer = await reading.value
            self.entries.withLock { entries in
                if case .success(let plan) = answer {
                    entries[digest] = .known(plan)
                } else {
                    entries[digest] = nil
                }
            }
            return try answer.get()
        }
    }
}

/// The wall clock, for what people read; decisions use the monotonic clock or the database's.
enum WallClock {
    static var milliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }
}
