// What can be set about the tools.

/// Settings of the tools.
public struct ToolsConfiguration: Sendable {
    /// The guard program; `nil` takes `OPSROOM_GUARD`, else `opsroom-guard` beside the
    /// running executable.
    public var guardPath: String?
    /// Time between SIGTERM and SIGKILL. Default 5 s.
    public var grace: Duration
    /// Where programs are looked up.
    public var searchPath: String
    /// How long connecting to an HTTP server or a database may take. Default 10 s.
    public var connectTimeout: Duration

    /// Makes settings.
    public init(
        guardPath: String? = nil,
        grace: Duration = .seconds(5),
        searchPath: String = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        connectTimeout: Duration = .seconds(10)
    ) {
        self.guardPath = guardPath
        self.grace = grace
        self.searchPath = searchPath
        self.connectTimeout = connectTimeout
    }
}
