// What the doorkeeper may be told.

public import Store

/// Settings of the access to the API.
public struct AccessConfiguration: Sendable {
    /// Host names this server answers to beside `localhost` and addresses.
    public var hostNames: [String] = []
    /// Origins of pages that may send requests beside this server's own, such as
    /// `https://ops.example`.
    public var origins: [String] = []
    /// Requests a second that one token may send in the long run; 0 means no limit. Default 1,000.
    public var requestsPerSecond = 1_000
    /// Requests that a token may send at once after a rest. Default 2,000.
    public var requestsBurst = 2_000
    /// Failed proofs that one address may send at once. Default 20, then one in 6 s.
    public var failuresBurst = 20
    /// Addresses whose failures are remembered. Default 10,000.
    public var peersMax = 10_000
    /// Tokens and sessions kept in memory; beyond, each request asks the database. Default 10,000.
    public var cachedMax = 10_000
    /// How often what is in memory is compared with the database. Default 1 s: a token revoked by
    /// another node ends within 2 s.
    public var refreshInterval: Duration = .seconds(1)
    /// How long a token lives on without the database. Default 30 s.
    public var outageMax: Duration = .seconds(30)
    /// How often uses are written down. Default 1 min.
    public var usageInterval: Duration = .seconds(60)
    /// How long a token is listed after its end. Default 90 d.
    public var endedTokensKept: Duration = .seconds(90 * 86_400)
    /// How long browsers' sessions live.
    public var sessions = BrowserSessionLifetime()

    /// The defaults.
    public init() {}
}
