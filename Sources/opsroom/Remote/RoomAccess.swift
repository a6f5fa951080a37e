// What commands need of a room, wherever it is: two doors, one behaviour.

import Compiler
import ControlRoom
import PulserIR
import Store

/// Which runs to list.
struct RunQuery: Sendable {
    /// Texts by the API's names of its filters; of those that are not there any run fits.
    var filters: [String: [String]] = [:]
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

/// A signal to be sent.
struct SignalOrder: Sendable {
    var name: String
    var payload: JSONValue
    /// The same key sends it once.
    var key: String?
}

/// A decision about a step.
struct DecisionOrder: Sendable {
    var step: String
    var isApproval: Bool
    var form: [String: JSONValue]
    var comment: String
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
    /// Whom or what it is for.
    var forKey: String
    /// How long it waits before it is ready.
    var delayMilliseconds: Int64 = 0
    /// The moment that this leads to, in milliseconds since 1970, where it was named.
    var dueAt: Int64?
    /// What makes it the only one of its kind.
    var unique: Uniqueness?
    /// Until when it must have begun or ended.
    var deadline: RunDeadline?
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
    /// Waits for a run's end; gives the run as it is then, or when the time is over.
    func awaitEnd(_ id: RunID, within limit: Duration) async throws -> RunFacts
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
    /// Stores a plan and all it runs; gives its digest.
    func storePlan(
        _ plan: CompiledPlan,
        _ files: [String: String],
        path: String
    ) async throws -> Digest
    /// Stores the runs of a batch, all of them or none; gives what became of each.
    func enqueue(_ runs: [JSONValue]) async throws -> [JSONValue]
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
    /// For how long history is kept, and what there is of it.
    func retention() async throws -> JSONValue
    /// Changes for how long it is kept, or shows what that would drop.
    func setRetention(
        runs: Retention?,
        events: Retention?,
        isDry: Bool
    ) async throws -> JSONValue
    /// What a run waits for.
    func why(_ id: RunID) async throws -> JSONValue
    /// A node with what it holds, by its name or number.
    func node(_ name: String) async throws -> JSONValue
    /// Drains a node, takes that back, or declares it dead; gives the node.
    func change(_ name: String, _ verb: NodeVerb) async throws -> JSONValue
    /// Sends a signal to a run; gives the signal.
    func signal(_ id: RunID, _ order: SignalOrder) async throws -> JSONValue
    /// Signals of a run, taken or not.
    func signals(_ id: RunID) async throws -> [JSONValue]
    /// Steps that wait for whoever asks, or for anybody.
    func approvals(all: Bool, run: RunID?) async throws -> [JSONValue]
    /// Decides about a step; gives what became of it.
    func decide(_ id: RunID, _ order: DecisionOrder) async throws -> JSONValue
    /// Runs that failed for good and nobody put aside, newest first.
    func dead(_ wish: DeadWish) async throws -> [RunFacts]
    /// One of them, or one that was put aside.
    func deadLetter(_ id: RunID) async throws -> JSONValue
    /// Puts a run aside that failed for good; gives it as it is then.
    func discard(_ id: RunID, note: String) async throws -> JSONValue
    /// Actions on many runs, newest first.
    func bulkActions(limit: Int) async throws -> [JSONValue]
    /// One of them, with how far it is.
    func bulkAction(_ number: Int64) async throws -> JSONValue
    /// Its runs in a state, by their numbers.
    func bulkRuns(_ number: Int64, _ state: BulkItem.State, limit: Int) async throws -> [JSONValue]
    /// Ends it; what is done stays done. Gives it as it is then.
    func stopBulk(_ number: Int64) async throws -> JSONValue
    /// Has a queued run begin no earlier than after a time.
    func snooze(_ id: RunID, for milliseconds: Int64) async throws
    /// Has a queued run come to its turn earlier or later.
    func setPriority(_ id: RunID, to priority: Int) async throws
    /// Puts a queued run into another lane of its session or to another place of its queue.
    func move(_ id: RunID, _ wish: QueueMove) async throws
    /// Asks for a run's end.
    func cancel(_ id: RunID, reason: String) async throws
    /// Queues a run again; gives the steps that will run again.
    func retry(_ id: RunID, from step: String?, inputs: [String: String]) async throws -> [String]
    /// Says that a step was done by hand; gives the steps that will run again.
    func skip(_ id: RunID, step: String, note: String) async throws -> [String]
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
        _ settings: [String: JSONValue]
    ) async throws -> JSONValue
    /// A lane as its list tells it.
    func lane(_ lane: String, of session: String) async throws -> JSONValue
    /// Pauses or resumes a session or a lane; gives it as it is then.
    func pause(_ call: PauseCall) async throws -> JSONValue
    /// The keys of a lane that are paused.
    func pausedKeys(_ lane: String, of session: String) async throws -> [JSONValue]
    /// Limits that lanes share, by name.
    func limits() async throws -> [JSONValue]
    /// Makes or changes a limit; gives it as it is then.
    func setLimit(_ name: String, _ rate: Rate) async throws -> JSONValue
    /// Removes a limit that no lane names.
    func deleteLimit(_ name: String) async throws
    /// Schedules by name: those of a session, paused or not, or all.
    func schedules(of session: String?, isPaused: Bool?) async throws -> [JSONValue]
    /// Runs that a schedule made, latest first.
    func scheduleRuns(_ name: String, limit: Int) async throws -> [JSONValue]
    /// Makes, changes, asks a schedule.
    func schedule(_ call: ScheduleCall) async throws -> JSONValue
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
