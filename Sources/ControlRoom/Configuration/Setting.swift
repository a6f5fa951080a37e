// Which settings a node has, and by which name each place calls them.

/// A setting of a node. Its raw value is its key in a file and, behind `--`, its flag.
public enum Setting: String, CaseIterable, Sendable, Hashable {
    /// The connection string of the cluster's database.
    case join
    /// The node's name for people.
    case name
    /// The data directory.
    case data
    /// Where the API listens: `host:port`, or `off`.
    case listen
    /// PEM file of the API's certificate chain.
    case certificate = "tls-cert"
    /// PEM file of its key.
    case key = "tls-key"
    /// PEM file of the authorities of client certificates.
    case clientAuthority = "client-ca"
    /// File with the token of the first administrator.
    case firstToken = "first-token"
    /// Where other nodes call: `host:port`, or `off`.
    case peerListen = "peer-listen"
    /// What other nodes are told to call: `host:port`.
    case peerAddress = "peer-address"
    /// PEM file of the authority that signs the certificates of nodes.
    case peerAuthority = "peer-ca"
    /// The node's failure domain.
    case zone
    /// Names that the node answers to beside its addresses.
    case hosts
    /// Origins of pages that may ask beside the node's own.
    case origins
    /// File with the keys that seal inputs and outputs.
    case sealKeys = "seal-key-file"
    /// Requests a second of one token.
    case rateLimit = "rate-limit"
    /// `open`: `/metrics` needs no token from this machine.
    case metrics
    /// Runs at once.
    case runsMax = "runs-max"
    /// How long a stopping node lets running steps finish.
    case drainTimeout = "drain-timeout"

    /// The variable of the environment.
    public var variable: String {
        switch self {
        case .join: "DATABASE_URL"
        default: "OPSROOM_" + self.rawValue.uppercased().replacing("-", with: "_")
        }
    }

    /// Whether its value is a path; one in a file is meant from the file's folder.
    var isPath: Bool {
        switch self {
        case .data, .certificate, .key, .clientAuthority, .firstToken, .peerAuthority, .sealKeys:
            true
        default: false
        }
    }
}
