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
        var outage: String?
    }

    private let state = Mutex(State())
    private let migrationsMax: Int

    /// Begins without a node.
    ///
    /// - Parameter migrationsMax: The highest number of this program's migrations.
    public init(migrationsMax: Int) { self.migrationsMax = migrationsMax }

    /// The node joined, or is no more.
    public func joined(_ node: NodeEpoch?) { self.state.withLock { $0.node = node } }

    /// The node's heartbeats fail for this reason, or for none.
    public func outage(_ reason: String?) { self.state.withLock { $0.outage = reason } }

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
        let health: StoreHealth
        switch await Self.health(store, state.node) {
        case .success(let answer): health = answer
        case .failure(let error):
            // Who waits for a connection does not know why there is none.
            let known = store.unreachable?.message ?? store.obstacle.reason ?? state.outage
            checks.append(Check(name: "database", reason: known ?? error.message))
            return checks
        }
        // A database that answers a question may yet take no writes.
        checks.append(Check(name: "database", reason: store.obstacle.reason ?? state.outage))
        checks.append(Check(name: "migrations", reason: self.migrations(health)))
        checks.append(Check(name: "lease", reason: Self.lease(state.node, health)))
        return checks
    }

    /// How long the database may take to answer.
    private static let limit: Duration = .seconds(2)

    private static func health(
        _ store: Store,
        _ node: NodeEpoch?
    ) async -> Result<StoreHealth, StoreError> {
        let late = StoreError(
            .unavailable,
            "database unavailable: no answer for \(Self.limit)"
        )
        return await withTaskGroup(of: Result<StoreHealth, StoreError>.self) { group in
            group.addTask {
                do throws(StoreError) {
                    return .success(try await store.health(of: node))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: Self.limit)
                return .failure(late)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(late)
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
