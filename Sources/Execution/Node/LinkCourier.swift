// Decides how news reach the owners of lanes: by a call over the links between nodes.

internal import Cluster
internal import Distributed
internal import Metrics
internal import PulserIR
internal import Store

/// Tells lanes and sessions, wherever they are, what is stored for them.
///
/// It never decides anything: whoever hears looks at the database. What it cannot bring within
/// ``patience`` the database's notice brings.
final class LinkCourier: LaneCourier {
    /// How long a call may take before the notice takes its place.
    static let patience: Duration = .milliseconds(300)

    private let system: ClusterSystem
    /// Whether the node has no links: then it reaches its own lanes only.
    private let isAlone: Bool

    init(_ system: ClusterSystem, isAlone: Bool) {
        self.system = system
        self.isAlone = isAlone
    }

    func tell(_ news: LaneNews) async -> Bool {
        guard let (lane, owner) = self.lane(news.lane) else { return false }
        do {
            try await withCallOptions(Self.options) { try await lane.hear(news) }
            ExecutionMetrics.news(isHere: owner == self.system.me).increment()
            return true
        } catch {
            ExecutionMetrics.newsLate.increment()
            return false
        }
    }

    func obstacle(of lane: Int64) async -> LaneObstacle? {
        guard let (lane, _) = self.lane(lane) else { return nil }
        return try? await withCallOptions(Self.options) { try await lane.obstacle() }
    }

    /// A lane with its owner; `nil` while nobody has it whom this node can call.
    private func lane(_ number: Int64) -> (LaneActor, NodeEpoch)? {
        let shard = LaneShard.of(number)
        guard let owner = self.system.directory?.place(of: shard)?.owner,
            owner == self.system.me || !self.isAlone,
            let lane = try? self.system.reference(
                to: LaneActor.self,
                .number(number),
                at: .shard(shard)
            )
        else { return nil }
        return (lane, owner)
    }

    func tell(session: String) async {
        await withDiscardingTaskGroup { group in
            for node in self.system.directory?.nodes ?? []
            where node == self.system.me || !self.isAlone {
                group.addTask {
                    let actor = try? self.system.reference(
                        to: SessionActor.self,
                        .name(session),
                        at: .node(node)
                    )
                    // A node that has nothing of the session in memory says so.
                    try? await withCallOptions(Self.options) { try await actor?.hear() }
                }
            }
        }
    }

    private static var options: CallOptions {
        var options = CallOptions()
        options.timeout = Self.patience
        options.attemptsMax = 2
        return options
    }
}
