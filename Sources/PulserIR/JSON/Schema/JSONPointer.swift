// How a place inside a JSON value is named (RFC 6901).

/// JSON pointers.
public enum JSONPointer {
    /// The value at `pointer`; `nil` when there is none or the pointer is malformed.
    public static func value(at pointer: String, in root: JSONValue) -> JSONValue? {
        if pointer.isEmpty { return root }
        guard pointer.hasPrefix("/") else { return nil }
        var value = root
        for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            let name = Self.unescaped(part)
            let next: JSONValue?
            if case .array = value {
                // "01" and "+1" are not indices.
                guard let index = Int(name), String(index) == name else { return nil }
                next = value[index]
            } else {
                next = value[name]
            }
            guard let next else { return nil }
            value = next
        }
        return value
    }

    /// A key as a pointer writes it.
    static func escaped(_ key: String) -> String {
        key.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
    }

    private static func unescaped(_ part: Substring) -> String {
        part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
            .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
    }
}
