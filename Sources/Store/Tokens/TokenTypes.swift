// What is stored of an API token.

/// A token to be stored.
public struct NewToken: Sendable, Hashable {
    /// Its public half, unique.
    public var id: String
    /// Its name for people.
    public var name: String
    /// `read`, `run` or `admin`.
    public var scope: String
    /// Whose it is.
    public var tenant: String
    /// SHA-256 of its secret half, 32 bytes.
    public var secretHash: [UInt8]
    /// How long it lives; `nil` means until it is revoked.
    public var lifetime: Duration?
    /// What its holder belongs to.
    public var groups: [String]

    /// Describes a token.
    public init(
        id: String,
        name: String,
        scope: String,
        tenant: String,
        secretHash: [UInt8],
        lifetime: Duration?,
        groups: [String] = []
    ) {
        self.id = id
        self.name = name
        self.scope = scope
        self.tenant = tenant
        self.secretHash = secretHash
        self.lifetime = lifetime
        self.groups = groups
    }
}

/// A stored token as lists show it.
public struct TokenRow: Sendable, Hashable {
    /// Its public half.
    public var id: String
    /// Its name for people.
    public var name: String
    /// `read`, `run` or `admin`.
    public var scope: String
    /// Whose it is.
    public var tenant: String
    /// When it was made, in milliseconds since 1970.
    public var createdMilliseconds: Int64
    /// When it ends by itself.
    public var expiresMilliseconds: Int64?
    /// When it was used last; up to a minute behind.
    public var usedMilliseconds: Int64?
    /// When it was revoked.
    public var revokedMilliseconds: Int64?
    /// What its holder belongs to.
    public var groups: [String]
}

/// A token that lets somebody in now.
public struct LiveToken: Sendable, Hashable {
    /// Its public half.
    public var id: String
    /// Its name for people.
    public var name: String
    /// `read`, `run` or `admin`.
    public var scope: String
    /// Whose it is.
    public var tenant: String
    /// SHA-256 of its secret half.
    public var secretHash: [UInt8]
    /// The time it has left; `nil` means until it is revoked.
    public var timeLeft: Duration?
    /// What its holder belongs to.
    public var groups: [String]
}
