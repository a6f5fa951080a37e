// The text of a token: how it is made, how it is read, and what of it is kept.

import Crypto
public import Store

/// `ocr_<id>_<secret>`: a public half that lists show, and 32 random bytes that nobody keeps.
public struct TokenText: Sendable, Hashable {
    /// The public half.
    public let id: String
    /// SHA-256 of the secret half's text.
    public let secretHash: [UInt8]

    private static let prefix = "ocr_"
    private static let idLength = 10
    private static let secretLength = 52
    /// Crockford's base 32: no letter is taken for a digit.
    private static let letters = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// Reads a token; `nil` when the text is not one.
    public init?(_ text: Substring) {
        let bytes = text.utf8
        guard bytes.count == 4 + Self.idLength + 1 + Self.secretLength,
            text.hasPrefix(Self.prefix)
        else { return nil }
        let rest = bytes.dropFirst(4)
        let id = rest.prefix(Self.idLength)
        let secret = rest.suffix(Self.secretLength)
        guard rest.dropFirst(Self.idLength).first == UInt8(ascii: "_"),
            id.allSatisfy(Self.isLetter), secret.allSatisfy(Self.isLetter)
        else { return nil }
        self.id = String(decoding: id, as: UTF8.self)
        self.secretHash = Self.hash(secret)
    }

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - name: For people.
    ///   - scope: What it allows.
    ///   - tenant: Whose it is; see ``Principal/tenant``.
    ///   - groups: What its holder belongs to.
    ///   - lifetime: `nil` means until it is revoked.
    /// - Returns: The text, to be shown once, and what is to be stored.
    public static func mint(
        name: String,
        scope: Principal.Scope,
        tenant: String = Principal.defaultTenant,
        groups: [String] = [],
        lifetime: Duration? = nil
    ) -> (text: String, stored: NewToken) {
        let id = Self.random(Self.idLength)
        let secret = Self.random(Self.secretLength)
        let stored = NewToken(
            id: id,
            name: name,
            scope: scope.rawValue,
            tenant: tenant,
            secretHash: Self.hash(secret.utf8),
            lifetime: lifetime,
            groups: groups
        )
        return ("\(Self.prefix)\(id)_\(secret)", stored)
    }

    /// What is to be stored of it.
    ///
    /// - Parameters:
    ///   - name: For people.
    ///   - scope: What it allows.
    /// - Returns: A token that holds until it is revoked.
    public func stored(name: String, scope: Principal.Scope) -> NewToken {
        NewToken(
            id: self.id,
            name: name,
            scope: scope.rawValue,
            tenant: Principal.defaultTenant,
            secretHash: self.secretHash,
            lifetime: nil
        )
    }

    /// A secret of 260 random bits.
    static func secret() -> String { Self.random(Self.secretLength) }

    /// SHA-256 of a secret's text.
    static func hash(_ secret: some Sequence<UInt8>) -> [UInt8] {
        Array(SHA256.hash(data: Array(secret)))
    }

    /// Whether two hashes are the same, in a time that does not tell where they differ.
    static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    private static func random(_ count: Int) -> String {
        // The system's generator; a power of two of letters keeps every letter as likely.
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<count).map { _ in
            Self.letters[Int(UInt8.random(in: 0..<32, using: &generator))]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "i"), UInt8(ascii: "l"), UInt8(ascii: "o"), UInt8(ascii: "u"): false
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
