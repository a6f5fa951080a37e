// Decides how a campaign keeps its Postgres, and how it looks into it.

import ControlRoom
import FoundationEssentials
import Glibc
import Logging
import Postgres
import PulserIR

/// The Postgres of a campaign: started, restarted, read, stopped.
actor FaultDatabase {
    /// How long a look may be repeated while the server is away.
    private static let patience: Duration = .seconds(60)

    private static var logger: Logger { Logger(label: "opsload") { _ in SwiftLogNoOpLogHandler() } }

    private let directory: DataDirectory
    private let keeper: Keeper
    private var server: EmbeddedPostgres
    private nonisolated let conninfo: String
    /// The unix socket that the server listens on.
    nonisolated let socket: String

    /// Makes a server in a fresh folder.
    init(in folder: String, keeper: Keeper) async throws {
        self.directory = try DataDirectory.open(folder, purpose: "opsload faults")
        self.keeper = keeper
        self.server = try await EmbeddedPostgres.start(in: self.directory, logger: Self.logger)
        self.conninfo = self.server.conninfo
        // host='…' port=5432 …
        let host = self.conninfo.firstMatch(of: /host='([^']+)'/).map { String($0.1) }
        self.socket = (host ?? "") + "/.s.PGSQL.5432"
        let data = try? Self.text("/proc/\(self.server.serverProcessID)/cwd")
        if let data { keeper.server(data) }
    }

    private static func text(_ link: String) throws(LoadError) -> String {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink(link, &bytes, bytes.count - 1)
        guard count > 0 else { throw LoadError("\(link) cannot be read") }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Stops the server, at once without a word to its clients or in order, and starts it again.
    func restart(downMilliseconds: Int, isImmediate: Bool) async throws {
        if isImmediate {
            let process = self.server.serverProcessID
            kill(process, SIGQUIT)
            while kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        } else {
            await self.server.stop()
        }
        try? await Task.sleep(for: .milliseconds(downMilliseconds))
        self.server = try await EmbeddedPostgres.start(in: self.directory, logger: Self.logger)
    }

    /// Stops the server for good.
    func stop() async {
        await self.server.stop()
        self.directory.unlock()
    }

    /// Executes a script once.
    nonisolated func script(_ sql: String) async throws {
        try await self.connected { try await $0.script(sql) }
    }

    /// All rows of a view of `loadtests/faults.sql`, every value as text.
    nonisolated func table(_ view: String) async throws -> [[String]] {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do {
                return try await self.connected { connection in
                    let rows = try await connection.query("TABLE faults.\(view)")
                    return (0..<rows.count).map { row in
                        rows.columns.indices.map { rows.columnText(row, $0) ?? "" }
                    }
                }
            } catch let error as PostgresError {
                guard ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Writes every view into a folder, for whoever looks into what happened.
    nonisolated func keep(in folder: String) async throws {
        for view in ["lanes", "nodes", "runs", "steps", "chunks", "shards", "claims"] {
            let text = try await self.table(view).map { $0.joined(separator: "\t") + "\n" }.joined()
            try? Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(view).tsv"))
        }
    }

    private nonisolated func connected<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(conninfo: self.conninfo),
            logger: Self.logger
        )
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension FaultEvidence {
    /// Takes what the database has.
    mutating func read(_ database: FaultDatabase) async throws {
        func number(_ text: String) -> Int64 { Int64(text) ?? 0 }
        self.lanes = try await database.table("lanes").map {
            Lane(id: number($0[0]), name: $0[1], shard: number($0[2]))
        }
        self.nodes = try await database.table("nodes").map {
            Node(epoch: number($0[0]), name: $0[1], started: number($0[2]))
        }
        self.runs = try await database.table("runs").map {
            Run(
                id: number($0[0]),
                lane: number($0[1]),
                plan: $0[2],
                status: $0[3],
                failure: $0[4],
                enqueued: number($0[5]),
                started: number($0[6]),
                finished: $0[7] == "0" ? .max : number($0[7]),
                firstSequence: number($0[8]),
                lastSequence: number($0[9])
            )
        }
        self.steps = try await database.table("steps").map {
            Step(
                run: number($0[0]),
                step: $0[1],
                attempt: Int(number($0[2])),
                state: $0[3],
                isSuperseded: $0[4] == "t",
                ended: number($0[5])
            )
        }
        self.chunks = [:]
        for row in try await database.table("chunks") {
            let chunk = (
                first: number(row[1]), count: Int(number(row[2])), bytes: Array(row[3].utf8)
            )
            self.chunks[number(row[0]), default: []].append(chunk)
        }
        self.shardChanges = try await database.table("shards").map {
            ShardChange(
                at: number($0[0]),
                shard: number($0[1]),
                owner: number($0[2]),
                generation: number($0[3]),
                state: $0[4]
            )
        }
        self.claims = try await database.table("claims").map {
            Claim(
                at: number($0[0]),
                run: number($0[1]),
                lane: number($0[2]),
                owner: number($0[3])
            )
        }
    }
}
