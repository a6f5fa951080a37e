// Whether this node can answer for the room, and if not, why.

public import PulserIR
public import Store
import Synchronization

/// What a balancer asks before it sends requests here.
public final class Readiness: Sendable {
    /// One thing that must be right.
    public struct Check: Sendable, Hashable {
        /// `draining`, `database`, `migrations` or `lease`.
        public var name: String
        /// Why it is not right; `nil` when it is.
        public var reason: String?
    }

    private struct State: Sendable {
        var isDraining = false
        var node: NodeEpoch?
    }

    private let state = Mutex(State())
    private let migrationsMax: Int

    /// Begins without a node.
    ///
    /// - Parameter migrationsMax: The highest number of this program's migrations.
    public init(migrationsMax: Int) { self.migrationsMax = migrationsMax }

    /// The node joined, or is no more.
    public func joined(_ node: NodeEpoch?) { self.state.withLock { $0.node = node } }

    /// The node; `nil` between its lives.
    var node: NodeEpoch? { self.state.withLock { $0.node } }

    /// The node goes away: no more requests shall come.
    public func drain() { self.state.withLock { $0.isDraining = true } }

    /// Whether the node goes away.
    public var isDraining: Bool { self.state.withLock { $0.isDraining } }

    /// Looks at everything now.
    public func checks(_ store: Store) async -> [Check] {
        let state = self.state.withLock { $0 }
        var checks = [
            Check(name: "draining", reason: state.isDraining ? "this node is going away" : nil)
        ]
        guard let health = await Self.health(store, state.node) else {
            checks.append(Check(name: "database", reason: "the database does not answer"))
            return checks
        }
        checks.append(Check(name: "database"))
        checks.append(Check(name: "migrations", reason: self.migrations(health)))
        checks.append(Check(name: "lease", reason: Self.lease(state.node, health)))
        return checks
    }

    /// How long the database may take to answer.
    private static let limit: Duration = .seconds(2)

    private static func health(_ store: Store, _ node: NodeEpoch?) async -> StoreHealth? {
        await withTaskGroup(of: StoreHealth?.self) { group in
            group.addTask { try? await store.health(of: node) }
            group.addTask {
                try? await Task.sleep(for: Self.limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func migrations(_ health: StoreHealth) -> String? {
        guard health.migrationsApplied < self.migrationsMax else { return nil }
        return "migrations up to \(self.migrationsMax) are needed, \(health.migrationsApplied) are "
            + "applied: opsroom migrate apply"
    }

    private static func lease(_ node: NodeEpoch?, _ health: StoreHealth) -> String? {
        guard node != nil else { return "this node has not joined" }
        return health.hasLease ? nil : "this node's lease is over"
    }
}
