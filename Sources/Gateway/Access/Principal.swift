// Who asks, and what he may.

/// Whoever a request comes from.
public struct Principal: Sendable, Hashable {
    /// What one may do; each includes those before it.
    public enum Scope: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Look at everything.
        case read
        /// Take runs of lanes that are worked outside, and say what came of them.
        case work
        /// Start, cancel, retry and edit work.
        case run
        /// Manage tokens and nodes.
        case admin

        private var rank: Int {
            switch self {
            case .read: 0
            case .work: 1
            case .run: 2
            case .admin: 3
            }
        }

        /// Whether `right` allows more.
        public static func < (left: Scope, right: Scope) -> Bool { left.rank < right.rank }
    }

    /// The tenant of whoever names none.
    public static let defaultTenant = "default"

    /// The token's public half; `nil` for nobody.
    public var token: String?
    /// The token's name for people.
    public var name: String
    /// What he may do; `nil` for nobody.
    public var scope: Scope?
    /// With whom he shares caps of streams, keys of requests and the list of tokens; sessions and
    /// runs are everybody's.
    public var tenant: String

    /// What he belongs to: steps may ask for somebody of a group.
    public var groups: [String] = []

    /// The hash of the browser's session he came with; `nil` for one who showed the token itself.
    public var session: [UInt8]?
    /// When that session ends at the latest; `nil` for one who showed the token itself.
    public var sessionEndsAt: ContinuousClock.Instant?

    /// Describes somebody.
    public init(token: String?, name: String, scope: Scope?, tenant: String) {
        self.token = token
        self.name = name
        self.scope = scope
        self.tenant = tenant
    }

    /// Somebody without a token.
    public static let nobody = Principal(
        token: nil,
        name: "nobody",
        scope: nil,
        tenant: Self.defaultTenant
    )
}
