// What commands need of a room, wherever it is: two doors, one behaviour.

import Compiler
import ControlRoom
import PulserIR
import Store

/// Which runs to list; `nil` and empty mean any.
struct RunQuery: Sendable {
    var statuses: [RunStatus] = []
    var session: String?
    var lane: String?
    /// A run, or the beginning of its id: only older ones.
    var before: String?
    var limit = 20
}

/// What is done to a node.
enum NodeVerb: String, Sendable {
    case drain
    case undrain
    case evict
}

/// A run to be made.
struct RunOrder: Sendable {
    /// The plan's file.
    var path: String
    var compiled: CompiledPlan
    /// The texts of the plan's files, child plans included.
    var files: [String: String]
    /// Every input, bound to the plan.
    var inputs: JSONValue
    var session: String
    var lane: String
    var priority: Int
    /// The same key makes one run.
    var key: String?
}

/// A door to a room: its data directory, or the API of a node.
///
/// Documents are the ones that `-o json` promises, so that both doors show the same.
protocol RoomAccess: Sendable {
    /// The run that `text` names by its id or the beginning of it.
    func resolve(_ text: String) async throws -> RunID
    /// Runs, newest first.
    func runs(_ query: RunQuery) async throws -> [RunFacts]
    /// A run.
    func run(_ id: RunID) async throws -> RunFacts
    /// A run with its journal and artifacts.
    func evidence(_ id: RunID) async throws -> JSONValue
    /// A plan.
    func plan(_ digest: Digest) async throws -> Plan
    /// Tells every event of a run, from its first; when `isLive` until the run has ended.
    func follow(
        _ id: RunID,
        isLive: Bool,
        _ observer: RunObserver,
        _ body: @escaping @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> RunFacts
    /// Stores a run of a plan.
    func start(_ order: RunOrder) async throws -> RunID
    /// Has a run begin nothing more.
    func pause(_ id: RunID, by person: String) async throws
    /// Has a paused run go on.
    func resume(_ id: RunID) async throws
    /// Nodes, those that work first.
    func nodes() async throws -> [JSONValue]
    /// Who coordinates, who holds what, who is suspected, what moves.
    func cluster() async throws -> JSONValue
    /// Where shards are: those of a node, in a state, or all.
    func shards(of node: String?, in state: ShardState?) async throws -> [JSONValue]
    /// Has shards go to a node; gives what becomes of each.
    func move(_ shards: [Int32], to node: String, isDry: Bool) async throws -> JSONValue
    /// Moves at most one round of shards; gives what moves, or why nothing does.
    func rebalance(isDry: Bool) async throws -> JSONValue
    /// What a run waits for.
    func why(_ id: RunID) async throws -> JSONValue
    /// A node with what it holds, by its name or number.
    func node(_ name: String) async throws -> JSONValue
    /// Drains a node, takes that back, or declares it dead; gives the node.
    func change(_ name: String, _ verb: NodeVerb) async throws -> JSONValue
    /// Asks for a run's end.
    func cancel(_ id: RunID, reason: String) async throws
    /// Queues a run again; gives the steps that will run again.
    func retry(_ id: RunID, from step: String?, inputs: [String: String]) async throws -> [String]
    /// The bytes of an artifact, checked against its digest.
    func artifact(_ id: RunID, _ name: String) async throws -> [UInt8]
    /// Sessions.
    func sessions(all: Bool) async throws -> [JSONValue]
    /// Makes a session with lanes.
    func createSession(_ name: String, intent: String, lanes: [LaneOption]) async throws
    /// A session, archived or not.
    func session(_ name: String) async throws -> JSONValue
    /// A session's lanes with what their latest runs came to, in the order they were made.
    func lanes(_ session: String) async throws -> [JSONValue]
    /// Changes a lane; gives it as it is then.
    func setLane(
        _ lane: String,
        of session: String,
        width: Int?,
        priority: Int?
    ) async throws -> JSONValue
    /// Closes a session.
    func archiveSession(_ name: String) async throws
}

extension RoomAccess {
    func follow(
        _ id: RunID,
        isLive: Bool,
        _ body: @escaping @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> RunFacts {
        try await self.follow(id, isLive: isLive, RunObserver(), body)
    }

    /// The plan of a run.
    func plan(of run: RunFacts) async throws -> Plan {
        guard let digest = run.planDigest else {
            throw RoomError(.failed, "run \(run.id) does not say which plan it has")
        }
        return try await self.plan(digest)
    }

    /// Waits for a run's end; gives the run as it is then, or when the time is over.
    func awaitEnd(_ id: RunID, within limit: Duration) async throws -> RunFacts {
        let deadline = ContinuousClock.now + limit
        while true {
            let run = try await self.run(id)
            if run.status.isTerminal || ContinuousClock.now >= deadline { return run }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension PlaceOptions {
    /// Opens the room or speaks to its node, for a command.
    ///
    /// - Parameters:
    ///   - need: What a data directory needs besides its database.
    ///   - patience: How long a lost connection is waited for.
    ///   - body: Gets the door.
    /// - Returns: What `body` returned.
    /// - Throws: What `body` threw, or why there is no such door.
    func access<Value: Sendable>(
        node need: Room.NodeNeed = .none,
        patience: Duration = .seconds(300),
        _ body: @escaping @Sendable (any RoomAccess) async throws -> Value
    ) async throws -> Value {
        if let server = try self.choice.resolve() {
            return try await RemoteConnection.open(server, logger: self.logger) {
                try await body(RemoteAccess(connection: $0, patience: patience))
            }
        }
        return try await self.client(node: need) { try await body(LocalAccess(client: $0)) }
    }

    /// What a command that is told to be run next must say to mean the same room.
    var words: String {
        if let server { return " --server \(ShellWord.quoted(server))" }
        if let context { return " --context \(ShellWord.quoted(context))" }
        if let data { return " --data \(ShellWord.quoted(data))" }
        return ""
    }
}
