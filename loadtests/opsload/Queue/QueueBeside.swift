// Decides how other programs are measured beside the queue: pgbench as the floor, Python drivers of peers.

import FoundationEssentials
import Glibc
import PulserIR

/// Programs that work on the same server while the node is away.
struct QueueBeside: Sendable {
    /// How long one of them may take.
    private static let patience: Duration = .seconds(300)

    let room: QueueRoom
    /// Where `pgbench/` and `peers/` are.
    let folder: String

    /// What a program came to.
    struct Outcome: Sendable {
        /// `nil` when it took too long and was ended.
        var code: Int32?
        var output: String

        /// The last line that it said.
        var lastLine: String { String(self.output.split(separator: "\n").last ?? "") }
    }

    // MARK: The floor

    /// Runs a script of `pgbench/` on fresh tables.
    ///
    /// - Parameters:
    ///   - script: Its name.
    ///   - clients: Connections.
    ///   - limit: `-T` seconds, `-t` transactions of each client.
    ///   - rate: Transactions a second; `nil` as many as can be.
    ///   - jobs: How many jobs each client finds in its lane.
    /// - Returns: Transactions a second, and the average latency in milliseconds.
    /// - Throws: When pgbench fails, or leaves jobs behind that it should have ended.
    func pgbench(
        _ script: String,
        clients: Int,
        limit: [String],
        rate: Int? = nil,
        jobs: Int = 0
    ) async throws -> (perSecond: Double, milliseconds: Double) {
        guard let program = Self.find("pgbench") else {
            throw LoadError("pgbench is not installed")
        }
        let folder = "\(self.folder)/pgbench"
        guard let sql = TextFile.read("\(folder)/queue-prepare.sql") else {
            throw LoadError("\(folder)/queue-prepare.sql cannot be read")
        }
        try await self.room.database.script(sql)
        if jobs > 0 {
            try await self.room.database.script("SELECT floor.fill(\(clients), \(jobs)); ANALYZE")
        }
        let words =
            ["-n", "-M", "prepared", "-c", "\(clients)", "-j", "\(min(clients, 2))"] + limit
            + (rate.map { ["-R", "\($0)"] } ?? [])
            + ["-f", "\(folder)/\(script).sql", self.room.database.conninfo]
        let outcome = try await self.run(program, words)
        guard outcome.code == 0,
            let perSecond = Self.number(in: outcome.output, between: "tps = ", and: " "),
            let latency = Self.number(in: outcome.output, between: "latency average = ", and: " ")
        else { throw LoadError("pgbench \(script) fails: \(outcome.lastLine)") }
        if jobs > 0 {
            let open = try await self.room.database.rows("SELECT floor.open()").first?.first
            guard open == "0" else {
                throw LoadError("pgbench \(script) left \(open ?? "some") jobs behind")
            }
        }
        return (perSecond, latency)
    }

    /// The number that stands between two words.
    static func number(in text: String, between before: String, and after: String) -> Double? {
        guard let start = text.firstRange(of: before)?.upperBound else { return nil }
        let rest = text[start...]
        return Double(rest[..<(rest.firstRange(of: after)?.lowerBound ?? rest.endIndex)])
    }

    // MARK: Peers

    /// What is known of a peer.
    struct Peer: Sendable {
        var name: String
        var kinds: Set<QueueScenario.Kind>
    }

    static let peers = [
        Peer(name: "pgqueuer", kinds: [.drain, .enqueue, .pickup]),
        Peer(name: "procrastinate", kinds: [.drain, .enqueue, .pickup]),
        Peer(name: "oban", kinds: [.drain, .enqueue, .pickup]),
        Peer(name: "dbos", kinds: [.steps]),
        Peer(name: "absurd", kinds: [.steps]),
    ]

    /// Runs a peer's driver on a database of its own.
    ///
    /// - Returns: Its figures and its version, or why there are none.
    func measure(
        _ peer: Peer,
        _ kind: QueueScenario.Kind,
        _ words: [String]
    ) async throws -> Result<(version: String, figures: [String: Double]), LoadError> {
        guard let python = Self.find("python3") else {
            return .failure(LoadError("\(peer.name) is not installed: there is no python3"))
        }
        let database = "peer_\(peer.name)"
        try await self.room.database.script("CREATE DATABASE \(database)")
        var environment = Self.environment
        // host='…' port=5432 user=…
        for part in self.room.database.conninfo.split(separator: " ") {
            let halves = part.split(separator: "=", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let value = halves[1].filter { $0 != "'" }
            switch halves[0] {
            case "host": environment["PGHOST"] = value
            case "port": environment["PGPORT"] = value
            case "user": environment["PGUSER"] = value
            default: break
            }
        }
        environment["PGDATABASE"] = database
        let outcome = try await self.run(
            python,
            ["-B", "\(self.folder)/peers/\(peer.name)_peer.py", kind.rawValue] + words,
            environment
        )
        return Self.read(outcome, of: peer)
    }

    /// What a driver's end and its last line mean.
    static func read(
        _ outcome: Outcome,
        of peer: Peer
    ) -> Result<(version: String, figures: [String: Double]), LoadError> {
        switch outcome.code {
        case 0:
            guard let json = try? JSONValue(parsing: Array(outcome.lastLine.utf8)),
                let version = json["version"]?.stringValue,
                let figures = json["figures"]?.objectValue?.compactMapValues(\.doubleValue),
                !figures.isEmpty
            else {
                return .failure(LoadError("\(peer.name) tells no figures: \(outcome.lastLine)"))
            }
            return .success((version, figures))
        case 2: return .failure(LoadError("\(peer.name) did it wrong: \(outcome.lastLine)"))
        case 3: return .failure(LoadError("\(peer.name) is not installed"))
        case nil: return .failure(LoadError("\(peer.name) took longer than \(Self.patience)"))
        default: return .failure(LoadError("\(peer.name) fails: \(outcome.lastLine)"))
        }
    }

    // MARK: Programs

    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment.filter { name, _ in
            ["PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "ABSURD_SQL"].contains(name)
        }
    }

    /// Where a program is.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return (path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/local/bin"])
            .map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    /// Runs a program to its end.
    private func run(
        _ program: String,
        _ words: [String],
        _ environment: [String: String] = QueueBeside.environment
    ) async throws -> Outcome {
        let file = await self.room.nextFile()
        var launch = Launch(program: program, arguments: words)
        launch.environment = environment
        launch.output = file
        let process = try launch.start()
        self.room.keeper.end(process)
        let deadline = ContinuousClock.now + Self.patience
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) == 0 {
            if ContinuousClock.now > deadline {
                kill(process, SIGKILL)
                waitpid(process, &status, 0)
                return Outcome(code: nil, output: TextFile.read(file) ?? "")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Outcome(code: code, output: TextFile.read(file) ?? "")
    }
}
