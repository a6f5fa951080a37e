// The door to durable state: one handle over a pool, whose topics live in the folders beside it.

public import Logging
public import Postgres
public import PulserIR

/// All durable state, by name.
///
/// Reads and enqueues go straight to a pooled connection; whatever a node writes about work that it
/// owns goes through ``WriterActor``, fenced.
public struct Store: Sendable {
    let pool: PostgresPool
    let logger: Logger
    /// The keys of what is sealed; `nil`: nothing is.
    let seal: SealRing?
    /// Where news for the owners of lanes go.
    public let news = LaneNewsDesk()
    /// What keeps this process's writes waiting.
    public let obstacle = WriteObstacle()

    /// What every session of a store is set to, see ``PostgresConfiguration/options``. The queue's
    /// tables are empty one second and hold a million rows the next, and a statement that is prepared
    /// is planned once: nothing is read from end to end where an index leads to it. Nothing here runs
    /// long enough to be worth compiling.
    public static let sessionOptions = "-c enable_seqscan=off -c jit=off"

    /// Opens the store over a running pool.
    ///
    /// - Parameters:
    ///   - pool: Its connections.
    ///   - logger: Where it tells of itself.
    ///   - seal: With keys, inputs and outputs are sealed before they are stored. Default: they are not.
    public init(pool: PostgresPool, logger: Logger, seal: SealRing? = nil) {
        self.pool = pool
        self.seal = seal
        self.logger = logger
    }

    /// Runs one prepared statement on a pooled connection.
    func execute(
        _ statement: PostgresStatement,
        _ values: [PostgresValue] = []
    ) async throws(StoreError) -> PostgresRows {
        do {
            return try await self.repeating { () async throws(PostgresError) in
                try await self.pool.execute(statement, values)
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Runs several statements in one transaction and one round trip.
    func transaction(
        _ requests: [PostgresRequest]
    ) async throws(StoreError) -> [PostgresRows] {
        do {
            return try await self.repeating { () async throws(PostgresError) in
                try await self.pool.transaction(requests)
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// How often a transaction is tried that the database undoes because it met another one.
    static let undoneMax = 5

    /// Does again what the database undid: a deadlock's victim, or what it could not put in order
    /// with others. Nothing of it was stored. The pauses grow and differ, so that those who met do
    /// not meet again.
    func repeating<Value: Sendable>(
        _ work: () async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        var pause = 2.0
        for _ in 1..<Self.undoneMax {
            do {
                return try await work()
            } catch {
                guard error.isUndone, !Task.isCancelled else { throw error }
            }
            let milliseconds = pause * Double.random(in: 0.5...1.5)
            try? await Task.sleep(for: .microseconds(Int64(milliseconds * 1_000)))
            pause *= 3
        }
        return try await work()
    }

    /// Answers a question of unknown size within a time, planned for the very values it has: one
    /// round trip.
    ///
    /// - Parameters:
    ///   - statement: The question.
    ///   - values: What it is asked with.
    ///   - isNarrowable: Whether a narrower question would be quicker: then only that helps, and
    ///     asking again does not.
    ///   - limit: How long the database may take.
    /// - Returns: The rows.
    /// - Throws: `tooCostly`, or `unavailable` where nothing can be narrowed, when it needs longer.
    func bounded(
        _ statement: PostgresStatement,
        _ values: [PostgresValue],
        isNarrowable: Bool = false,
        within limit: Duration = Self.questionTimeMax
    ) async throws(StoreError) -> PostgresRows {
        let rows = try await self.bounded(
            [PostgresRequest(statement, values)],
            isNarrowable: isNarrowable,
            within: limit
        )
        guard let answer = rows.last else { throw StoreError(.corrupt, "an answer is missing") }
        return answer
    }

    /// Answers several such questions at one moment, in one round trip.
    ///
    /// - Parameters:
    ///   - questions: The statements with their values.
    ///   - isNarrowable: As above.
    ///   - limit: How long the database may take for each.
    /// - Returns: The rows of each, in their order.
    /// - Throws: As above.
    func bounded(
        _ questions: [PostgresRequest],
        isNarrowable: Bool = false,
        within limit: Duration = Self.questionTimeMax
    ) async throws(StoreError) -> [PostgresRows] {
        let milliseconds = Int64(limit / .milliseconds(1))
        let bound = PostgresRequest(WriterSQL.bound, [.text(String(milliseconds))])
        do {
            return Array(try await self.pool.transaction([bound] + questions).dropFirst())
        } catch {
            // 57014: cut off, here by the bound above.
            guard error.sqlState == "57014" else { throw StoreError(error) }
            throw StoreError(
                isNarrowable ? .tooCostly : .unavailable,
                "the database needs longer than \(limit) for this"
            )
        }
    }

    /// How long a list may take.
    public static let questionTimeMax: Duration = .seconds(5)

    /// Tells listeners that something happened; never inside a transaction that writes, because
    /// NOTIFY holds a global lock across the commit's flush.
    ///
    /// A lost notice costs latency only: every listener polls.
    public func notify(_ channel: Channel, _ payload: String) async {
        _ = try? await self.execute(WriterSQL.notify, [.text(channel.rawValue), .text(payload)])
    }
}

/// The channels of LISTEN and NOTIFY.
public enum Channel: String, Sendable {
    /// Lanes that have new work: `lane` ids, separated by commas.
    case work = "opsroom_work"
    /// Runs whose owner must look at a request: run numbers, separated by commas.
    case request = "opsroom_request"
    /// Lanes whose log grew, each with the number after its last stored event: `lane:end` pairs,
    /// separated by commas.
    case events = "opsroom_events"
    /// Lanes whose settings changed: `lane` ids, separated by commas.
    case lanes = "opsroom_lanes"
    /// The version of a view of the cluster that rose.
    case cluster = "opsroom_cluster"
    /// Shards that moved between nodes: `shard` numbers, separated by commas.
    case shards = "opsroom_shards"
    /// Schedules that somebody must look at: `schedule` numbers, separated by commas.
    case schedules = "opsroom_schedules"
}
