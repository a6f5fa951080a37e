// What a connection string says, read by libpq itself.

internal import CLibpq

/// The parts of a connection string, URL or keywords.
public struct ConnectionParts: Sendable, Hashable {
    /// By libpq's keyword; only what the string names.
    public let values: [String: String]

    /// Reads `conninfo` as libpq would.
    ///
    /// - Throws: `invalidParameter` with libpq's reason.
    public init(_ conninfo: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(conninfo, &message) else {
            let reason = unsafe message.map { unsafe String(cString: $0) } ?? "unreadable"
            unsafe PQfreemem(message)
            throw PostgresError(.invalidParameter, "connection string: \(reason.trimmed)")
        }
        var values: [String: String] = [:]
        var next = unsafe options
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val {
                unsafe values[String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe next += 1
        }
        unsafe PQconninfoFree(options)
        self.values = values
    }

    /// The same connection with some parts replaced, as keywords.
    public func replacing(_ replacements: [String: String]) -> String {
        self.values.merging(replacements) { $1 }.sorted { $0.key < $1.key }.map { key, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
            return "\(key)='\(escaped)'"
        }.joined(separator: " ")
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
