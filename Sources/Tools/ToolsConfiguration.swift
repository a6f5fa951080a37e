// What can be set about the tools.

/// Settings of the tools.
public struct ToolsConfiguration: Sendable {
    /// The guard program; `nil` takes `OPSROOM_GUARD`, else `opsroom-guard` beside the
    /// running executable.
    public var guardPath: String?
    /// Time between SIGTERM and SIGKILL. Default 5 s.
    public var grace: Duration
    /// How much longer than the grace a guard may take to end everything before the node kills it
    /// together with its program. Default 10 s; a guard itself gives up 5 s after the grace.
    public var guardMargin: Duration
    /// Where programs are looked up.
    public var searchPath: String
    /// How long connecting to an HTTP server or a database may take. Default 10 s.
    public var connectTimeout: Duration

    /// Makes settings.
    public init(
        guardPath: String? = nil,
        grace: Duration = .seconds(5),
        guardMargin: Duration = .seconds(10),
        searchPath: String = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        connectTimeout: Duration = .seconds(10)
    ) {
        self.guardPath = guardPath
        self.grace = grace
        self.guardMargin = guardMargin
        self.searchPath = searchPath
        self.connectTimeout = connectTimeout
    }
}
