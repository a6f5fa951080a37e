// Decides who can work a lane's runs.

/// Who works a lane's runs.
public enum LaneWorker: String, Sendable, Hashable, Codable, CaseIterable {
    /// The node that owns the lane does the plan's steps.
    case room
    /// Programs outside take the runs over the API, and say what came of them.
    case external
}
