// Which tool does what: the one door through which the executor reaches programs, HTTP and SQL.

public import AsyncHTTPClient
import NIOCore
public import PulserIR

/// All tools of a node.
///
/// Every line, result, failure and verifier outcome that leaves it has passed the ``Redactor`` of
/// the context's secrets.
public struct ToolBox: Sendable {
    private let shell: ShellTool
    private let http: HTTPTool
    private let sql: SQLTool
    private let client: HTTPClient
    private let ownsClient: Bool

    /// Makes the tools.
    ///
    /// - Parameters:
    ///   - configuration: Limits and paths.
    ///   - httpClient: A client to share, made with ``httpClientConfiguration``, which its owner
    ///     shuts down; without one the tool box makes and owns one.
    public init(configuration: ToolsConfiguration = .init(), httpClient: HTTPClient? = nil) {
        self.client =
            httpClient
            ?? HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: Self.httpClientConfiguration(configuration)
            )
        self.ownsClient = httpClient == nil
        self.shell = ShellTool(configuration: configuration)
        self.http = HTTPTool(client: self.client)
        self.sql = SQLTool(configuration: configuration)
    }

    /// What a shared client must be made with: redirects are the tool's business, since each plan
    /// step decides about them.
    public static func httpClientConfiguration(
        _ configuration: ToolsConfiguration = .init()
    ) -> HTTPClient.Configuration {
        var settings = HTTPClient.Configuration(redirectConfiguration: .disallow)
        settings.timeout.connect = .nanoseconds(configuration.connectTimeout.nanosecondsClamped)
        // A plan's effects happen once: whether to try again is the retry policy's decision.
        settings.connectionPool.retryConnectionEstablishment = false
        return settings
    }

    /// Does a `shell`, `http` or `sql` action.
    ///
    /// A program that exits with 1, or an answer of 500, is a result that verifiers judge. A
    /// program that ran out of time gives the output seen so far together with a failure.
    ///
    /// - Throws: ``ToolFailure`` when the action could not run or was cancelled.
    public func perform(
        _ action: Action,
        in context: ToolContext
    ) async throws(ToolFailure) -> ToolResult {
        let redactor = Redactor(secrets: context.scope.secrets)
        do throws(ToolFailure) {
            var result: ToolResult
            switch action {
            case .shell(let shell) where shell.background:
                throw ToolFailure(.error, "a background program is started by startBackground")
            case .shell(let shell):
                result = try await self.shell.run(shell, in: context, redactor: redactor)
            case .http(let http): result = try await self.http.run(http, in: context)
            case .sql(let sql):
                result = try await self.sql.run(sql, isReadOnly: context.readOnlySQL, in: context)
            case .sleep, .fanOut, .run, .wait:
                throw ToolFailure(.error, "\(action.kind) is the executor's own action")
            }
            result.value = redactor.redact(result.value)
            result.failure = result.failure.map { redactor.redact($0) }
            return result
        } catch {
            throw redactor.redact(error)
        }
    }

    /// Starts a program that goes on behind its step; returns once it runs.
    ///
    /// Its output streams through the context's `emit` until it ends. The context's deadline
    /// bounds only the start.
    ///
    /// - Throws: ``ToolFailure`` when it could not be started.
    public func startBackground(
        _ action: ShellAction,
        in context: ToolContext
    ) async throws(ToolFailure) -> BackgroundProcess {
        let redactor = Redactor(secrets: context.scope.secrets)
        do throws(ToolFailure) {
            return BackgroundProcess(
                try await self.shell.start(action, in: context, redactor: redactor)
            )
        } catch {
            throw redactor.redact(error)
        }
    }

    /// Runs the verifiers in order, or the action's default one (`default`) when there is none.
    ///
    /// Expressions see `result` as the step's result, whatever the context's scope holds. Checks
    /// without a request, program or query of their own look at it.
    public func verify(
        _ verifiers: [Verifier],
        action: Action,
        result: JSONValue,
        in context: ToolContext
    ) async -> [VerifierOutcome] {
        let runner = VerifierRunner(
            shell: self.shell,
            http: self.http,
            sql: self.sql,
            redactor: Redactor(secrets: context.scope.secrets)
        )
        return await runner.run(verifiers, action: action, result: result, in: context)
    }

    /// Releases what the tool box owns; call it once, after the last action.
    public func shutdown() async {
        guard self.ownsClient else { return }
        // Only a second shutdown can fail, and then there is nothing left to do.
        try? await self.client.shutdown()
    }
}
