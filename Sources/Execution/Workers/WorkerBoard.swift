// Where a node keeps the questions of the workers that talk to it, until lanes answer.

internal import Cluster
internal import Distributed
internal import Store
internal import Synchronization

/// Workers that wait at this node, by the number of their question.
final class WorkerBoard: Sendable {
    private struct Entry {
        var runs: [HandedRun]?
        let signal = StopSignal()
    }

    private struct State {
        var next: Int64 = 0
        var entries: [Int64: Entry] = [:]
    }

    private let state = Mutex(State())

    /// Begins a question.
    ///
    /// - Returns: Its number.
    func open() -> Int64 {
        self.state.withLock { state in
            state.next += 1
            state.entries[state.next] = Entry()
            return state.next
        }
    }

    /// Waits for the answer.
    ///
    /// - Returns: Whether it has come.
    func wait(for number: Int64, atMost limit: Duration) async -> Bool {
        guard let entry = self.state.withLock({ $0.entries[number] }) else { return false }
        if entry.runs == nil { await entry.signal.wait(atMost: limit) }
        return self.state.withLock { $0.entries[number]?.runs != nil }
    }

    /// Ends a question: from now on nobody waits for its answer.
    ///
    /// - Returns: What had come.
    func close(_ number: Int64) -> [HandedRun] {
        self.state.withLock { $0.entries.removeValue(forKey: number) }?.runs ?? []
    }

    /// Takes an answer.
    ///
    /// - Returns: Whether somebody waits for it; then it is theirs.
    func take(_ answer: HandedRuns) -> Bool {
        let signal = self.state.withLock { state -> StopSignal? in
            guard let entry = state.entries[answer.number], entry.runs == nil else { return nil }
            state.entries[answer.number]?.runs = answer.runs
            return entry.signal
        }
        signal?.fire()
        return signal != nil
    }
}

/// Takes the answers of lanes to questions of this node's workers. Nothing waits in its mailbox.
distributed actor WorkerBoardActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("worker.board")
    static let methods: [ClusterMethod<WorkerBoardActor>] = [
        ClusterMethod("take") { _ = try await $0.take(HandedRuns(number: 0, runs: [])) }
    ]

    private let board: WorkerBoard

    init(_ board: WorkerBoard, actorSystem: ClusterSystem) {
        self.board = board
        self.actorSystem = actorSystem
    }

    /// Takes an answer.
    ///
    /// - Returns: Whether the worker has the runs; if not, they are anybody's.
    distributed func take(_ answer: HandedRuns) -> Bool { self.board.take(answer) }
}

/// Takes what a worker says about its run; each run has one, so that none waits for another's commit.
distributed actor WorkerDoorActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("worker.door")
    static let mailboxMax = 32
    static let methods: [ClusterMethod<WorkerDoorActor>] = [
        ClusterMethod("report") {
            _ = try await $0.report(WorkerReport(claimNumber: 0, .events([])))
        }
    ]

    private let run: RunActor

    init(_ run: RunActor, actorSystem: ClusterSystem) {
        self.run = run
        self.actorSystem = actorSystem
    }

    /// Takes what a worker says.
    distributed func report(_ report: WorkerReport) async -> WorkerReply {
        await self.run.take(report)
    }
}
