// Decides how texts are sealed before they are stored: the cipher, the envelope, which key.

internal import Crypto
internal import FoundationEssentials

/// Why a sealed text does not open, or a file of keys cannot be used: one sentence.
public struct SealError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The sentence.
    public var description: String

    init(_ description: String) { self.description = description }
}

/// The keys of sealed texts: the first seals, all of them open.
///
/// AES-256-GCM. Every text has a key and a nonce of its own, made by HMAC-SHA-512 of the ring's key
/// and a salt of 24 bytes, so that no number of texts is too many for one key of a ring.
public struct SealRing: Sendable {
    private struct Key: Sendable {
        var id: String
        var secret: SymmetricKey
    }

    private let keys: [Key]

    /// What a sealed text begins with. Canonical JSON has its keys in order and never begins so.
    public static let mark = "{\"sealed\":\"v1\",\"key\":\""
    /// What sealed bytes begin with; no line of a log and no key's name has a NUL.
    static let byteMark: [UInt8] = Array("\0sealed v1\0".utf8)
    private static let saltCount = 24

    /// Reads keys: one a line, an id of 1 to 32 letters, digits, `-`, `_`, a space, 32 bytes in
    /// base64. The first one seals. Lines that are empty or begin with `#` say nothing.
    ///
    /// - Parameter text: The lines.
    /// - Throws: When a line is no key, an id comes twice, or there is none. No key is repeated.
    public init(_ text: String) throws(SealError) {
        var keys: [Key] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            guard words.count == 2, first.wholeMatch(of: /[A-Za-z0-9_-]{1,32}/) != nil,
                let bytes = Data(base64Encoded: String(words[1])), bytes.count == 32
            else {
                throw SealError(
                    "line \(index + 1) is no key: an id, a space and 32 bytes in base64 are one"
                )
            }
            if keys.contains(where: { $0.id == first }) {
                throw SealError("line \(index + 1) has the id '\(first)' a second time")
            }
            keys.append(Key(id: String(first), secret: SymmetricKey(data: bytes)))
        }
        guard !keys.isEmpty else { throw SealError("there is no key in it") }
        self.keys = keys
    }

    /// A new key's line.
    ///
    /// - Parameter id: Its id.
    /// - Returns: The line, which holds the secret.
    public static func newLine(_ id: String) -> String {
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        return "\(id) \(secret.base64EncodedString())"
    }

    /// The key that seals.
    public var writer: String { self.keys.first?.id ?? "" }

    /// All keys, the one that seals first.
    public var ids: [String] { self.keys.map(\.id) }

    // MARK: Texts

    /// Seals a text into an envelope, which is JSON.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - place: Where it will lie.
    /// - Returns: `{"sealed":"v1","key":…,"data":…}`; names of files sent to the node stay
    ///   readable in it, as `files`, because files that runs name are kept.
    public func seal(_ text: String, at place: SealPlace) -> String {
        let data = Data(self.box(Array(text.utf8), place, salt: Self.randomSalt()))
        var files = ""
        if case .inputs = place {
            let names = text.matches(of: /\/([0-9a-f]{64})(?![0-9a-f])/).map { "\"\($0.1)\"" }
            if !names.isEmpty { files = ",\"files\":[\(names.joined(separator: ","))]" }
        }
        return "\(Self.mark)\(self.writer)\",\"data\":\"\(data.base64EncodedString())\"\(files)}"
    }

    /// Whether a stored text is an envelope.
    public static func isSealed(_ text: String) -> Bool { text.hasPrefix(Self.mark) }

    /// The id of the key that sealed a text; `nil` when it is not sealed.
    public static func key(of text: String) -> String? {
        guard Self.isSealed(text) else { return nil }
        return String(text.dropFirst(Self.mark.count).prefix { $0 != "\"" })
    }

    /// Opens a stored text; one that is not sealed is given back.
    ///
    /// - Parameters:
    ///   - text: As it is stored.
    ///   - place: Where it lies.
    ///   - ring: The keys; `nil` when there are none.
    /// - Returns: The text that was sealed.
    /// - Throws: When its key is not there, or it was changed or moved.
    public static func open(
        _ text: String,
        at place: SealPlace,
        with ring: SealRing?
    ) throws(SealError) -> String {
        guard let id = Self.key(of: text) else { return text }
        let key = try Self.find(id, place, ring)
        let rest = text.dropFirst(Self.mark.count + id.count + "\",\"data\":\"".count)
        let words = String(rest.prefix { $0 != "\"" })
        // Of the last letter some bits say nothing: other letters would give the same bytes.
        guard let box = Data(base64Encoded: words), box.base64EncodedString() == words,
            let bytes = Self.unbox(Array(box), place, key)
        else { throw Self.broken(id, place) }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Bytes

    /// Seals bytes. The same bytes at the same place give the same again, so that a write that is
    /// sent twice is known by what it wrote.
    ///
    /// - Parameters:
    ///   - bytes: The bytes.
    ///   - place: Where they will lie.
    /// - Returns: A mark, the key's id, a NUL, what was sealed.
    public func seal(_ bytes: [UInt8], at place: SealPlace) -> [UInt8] {
        guard let key = self.keys.first else { return bytes }
        var hash = HMAC<SHA256>(key: key.secret)
        hash.update(data: place.bytes)
        hash.update(data: bytes)
        let salt = Array(hash.finalize().prefix(Self.saltCount))
        return Self.byteMark + Array(self.writer.utf8) + [0] + self.box(bytes, place, salt: salt)
    }

    /// Opens stored bytes; those that are not sealed are given back.
    ///
    /// - Parameters:
    ///   - bytes: As they are stored.
    ///   - place: Where they lie.
    ///   - ring: The keys; `nil` when there are none.
    /// - Returns: The bytes that were sealed.
    /// - Throws: As ``open(_:at:with:)-(String,_,_)``.
    public static func open(
        _ bytes: [UInt8],
        at place: SealPlace,
        with ring: SealRing?
    ) throws(SealError) -> [UInt8] {
        guard bytes.starts(with: Self.byteMark) else { return bytes }
        let rest = bytes.dropFirst(Self.byteMark.count)
        let id = String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self)
        let key = try Self.find(id, place, ring)
        guard let plain = Self.unbox(Array(rest.dropFirst(id.utf8.count + 1)), place, key) else {
            throw Self.broken(id, place)
        }
        return plain
    }

    // MARK: The cipher

    private static func find(
        _ id: String,
        _ place: SealPlace,
        _ ring: SealRing?
    ) throws(SealError) -> Key {
        if let key = ring?.keys.first(where: { $0.id == id }) { return key }
        throw SealError(
            "\(place.noun) cannot be read: sealed with the key '\(id.prefix(32))', which this "
                + "process does not have; add the key's line to the file that seal-key-file names"
        )
    }

    private static func broken(_ id: String, _ place: SealPlace) -> SealError {
        SealError(
            "\(place.noun) cannot be read: what is stored is not what was sealed there with the key "
                + "'\(id)'; it was changed or moved, or the key's line has another secret"
        )
    }

    private static func randomSalt() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<3).flatMap { _ in
            withUnsafeBytes(of: generator.next() as UInt64) { Array($0) }
        }
    }

    /// The key and the nonce of one text.
    private static func parts(
        _ secret: SymmetricKey,
        _ salt: [UInt8]
    ) -> (key: SymmetricKey, nonce: [UInt8]) {
        let code = Array(HMAC<SHA512>.authenticationCode(for: salt, using: secret))
        return (SymmetricKey(data: code[..<32]), Array(code[32..<44]))
    }

    private func box(_ bytes: [UInt8], _ place: SealPlace, salt: [UInt8]) -> [UInt8] {
        guard let key = self.keys.first else { return bytes }
        let parts = Self.parts(key.secret, salt)
        // Neither can fail: a nonce of 12 bytes, and far less than the 64 GiB of one message.
        guard let nonce = try? AES.GCM.Nonce(data: parts.nonce),
            let box = try? AES.GCM.seal(
                bytes,
                using: parts.key,
                nonce: nonce,
                authenticating: place.bytes
            )
        else { return [] }
        return salt + Array(box.ciphertext) + Array(box.tag)
    }

    private static func unbox(_ box: [UInt8], _ place: SealPlace, _ key: Key) -> [UInt8]? {
        guard box.count >= Self.saltCount + 16 else { return nil }
        let parts = Self.parts(key.secret, Array(box[..<Self.saltCount]))
        guard let nonce = try? AES.GCM.Nonce(data: parts.nonce),
            let sealed = try? AES.GCM.SealedBox(
                nonce: nonce,
                ciphertext: box[Self.saltCount..<(box.count - 16)],
                tag: box[(box.count - 16)...]
            ),
            let plain = try? AES.GCM.open(sealed, using: parts.key, authenticating: place.bytes)
        else { return nil }
        return Array(plain)
    }
}
