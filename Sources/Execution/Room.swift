// What all actors of a node share: store, writer, tools, settings.

internal import Glibc
internal import Logging
internal import PulserIR
internal import Store
internal import Tools

/// The node's equipment, handed to its lanes and runs.
struct Room: Sendable {
    let configuration: ExecutionConfiguration
    let store: Store
    let writer: WriterActor
    let tools: ToolBox
    let plans: PlanCache
    let scratch: any ScratchDatabases
    let admission: AdmissionActor
    let sessions: SessionSupervisor
    let logger: Logger
    /// Asks the dispatcher to compare memory with the database.
    let recheck: @Sendable () -> Void
}

/// A plan with what its runs need to know of it, found out once.
struct PreparedPlan: Sendable {
    var plan: Plan
    var usesScratch: Bool
    var needsWorkspace: Bool
    var hasChildren: Bool

    init(_ plan: Plan) {
        self.plan = plan
        self.usesScratch = plan.usesScratch
        self.needsWorkspace = plan.needsWorkspace
        self.hasChildren = plan.hasChildren
    }
}

/// Plans by digest, read once.
actor PlanCache {
    static let plansMax = 1_000

    private var plans: [Digest: PreparedPlan] = [:]

    /// The plan, from memory or from the store.
    func plan(_ digest: Digest, from store: Store) async throws(StoreError) -> PreparedPlan {
        if let plan = self.plans[digest] { return plan }
        let plan = PreparedPlan(try await store.plan(digest))
        if self.plans.count >= Self.plansMax { self.plans.removeAll() }
        self.plans[digest] = plan
        return plan
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
