// What is told about lanes once the database has it, and to whom.

internal import Synchronization

/// Something that the owner of a lane should look at now. The database has it already: news that are
/// lost cost latency only.
public enum LaneNews: Sendable, Hashable, Codable {
    /// The lane has new work.
    case work(lane: Int64)
    /// A run of the lane is due in so many milliseconds.
    case due(lane: Int64, milliseconds: Int64)
    /// Something is asked of a run of the lane: its end, a pause, to go on.
    case request(lane: Int64, run: Int64)
    /// The lane's settings changed.
    case settings(lane: Int64)

    /// The lane's number.
    public var lane: Int64 {
        switch self {
        case .work(let lane), .due(let lane, _), .request(let lane, _), .settings(let lane): lane
        }
    }
}

/// Brings news to the owners of lanes by a quicker way than the database's notices.
public protocol LaneCourier: Sendable {
    /// Tells a lane's owner, wherever that is.
    ///
    /// - Returns: Whether the owner has heard it; if not, a notice of the database follows.
    func tell(_ news: LaneNews) async -> Bool
    /// What keeps a lane from taking runs, as its owner says; `nil` for nothing, or when it does not
    /// answer.
    func obstacle(of lane: Int64) async -> LaneObstacle?
    /// Tells every node that something is asked of many runs of a session.
    func tell(session: String) async
}

/// Where a node's store finds the courier, which comes and goes with the node's lives.
public final class LaneNewsDesk: Sendable {
    private let state = Mutex<(any LaneCourier)?>(nil)
    private let workerState = Mutex<(any WorkerCourier)?>(nil)

    /// A desk without a courier.
    public init() {}

    /// Who brings news from now on; `nil` for nobody.
    public var courier: (any LaneCourier)? {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }

    /// Who brings workers outside and lanes together; `nil` for nobody.
    public var workers: (any WorkerCourier)? {
        get { self.workerState.withLock { $0 } }
        set { self.workerState.withLock { $0 = newValue } }
    }
}
