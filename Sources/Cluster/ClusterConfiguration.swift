// What a node may be told about its calls: who it is, where it listens, how long it waits.

public import HTTP2
public import PulserIR

/// Settings of a node's calls.
public struct ClusterConfiguration: Sendable {
    /// This node.
    public var node: NodeEpoch
    /// The cluster's name: nodes of another one are refused.
    public var cluster: String
    /// What this build is called, for people.
    public var build = "development"
    /// The host to listen on. Default loopback.
    public var host = "127.0.0.1"
    /// The port; 0 lets the system choose. Only nodes use it.
    public var port = 0
    /// Certificates and who may call; `nil` speaks in the clear, which is possible on loopback only.
    public var tls: ClusterTLS?
    /// How long a call may take when its caller does not say. Default 10 s.
    public var timeout: Duration = .seconds(10)
    /// How large arguments and results may be.
    public var limits = BinaryLimits()
    /// Bytes of calls that may wait for one connection. Default 4 MiB; then callers are refused.
    public var queueBytesMax = 4_194_304
    /// Calls that may be open on one connection, in each direction. Default 16,384.
    public var callsMax = 16_384
    /// Results of named operations that are remembered. Default 16,384.
    public var operationsMax = 16_384
    /// Bytes of them. Default 16 MiB.
    public var operationBytesMax = 16_777_216
    /// How long they are remembered. Default 5 min, to be longer than any caller tries.
    public var operationLifetime: Duration = .seconds(300)
    /// How long making a connection may take. Default 2 s.
    public var connectTimeout: Duration = .seconds(2)
    /// The pause after a connection that could not be made, doubled with each further one. Default
    /// 50 ms.
    public var reconnectPause: Duration = .milliseconds(50)
    /// The longest pause. Default 2 s.
    public var reconnectPauseMax: Duration = .seconds(2)
    /// Where actors' calls are executed; `nil` for the default pool. An event loop saves a change of
    /// threads for each call, and suffers from actors that compute for long.
    public var executor: (any TaskExecutor)?

    /// The defaults for a node.
    public init(node: NodeEpoch, cluster: String) {
        self.node = node
        self.cluster = cluster
    }

    /// Checks the settings.
    ///
    /// - Throws: `configuration`, naming the setting.
    public func validate() throws(ClusterError) {
        let isLoopback = ["127.0.0.1", "::1", "localhost"].contains(self.host)
        if self.tls == nil, !isLoopback {
            throw ClusterError(
                .configuration,
                "nodes speak in the clear on loopback only; give 'tls' to listen on '\(self.host)'"
            )
        }
        let positive = [
            ("timeout", self.timeout), ("connectTimeout", self.connectTimeout),
            ("reconnectPause", self.reconnectPause),
        ]
        if let setting = positive.first(where: { $0.1 <= .zero }) {
            throw ClusterError(.configuration, "'\(setting.0)' has to be longer than nothing")
        }
    }
}

/// How nodes encrypt, and whom they take for a node.
public struct ClusterTLS: Sendable {
    /// The certificate shown to nodes that call. Its ``ServerTLS/clientAuthorityPath`` is required.
    public var server: ServerTLS
    /// The certificate shown to nodes that are called.
    public var client: ClientTLS
    /// The names of nodes.
    public var nodes: NodeNames

    /// Names the files and the nodes.
    public init(server: ServerTLS, client: ClientTLS, nodes: NodeNames) {
        self.server = server
        self.client = client
        self.nodes = nodes
    }
}
