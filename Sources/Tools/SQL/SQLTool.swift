// How an SQL action becomes statements on a connection of its own, and their rows a result.

import FoundationEssentials
import Glibc
import Logging
import Postgres
import PulserIR

/// Runs statements with bound parameters, in one transaction unless the plan says otherwise.
struct SQLTool: Sendable {
    let configuration: ToolsConfiguration

    /// What is run.
    private enum Work {
        case statement(String, [PostgresValue])
        case script([String])
    }

    /// A file larger than this is no migration.
    private static let fileBytesMax = 16 << 20

    /// Runs the action; cancelling the task cancels the statement on the server.
    func run(
        _ action: SQLAction,
        isReadOnly: Bool,
        in context: ToolContext
    ) async throws(ToolFailure) -> ToolResult {
        let work = try await Self.work(of: action, in: context)
        var settings = PostgresConfiguration(
            conninfo: try Self.address(of: action.database, in: context)
        )
        settings.connectTimeout = min(self.configuration.connectTimeout, context.remaining)
        settings.statementTimeout = context.remaining
        settings.applicationName = "opsroom run \(context.runID)"
        let connection: PostgresConnection
        do {
            connection = try await PostgresConnection.connect(settings, logger: context.logger)
        } catch {
            throw Self.failure(error, isConnecting: true)
        }
        do {
            let value = try await Self.perform(
                work,
                isTransaction: action.transaction,
                isReadOnly: isReadOnly,
                on: connection
            )
            await connection.close()
            return ToolResult(value: value)
        } catch {
            // Closing rolls back whatever is open.
            await connection.close()
            throw error
        }
    }

    // MARK: What is run

    private static func work(
        of action: SQLAction,
        in context: ToolContext
    ) async throws(ToolFailure) -> Work {
        let sink = Sink(scope: context.scope)
        if let query = action.query {
            let scan = NamedParameters(query)
            for name in action.parameters.keys.sorted() where !scan.names.contains(name) {
                throw ToolFailure(.error, "parameter '\(name)' is not used in the statement")
            }
            var values: [PostgresValue] = []
            for name in scan.names {
                guard let template = action.parameters[name] else {
                    throw ToolFailure(.error, "parameter ':\(name)' has no value")
                }
                values.append(Self.parameter(try sink.value(template, for: "params.\(name)")))
            }
            return .statement(scan.text, values)
        }
        guard let file = action.file else { throw ToolFailure(.error, "neither query nor file") }
        guard action.parameters.isEmpty else {
            throw ToolFailure(.error, "a file takes no parameters")
        }
        let path = try WorkspacePath.resolve(sink.text(file, for: "file"), in: context.workspace)
        let limit = Self.fileBytesMax
        guard let bytes = await FileReading.bytes(of: path, bytesMax: limit) else {
            throw ToolFailure(
                .error,
                "the SQL file cannot be read or is larger than \(limit >> 20) MiB"
            )
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ToolFailure(.error, "the SQL file is not UTF-8")
        }
        return .script(NamedParameters(text, bindsParameters: false).statements)
    }

    /// Everything travels as text of a type that the server infers.
    private static func parameter(_ value: JSONValue) -> PostgresValue {
        switch value {
        case .null: .null
        case .string(let text): .text(text)
        case .bool, .integer, .number, .array, .object: .text(value.canonicalText)
        }
    }

    private static func address(
        of database: SQLAction.Database,
        in context: ToolContext
    ) throws(ToolFailure) -> String {
        switch database {
        case .secret(let name):
            guard let value = context.scope.secrets[name] else {
                throw ToolFailure(.error, "secret '\(name)' has no value")
            }
            return value
        case .scratch:
            guard let address = context.scratchDSN else {
                throw ToolFailure(.error, "the run has no scratch database")
            }
            return address
        case .expression(let template):
            return try Sink(scope: context.scope).text(template, for: "dsn", allowsSecrets: true)
        }
    }

    // MARK: On the server

    private static func perform(
        _ work: Work,
        isTransaction: Bool,
        isReadOnly: Bool,
        on connection: PostgresConnection
    ) async throws(ToolFailure) -> JSONValue {
        do {
            // Read-only means a transaction always: without one nothing would hold the server to it.
            let isWrapped = isTransaction || isReadOnly
            if isWrapped {
                _ = try await connection.query(
                    isReadOnly ? SQLToolSQL.beginReadOnly : SQLToolSQL.begin
                )
            }
            var rows: PostgresRows?
            var affected = 0
            switch work {
            case .statement(let sql, let values):
                let answer = try await connection.query(sql, values, format: .text)
                rows = answer
                affected = answer.affected
            case .script(let statements):
                for statement in statements {
                    let answer = try await connection.query(statement, [], format: .text)
                    rows = answer
                    affected += answer.affected
                }
            }
            let value = try Self.value(of: rows, affected: affected)
            if isWrapped { _ = try await connection.query(SQLToolSQL.commit) }
            return value
        } catch let error as PostgresError {
            throw Self.failure(error, isConnecting: false)
        } catch let error as ToolFailure {
            throw error
        } catch {
            throw ToolFailure(.error, "the statement failed")
        }
    }

    private static func value(
        of rows: PostgresRows?,
        affected: Int
    ) throws(ToolFailure) -> JSONValue {
        let columns = rows?.columns ?? []
        let count = rows?.count ?? 0
        guard count <= Limits.sqlRowsMax else {
            throw ToolFailure(.error, "more than 10,000 rows; narrow the query or use LIMIT")
        }
        guard Set(columns).count == columns.count else {
            throw ToolFailure(.error, "two columns have the same name; rename one with AS")
        }
        var list: [JSONValue] = []
        list.reserveCapacity(count)
        if let rows {
            let types = columns.indices.map { rows.columnType($0).rawValue }
            for row in 0..<count {
                var members: [String: JSONValue] = [:]
                for (column, name) in columns.enumerated() {
                    members[name] =
                        rows.columnText(row, column)
                        .map { CellMapping.value($0, type: types[column]) } ?? .null
                }
                list.append(.object(members))
            }
        }
        return .object([
            "rows": .array(list),
            "count": .integer(Int64(count)),
            "affected": .integer(Int64(affected)),
            "columns": .array(columns.map { .string($0) }),
        ])
    }

    /// The server's own sentence and SQLSTATE; neither the statement nor any parameter.
    private static func failure(_ error: PostgresError, isConnecting: Bool) -> ToolFailure {
        let state = error.sqlState.map { " (SQLSTATE \($0))" } ?? ""
        let isUnknown = error.outcomeUnknown
        switch error.code {
        case .cancelled: return .cancelled
        case .timeout:
            return ToolFailure(
                isConnecting ? .network : .timeout,
                isConnecting
                    ? "the database could not be reached in time"
                    : "the statement did not end in time and was cancelled",
                isOutcomeUnknown: isUnknown
            )
        case .connectionFailed, .missingServer, .connectionLost, .closed:
            // libpq's sentence may name host and user, which are not secret, never a password.
            return ToolFailure(
                .network,
                "the database connection failed: \(error.message)\(state)",
                isOutcomeUnknown: isUnknown
            )
        case .server where error.sqlState == "57014":
            return ToolFailure(.timeout, "the statement was cancelled\(state)")
        case .server, .poolExhausted, .overloaded, .protocolViolation, .invalidParameter,
            .copyFailed:
            return ToolFailure(.error, "\(error.message)\(state)", isOutcomeUnknown: isUnknown)
        }
    }
}
